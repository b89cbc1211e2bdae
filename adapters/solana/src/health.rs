//! Is everything as the configuration says? For `doctor` and readiness.

use infrastrukt_evm::{CallError, Voter};
use infrastrukt_ports::{Check, CheckStatus, PortError};
use infrastrukt_types::B256;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{
    address::CLOCK,
    chain::Parts,
    clock::Clock,
    rpc::{Commitment, Endpoint},
    state::{self, Config},
};

/// Seconds that the chain's clock may differ from ours before it is worth a warning. It is a vote of validators and
/// drifts by some seconds.
const CLOCK_SKEW_S: u64 = 45;

/// Seconds before an epoch's end at which its end is worth a warning: a week.
const EPOCH_ENDS_SOON_S: u64 = 7 * 86_400;

type Finding = (CheckStatus, String);

/// Each endpoint: reachable, right chain, finality known, inner instructions kept, clock near.
pub(crate) async fn endpoints(parts: &Parts) -> Vec<Check> {
    let answers = parts.quorum.all(|endpoint| async move { endpoint_state(parts, &endpoint).await }).await;
    answers.into_iter().map(|(endpoint, answer)| named(format!("endpoint {}", endpoint.host()), answer)).collect()
}

/// The program, and that it belongs to this hub and chain and is in the hub's epoch.
pub(crate) async fn gateway(parts: &Parts) -> Vec<Check> {
    let program = parts.site.gateway.program;
    let answer = parts.quorum.any(|endpoint| async move { is_program(parts, &endpoint).await }).await;
    let mut checks = vec![named(format!("gateway {program}"), answer)];
    let answer = parts.quorum.any(|endpoint| async move { belongs(parts, &endpoint).await }).await;
    checks.push(named("gateway belongs to the hub".into(), answer));
    let answer = parts.quorum.any(|endpoint| async move { epoch(parts, &endpoint).await }).await;
    checks.push(named("gateway epoch".into(), answer));
    checks
}

fn named(name: String, answer: Result<Finding, CallError>) -> Check {
    let (status, detail) = answer.unwrap_or_else(|error| (CheckStatus::Fail, PortError::from(error).message));
    Check { name, status, detail }
}

async fn endpoint_state(parts: &Parts, endpoint: &Endpoint) -> Result<Finding, CallError> {
    endpoint.check_genesis().await?;
    let latest = endpoint.slot(Commitment::Processed).await?;
    let finalized = endpoint.finalized_slot().await?;
    let lag = latest.saturating_sub(finalized);
    let detail = format!("{}, slot {latest}, final {lag} slots behind", parts.config.name);
    let clock = endpoint.account(&CLOCK, Commitment::Processed).await?;
    let Some(Clock { time, .. }) = Clock::read(clock.as_ref()) else {
        return Ok((CheckStatus::Fail, format!("{detail}; it does not show the chain's clock: use another one")));
    };
    let difference = now_s().abs_diff(time);
    if difference > CLOCK_SKEW_S {
        let hint = "the node is behind, or one of the two clocks is wrong";
        return Ok((CheckStatus::Warn, format!("{detail}; its clock differs by {difference} s: {hint}")));
    }
    Ok((CheckStatus::Ok, detail))
}

async fn is_program(parts: &Parts, endpoint: &Endpoint) -> Result<Finding, CallError> {
    let found = endpoint.account(&parts.site.gateway.program, Commitment::Confirmed).await?;
    match found {
        Some(account) if account.executable => Ok((CheckStatus::Ok, format!("run by {}", account.owner))),
        Some(_) | None => {
            let remedy = "correct the address in the chain's configuration, or deploy the program";
            Ok((CheckStatus::Fail, format!("is no program: {remedy}")))
        }
    }
}

async fn config(parts: &Parts, endpoint: &Endpoint) -> Result<Config, CallError> {
    let (program, key) = (parts.site.gateway.program, parts.site.gateway.config);
    let found = endpoint.account(&key, Commitment::Confirmed).await?;
    let missing = || PortError::reject(format!("{program} was never initialised: do that first"));
    let found = found.ok_or_else(missing)?;
    Ok(state::read(&program, &key, &found).map_err(|error| PortError::reject(error.to_string()))?)
}

async fn belongs(parts: &Parts, endpoint: &Endpoint) -> Result<Finding, CallError> {
    let config = config(parts, endpoint).await?;
    let (given, hub) = (B256::from(config.hub_id), parts.context.hub);
    if given != hub.0 {
        return Ok((CheckStatus::Fail, format!("belongs to hub {given}, not {hub}: correct its address")));
    }
    if config.chain != parts.config.chain.0 {
        let (given, chain) = (config.chain, parts.config.chain);
        return Ok((CheckStatus::Fail, format!("takes itself for chain {given}, not {chain}: correct its address")));
    }
    Ok((CheckStatus::Ok, format!("hub {hub}")))
}

async fn epoch(parts: &Parts, endpoint: &Endpoint) -> Result<Finding, CallError> {
    let number = config(parts, endpoint).await?.current_epoch;
    let key = parts.site.gateway.epoch(number);
    let found = endpoint.account(&key, Commitment::Confirmed).await?;
    let missing = || PortError::reject(format!("epoch {number} has no account: the program is another one"));
    let epoch = state::read_epoch(&parts.site.gateway.program, &key, &found.ok_or_else(missing)?)
        .map_err(|error| PortError::reject(error.to_string()))?;
    let expires_at = epoch.head.expires_at;
    let detail = format!("epoch {number}, its set expires at {expires_at}");
    if expires_at < now_s() {
        return Ok((CheckStatus::Fail, format!("{detail}: it has expired; the chain needs the timelocked recovery")));
    }
    if let Some(hub_epoch) = parts.context.hub_epoch.filter(|hub_epoch| hub_epoch.0 != number) {
        let remedy = "bring the hub's rotations here before the old set expires";
        return Ok((CheckStatus::Warn, format!("{detail}; the hub is in epoch {hub_epoch}: {remedy}")));
    }
    if expires_at - now_s() < EPOCH_ENDS_SOON_S {
        return Ok((CheckStatus::Warn, format!("{detail}, within a week: rotate")));
    }
    Ok((CheckStatus::Ok, detail))
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
