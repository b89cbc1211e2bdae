//! What the demo prints.

use std::time::Duration;

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use infrastrukt_api::DealView;
use infrastrukt_registry::devnet::DevNode;
use infrastrukt_types::{Account, DealId, MessageId};
use serde::Serialize;
use serde_json::json;

use super::{demo::Step, foreign, keys::USERS};
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

/// Balances of the users, read from the nodes by plain JSON-RPC.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Balances(Vec<Row>);

impl Balances {
    pub(super) async fn before(network: &Network, nodes: &[DevNode]) -> anyhow::Result<Self> {
        let rows = read(network, nodes).await?;
        let row = |(account, chain, token, before): (String, String, String, String)| Row {
            account,
            chain,
            token,
            before,
            after: String::new(),
        };
        Ok(Self(rows.into_iter().map(row).collect()))
    }

    pub(super) async fn after(&mut self, network: &Network, nodes: &[DevNode]) -> anyhow::Result<()> {
        for (row, (.., after)) in self.0.iter_mut().zip(read(network, nodes).await?) {
            row.after = after;
        }
        Ok(())
    }
}

/// (account, chain, token, balance) of every user on every chain, of all tokens there.
async fn read(network: &Network, nodes: &[DevNode]) -> anyhow::Result<Vec<(String, String, String, String)>> {
    let mut rows = Vec::new();
    for (name, _) in USERS {
        for node in nodes {
            let chain = network.chain_named(&node.chain.name)?;
            let account = network.account(name, chain)?;
            let tokens = node.chain.tokens.iter().map(|(symbol, token)| (Some(*symbol), *token));
            for (symbol, token) in [(None, Account::ZERO)].into_iter().chain(tokens) {
                let info = chain.token(token).await?;
                let balance = foreign::balance(node, account, token).await?;
                let symbol = symbol.map_or(info.symbol, Into::into);
                rows.push((name.into(), chain.file.title.clone(), symbol, balance.show(info.decimals)));
            }
        }
    }
    Ok(rows)
}

/// One line of progress; standard error where standard output is kept for JSON.
pub(super) fn say(json: bool, line: &str) {
    if json { eprintln!("{line}") } else { println!("{line}") }
}

/// The two tables, the first of which leaves out what did not change, or one JSON document.
pub(super) fn report(json: bool, steps: &[Step], balances: &Balances, total: Duration) {
    if json {
        println!("{}", json!({ "steps": steps, "balances": balances, "seconds": total.as_secs_f64() }));
        return;
    }
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(["account", "chain", "token", "before", "after"]);
    for row in balances.0.iter().filter(|row| row.before != row.after) {
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
