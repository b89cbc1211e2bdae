//! `relayer send`.

use super::{Context, Done, Outcome, args::SendArgs, output::Tone};
use crate::user::{Sending, send};

pub(super) async fn run(context: &Context, args: SendArgs) -> Outcome {
    let network = context.network()?;
    let wallet = context.wallet(&network, &args.who)?;
    let sending = Sending {
        source: network.chain_named(&args.from)?,
        target: network.chain_named(&args.to)?,
        recipient: args.recipient.as_deref(),
        gas_limit: args.gas_limit,
        deadline: args.deadline,
        payload: args.payload,
    };
    let step = context.out.step("waiting for the message to get into a block");
    let sent = send(&network, &wallet, &sending).await?;
    drop(step);
    context.out.toned(Tone::Good, format!("message {}", sent.id));
    context.out.line(format!("sent in {}; follow it with: relayer messages show {}", sent.tx, sent.id));
    context.out.document(&sent)?;
    Ok(Done::Well)
}
