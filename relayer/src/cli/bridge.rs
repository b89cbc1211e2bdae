//! `relayer bridge`.

use super::{Context, Done, Outcome, args::BridgeArgs, output::Tone};
use crate::user::{BRIDGE_DEADLINE_DEFAULT, Transfer, bridge};

pub(super) async fn run(context: &Context, args: BridgeArgs) -> Outcome {
    let network = context.network()?;
    let wallet = context.wallet(&network, &args.who)?;
    let transfer = Transfer {
        source: network.chain_named(&args.from)?,
        target: network.chain_named(&args.to)?,
        token: &args.token,
        amount: &args.amount,
        recipient: args.recipient.as_deref(),
        deadline: args.deadline.unwrap_or(BRIDGE_DEADLINE_DEFAULT),
        refund_to: args.refund_to.as_deref(),
    };
    let step = context.out.step("waiting for the transfer to get into a block");
    let sent = bridge(&network, &wallet, &transfer).await?;
    drop(step);
    context.out.toned(Tone::Good, format!("message {} carries {} {}", sent.id, args.amount, args.token));
    context.out.line(format!("sent in {}; follow it with: relayer messages show {}", sent.tx, sent.id));
    context.out.document(&sent)?;
    Ok(Done::Well)
}
