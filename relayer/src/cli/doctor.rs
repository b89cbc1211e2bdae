//! `relayer doctor`.

use infrastrukt_api::HubStatus;
use infrastrukt_ports::{Check, CheckStatus};
use infrastrukt_types::{Account, Amount};
use serde_json::json;

use super::{Context, Done, Outcome, admin_link::AdminLink, output::Tone};
use crate::admin::{RelayerApiClient as _, RelayerStatus, SupplyStatus};
use crate::user::{Chain, FailureKind, Network, UserError, show_seconds};

/// Hub time that differs more than this from ours is worth a look.
const CLOCK_SKEW_WARN_S: u64 = 30;
/// Token bridges that were not compared for longer than this are worth a look.
const SUPPLY_AGE_WARN_S: u64 = 120;

/// Checks with the place they were made at.
struct Report(Vec<(String, Check)>);

pub(super) async fn run(context: &Context) -> Outcome {
    let network = context.network()?;
    let mut report = Report(Vec::new());
    let step = context.out.step("asking the hub");
    hub(context, &network, &mut report).await;
    drop(step);
    for chain in network.chains() {
        let step = context.out.step(format!("asking {}", chain.name()));
        check_chain(&network, chain, &mut report).await;
        drop(step);
    }
    relayer(context, &mut report).await;
    let worst = report.worst();
    show(context, &report);
    let checks: Vec<_> = report
        .0
        .iter()
        .map(|(place, check)| {
            json!({
                "place": place, "name": check.name, "status": check.status, "detail": check.detail,
            })
        })
        .collect();
    context.out.document(&json!({ "status": worst, "checks": checks }))?;
    Ok(match worst {
        CheckStatus::Ok | CheckStatus::Warn => Done::Well,
        CheckStatus::Fail => Done::With(FailureKind::Unavailable),
    })
}

async fn hub(context: &Context, network: &Network, report: &mut Report) {
    let status = match network.hub.status().await {
        Ok(status) => status,
        Err(error) => return report.failure("hub", "answers", &error),
    };
    report.add(
        "hub",
        "answers",
        CheckStatus::Ok,
        format!("{} {} at height {}", status.name, status.version, status.height),
    );
    hub_identity(network, &status, report);
    let now = context.now();
    let skew = now.0.abs_diff(status.time.0);
    let (verdict, detail) = if skew <= CLOCK_SKEW_WARN_S {
        (CheckStatus::Ok, format!("hub time is within {skew} seconds of this machine's"))
    } else {
        (
            CheckStatus::Warn,
            format!(
                "hub time differs by {} from this machine's; check this clock, then the hub's blocks",
                show_seconds(skew)
            ),
        )
    };
    report.add("hub", "clock", verdict, detail);
    for validator in &status.hosted {
        if let Some(reason) = &validator.halted {
            report.add(
                "hub",
                "validator",
                CheckStatus::Fail,
                format!("{} has halted: {reason}; its operator must look", validator.address),
            );
        }
    }
    for chain in network.chains() {
        chain_at_hub(chain, &status, report);
    }
}

fn hub_identity(network: &Network, status: &HubStatus, report: &mut Report) {
    let known = network.config.hub.id;
    if known == status.hub_id {
        report.add("hub", "identity", CheckStatus::Ok, known.to_string());
    } else {
        let detail = format!("{} answers instead of {known}; correct hub.url", status.hub_id);
        report.add("hub", "identity", CheckStatus::Fail, detail);
    }
}

fn chain_at_hub(chain: &Chain, status: &HubStatus, report: &mut Report) {
    let contracts = &chain.file.contracts;
    let (verdict, detail) = match status.chains.iter().find(|known| known.id == chain.file.id) {
        None => (CheckStatus::Fail, "the hub does not serve it; remove its file or ask the hub's operators".into()),
        Some(known) if known.frozen.is_some() => {
            (CheckStatus::Fail, format!("frozen by the hub: {}", known.frozen.clone().unwrap_or_default()))
        }
        Some(known)
            if known.gateway != contracts.gateway
                || known.escrow != contracts.escrow
                || known.verifier != contracts.verifier
                || known.token_bridge != contracts.token_bridge =>
        {
            (
                CheckStatus::Fail,
                "the hub names other contracts than the chain's file; send nothing before you know which is wrong"
                    .into(),
            )
        }
        Some(_) => (CheckStatus::Ok, "served, with the same contracts".into()),
    };
    report.add(&chain.name(), "hub", verdict, detail);
}

async fn check_chain(network: &Network, chain: &Chain, report: &mut Report) {
    let place = chain.name();
    for check in chain.check().await {
        report.0.push((place.clone(), check));
    }
    let account = network.config.keyring().account(chain.kind(), &network.config.relayer.key);
    match account.map_err(|error| UserError::Keystore(error.to_string())) {
        Ok(None) => {}
        Ok(Some(account)) => balance(chain, account, report).await,
        Err(error) => report.failure(&place, "relayer's key", &error),
    }
}

async fn balance(chain: &Chain, account: Account, report: &mut Report) {
    let place = chain.name();
    let balance = async {
        let reader = chain.reader();
        let balance = reader.balance(account, Account::ZERO).await.map_err(UserError::chain(chain.name()))?;
        Ok::<_, UserError>((reader.show_account(account), balance, chain.token(Account::ZERO).await?))
    };
    match balance.await {
        Err(error) => report.failure(&place, "relayer's balance", &error),
        Ok((shown, Amount::ZERO, info)) => {
            let detail = format!("{shown} has no {}; fund it, or nothing is delivered", info.symbol);
            report.add(&place, "relayer's balance", CheckStatus::Fail, detail);
        }
        Ok((shown, have, info)) if have < chain.kind().low_balance() => {
            let detail = format!(
                "{shown} has {} {}; fund it soon: fees, and rent where the chain takes some, use it up",
                have.show(info.decimals),
                info.symbol
            );
            report.add(&place, "relayer's balance", CheckStatus::Warn, detail);
        }
        Ok((shown, have, info)) => {
            let detail = format!("{shown} has {} {}", have.show(info.decimals), info.symbol);
            report.add(&place, "relayer's balance", CheckStatus::Ok, detail);
        }
    }
}

async fn relayer(context: &Context, report: &mut Report) {
    let status = async {
        let link = AdminLink::open(context)?;
        link.call(link.api().status()).await
    };
    match status.await {
        // Users who run no relayer of their own are well without one.
        Err(error) => {
            report.add("relayer", "answers", CheckStatus::Warn, format!("{error}; {}", error.remedy()));
        }
        Ok(status) => relayer_status(&status, report),
    }
}

fn relayer_status(status: &RelayerStatus, report: &mut Report) {
    if status.problems.is_empty() {
        let detail = format!("{} serves {} chains", status.version, status.lanes.len());
        report.add("relayer", "answers", CheckStatus::Ok, detail);
    }
    for problem in &status.problems {
        report.add("relayer", "ready", CheckStatus::Fail, problem.clone());
    }
    for supply in &status.supply {
        let (verdict, detail) = supply_verdict(supply);
        report.add(supply.chain.as_str(), "token supply", verdict, detail);
    }
}

/// What the relayer found when it compared the token bridges.
fn supply_verdict(supply: &SupplyStatus) -> (CheckStatus, String) {
    if !supply.violations.is_empty() {
        let remedy = "have the guardians pause the bridges, and find out which chain is wrong";
        return (CheckStatus::Fail, format!("{}; {remedy}", supply.violations.join("; ")));
    }
    match supply.compared_age_s {
        Some(age) if age <= SUPPLY_AGE_WARN_S => (CheckStatus::Ok, format!("backed, as of {age} seconds ago")),
        Some(age) => (
            CheckStatus::Warn,
            format!("not compared with other chains for {}; the relayer's log says why", show_seconds(age)),
        ),
        None => {
            (CheckStatus::Warn, "not compared with other chains yet; wait a minute, then look at the log".to_owned())
        }
    }
}

fn show(context: &Context, report: &Report) {
    let rows = report.0.iter().map(|(place, check)| {
        let (tone, word) = match check.status {
            CheckStatus::Ok => (Tone::Good, "ok"),
            CheckStatus::Warn => (Tone::Warn, "warn"),
            CheckStatus::Fail => (Tone::Bad, "fail"),
        };
        (tone, vec![word.into(), place.clone(), check.name.clone(), check.detail.clone()])
    });
    context.out.toned_table(&["", "where", "what", "found"], rows.collect());
}

impl Report {
    fn add(&mut self, place: &str, name: &str, status: CheckStatus, detail: String) {
        self.0.push((place.into(), Check { name: name.into(), status, detail }));
    }

    fn failure(&mut self, place: &str, name: &str, error: &UserError) {
        self.add(place, name, CheckStatus::Fail, format!("{error}; {}", error.remedy()));
    }

    fn worst(&self) -> CheckStatus {
        let any = |status| self.0.iter().any(|(_, check)| check.status == status);
        if any(CheckStatus::Fail) {
            CheckStatus::Fail
        } else if any(CheckStatus::Warn) {
            CheckStatus::Warn
        } else {
            CheckStatus::Ok
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::Caip2;

    fn check(compared_age_s: Option<u64>, violations: &[&str], expected: CheckStatus) {
        let chain: Caip2 = "eip155:56".parse().expect("is CAIP-2");
        let violations = violations.iter().map(|text| (*text).to_owned()).collect();
        let (verdict, detail) = supply_verdict(&SupplyStatus { chain, compared_age_s, violations });
        assert_eq!(verdict, expected, "{detail}");
    }

    #[test]
    fn a_token_that_is_not_backed_fails_however_fresh_the_comparison_is() {
        check(Some(0), &["7 came and none was sent"], CheckStatus::Fail);
        check(None, &["5 are locked and 4 are there"], CheckStatus::Fail);
    }

    #[test]
    fn a_comparison_that_is_old_or_missing_is_worth_a_look() {
        check(Some(SUPPLY_AGE_WARN_S), &[], CheckStatus::Ok);
        check(Some(SUPPLY_AGE_WARN_S + 1), &[], CheckStatus::Warn);
        check(None, &[], CheckStatus::Warn);
    }
}
