//! What the demo prints.

use std::time::Duration;

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use infrastrukt_api::DealView;
use infrastrukt_types::{DealId, MessageId};
use serde::Serialize;
use serde_json::json;

use super::{demo::Step, keys::USERS};
use crate::user::Network;

/// What a finished step has to say.
pub(super) trait Detail {
    fn detail(&self) -> String;
}

impl Detail for DealId {
    fn detail(&self) -> String {
        self.to_string()
    }
}

impl Detail for MessageId {
    fn detail(&self) -> String {
        self.to_string()
    }
}

impl Detail for () {
    fn detail(&self) -> String {
        String::new()
    }
}

impl Detail for Vec<MessageId> {
    fn detail(&self) -> String {
        format!("{} delivered", self.len())
    }
}

impl Detail for DealView {
    fn detail(&self) -> String {
        format!("{} legs paid out", self.legs.len())
    }
}

/// One balance before and after.
#[derive(Clone, Debug, Serialize)]
struct Row {
    account: String,
    chain: String,
    token: String,
    before: String,
    after: String,
}

/// Balances of the users, read from the chains.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Balances(Vec<Row>);

impl Balances {
    pub(super) async fn before(network: &Network) -> anyhow::Result<Self> {
        let rows = read(network).await?;
        let row = |(account, chain, token, before): (String, String, String, String)| Row {
            account,
            chain,
            token,
            before,
            after: String::new(),
        };
        Ok(Self(rows.into_iter().map(row).collect()))
    }

    pub(super) async fn after(&mut self, network: &Network) -> anyhow::Result<()> {
        for (row, (.., after)) in self.0.iter_mut().zip(read(network).await?) {
            row.after = after;
        }
        Ok(())
    }
}

/// (account, chain, token, balance) of every user on every chain.
async fn read(network: &Network) -> anyhow::Result<Vec<(String, String, String, String)>> {
    let mut rows = Vec::new();
    for (name, _) in USERS.iter().take(2) {
        for file in &network.config.chains {
            let chain = network.chain_named(&file.name)?;
            let account = network.account(name, chain)?;
            for token in ["native", "DEV", "bDEV"] {
                let (token, info) = network.token(token, chain).await?;
                let balance = chain.reader().balance(account, token).await?;
                rows.push(((*name).into(), chain.name(), info.symbol, balance.show(info.decimals)));
            }
        }
    }
    Ok(rows)
}

/// One line of progress; standard error where standard output is kept for JSON.
pub(super) fn say(json: bool, line: &str) {
    if json { eprintln!("{line}") } else { println!("{line}") }
}

/// The two tables, or one JSON document.
pub(super) fn report(json: bool, steps: &[Step], balances: &Balances, total: Duration) {
    if json {
        println!("{}", json!({ "steps": steps, "balances": balances, "seconds": total.as_secs_f64() }));
        return;
    }
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(["account", "chain", "token", "before", "after"]);
    for row in &balances.0 {
        table.add_row([&row.account, &row.chain, &row.token, &row.before, &row.after]);
    }
    println!("\n{table}");
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(["step", "seconds", "detail"]);
    for step in steps {
        table.add_row([step.name.clone(), format!("{:.1}", step.seconds), step.detail.clone()]);
    }
    println!("\n{table}\n\ndone in {:.1}s", total.as_secs_f64());
}
