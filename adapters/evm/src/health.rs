//! Is everything as the configuration says? For `doctor` and readiness.

use alloy_primitives::{Address, Bytes};
use infrastrukt_ports::{Check, CheckStatus};
use infrastrukt_types::{Epoch, HubId};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{
    bindings::{IDeployed, IVerifier},
    config::EvmConfig,
    rpc::{CallError, Endpoint, Quorum, RpcHeader},
};

/// Seconds that a chain's clock may differ from ours before it is worth a warning, besides three block times.
const CLOCK_SKEW_S: u64 = 30;

/// Seconds before an epoch's end at which its end is worth a warning: a week.
const EPOCH_ENDS_SOON_S: u64 = 7 * 86_400;

/// Each endpoint: reachable, right chain, finality known, clock near.
pub(crate) async fn endpoints(config: &EvmConfig, quorum: &Quorum) -> Vec<Check> {
    let answers = quorum.all(|endpoint| async move { endpoint_state(config, &endpoint).await }).await;
    answers.into_iter().map(|(endpoint, answer)| named(format!("endpoint {}", endpoint.host()), answer)).collect()
}

/// Code at each contract, and that they belong together and to this hub.
pub(crate) async fn contracts(config: &EvmConfig, quorum: &Quorum, hub: HubId, hub_epoch: Option<Epoch>) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, address) in config.contracts.named() {
        let answer = quorum.any(|endpoint| async move { has_code(&endpoint, address).await }).await;
        checks.push(named(format!("{name} {address}"), answer));
    }
    let verifier = config.contracts.verifier;
    for (name, address) in
        config.contracts.named().into_iter().filter(|(name, _)| matches!(*name, "gateway" | "escrow"))
    {
        let answer = quorum.any(|endpoint| async move { belongs(&endpoint, address, hub, verifier).await }).await;
        checks.push(named(format!("{name} belongs to the hub"), answer));
    }
    let answer = quorum.any(|endpoint| async move { epoch(&endpoint, verifier, hub, hub_epoch).await }).await;
    checks.push(named("verifier epoch".into(), answer));
    checks
}

type Finding = (CheckStatus, String);

fn named(name: String, answer: Result<Finding, CallError>) -> Check {
    let (status, detail) =
        answer.unwrap_or_else(|error| (CheckStatus::Fail, infrastrukt_ports::PortError::from(error).message));
    Check { name, status, detail }
}

async fn endpoint_state(config: &EvmConfig, endpoint: &Endpoint) -> Result<Finding, CallError> {
    endpoint.check_chain().await?;
    let blocks = [
        ("eth_getBlockByNumber", json!(["latest", false])),
        ("eth_getBlockByNumber", json!([config.profile.finality_tag, false])),
    ];
    let blocks: Vec<Option<RpcHeader>> = endpoint.batch(&blocks).await?;
    let [Some(latest), Some(finalized)] = blocks.as_slice() else {
        return Ok((CheckStatus::Fail, "names no latest or no final block: it is still syncing, or prunes".into()));
    };
    let tolerated = CLOCK_SKEW_S + 3 * config.profile.block_time.as_secs();
    let difference = now_s().abs_diff(latest.inner.timestamp);
    let lag = latest.inner.number.saturating_sub(finalized.inner.number);
    let detail = format!("chain {}, block {}, final {lag} blocks behind", config.chain, latest.inner.number);
    if difference > tolerated {
        let hint = "the node is behind, or one of the two clocks is wrong";
        return Ok((CheckStatus::Warn, format!("{detail}; its clock differs by {difference} s: {hint}")));
    }
    Ok((CheckStatus::Ok, detail))
}

async fn has_code(endpoint: &Endpoint, address: Address) -> Result<Finding, CallError> {
    let code: Bytes = endpoint.request("eth_getCode", json!([address, "latest"])).await?;
    if code.is_empty() {
        let remedy = "correct the address in the chain's configuration, or deploy the contracts";
        return Ok((CheckStatus::Fail, format!("has no code: {remedy}")));
    }
    Ok((CheckStatus::Ok, format!("{} bytes of code", code.len())))
}

async fn belongs(endpoint: &Endpoint, address: Address, hub: HubId, verifier: Address) -> Result<Finding, CallError> {
    let given_hub = endpoint.view(address, &IDeployed::hubIdCall {}).await?;
    let given_verifier = endpoint.view(address, &IDeployed::verifierCall {}).await?;
    if given_hub != hub.0 {
        return Ok((CheckStatus::Fail, format!("belongs to hub {given_hub}, not {hub}: correct its address")));
    }
    if given_verifier != verifier {
        return Ok((
            CheckStatus::Fail,
            format!("trusts verifier {given_verifier}, not {verifier}: correct the addresses"),
        ));
    }
    Ok((CheckStatus::Ok, format!("hub {hub}")))
}

async fn epoch(
    endpoint: &Endpoint,
    verifier: Address,
    hub: HubId,
    hub_epoch: Option<Epoch>,
) -> Result<Finding, CallError> {
    let given_hub = endpoint.view(verifier, &IVerifier::hubIdCall {}).await?;
    if given_hub != hub.0 {
        return Ok((CheckStatus::Fail, format!("judges for hub {given_hub}, not {hub}: correct its address")));
    }
    let epoch = endpoint.view(verifier, &IVerifier::currentEpochCall {}).await?;
    let expires_at = endpoint.view(verifier, &IVerifier::epochsCall { epoch }).await?.expiresAt;
    let detail = format!("epoch {epoch}, its set expires at {expires_at}");
    if expires_at < now_s() {
        return Ok((CheckStatus::Fail, format!("{detail}: it has expired; the chain needs the timelocked recovery")));
    }
    if let Some(hub_epoch) = hub_epoch.filter(|hub_epoch| hub_epoch.0 != epoch) {
        let remedy = "bring the hub's rotations here before the old set expires";
        return Ok((CheckStatus::Warn, format!("{detail}; the hub is in epoch {hub_epoch}: {remedy}")));
    }
    if expires_at - now_s() < EPOCH_ENDS_SOON_S {
        return Ok((CheckStatus::Warn, format!("{detail}, within a week: rotate before")));
    }
    Ok((CheckStatus::Ok, detail))
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
