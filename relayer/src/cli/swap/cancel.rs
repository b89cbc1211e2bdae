//! `relayer swap cancel`.

use infrastrukt_types::{Bytes, DealId};
use serde_json::json;

use super::{Context, Done, Outcome, output::Tone, view};
use crate::{
    cli::args::CancelArgs,
    user::swap::{Cancelled, Missing, ShownDeal, cancel, cancellable, show_deal},
};

/// How a party is written that the address book does not know.
const NAME: &str = "NAME";

pub(super) async fn run(context: &Context, args: CancelArgs) -> Outcome {
    let network = context.network()?;
    let deal = cancellable(&network, args.deal).await?;
    let shown = show_deal(&network, &deal).await;
    view::deal(context.out, &shown, context.now());
    let keys = context.keys(&network, &args.who)?;
    let step = context.out.step("the hub aborts the deal");
    let cancelled = cancel(&network, args.deal, &deal, &keys, &args.signature).await?;
    drop(step);
    match cancelled {
        Cancelled::Done => done(context, args.deal, &shown),
        Cancelled::Signed { own, signatures, missing } => {
            signed(context, args.deal, &shown, &own, &signatures, &missing)
        }
    }
}

fn done(context: &Context, id: DealId, shown: &ShownDeal) -> Outcome {
    context.out.toned(Tone::Good, format!("deal {id} is cancelled"));
    context.out.line(format!("a locked leg comes back by the ABORT certificate: relayer swap watch {id}"));
    context.out.document(&json!({ "deal_id": id, "state": "cancelled", "shown": shown }))?;
    Ok(Done::Well)
}

fn signed(
    context: &Context,
    id: DealId,
    shown: &ShownDeal,
    own: &[Bytes],
    signatures: &[Bytes],
    missing: &[Missing],
) -> Outcome {
    let accounts: Vec<&str> = missing.iter().map(|missing| missing.account.as_str()).collect();
    let next = missing.first().and_then(|missing| missing.name.as_deref()).unwrap_or(NAME);
    let command = command(id, next, signatures);
    context.out.toned(Tone::Warn, "signed, and not cancelled yet: every depositor has to sign");
    for missing in missing {
        let name = missing.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        context.out.line(format!("missing: {}{name}", missing.account));
    }
    context.out.line(format!("one of them runs, while the deal is undecided:\n  {command}"));
    context.out.document(&json!({
        "deal_id": id,
        "state": "signed",
        "signature": own.first(),
        "signatures": signatures,
        "missing": accounts,
        "next": command,
        "shown": shown,
    }))?;
    Ok(Done::Well)
}

/// What the next depositor runs, with every signature that is there.
fn command(id: DealId, who: &str, signatures: &[Bytes]) -> String {
    let given: Vec<String> = signatures.iter().map(|signature| format!(" --signature {signature}")).collect();
    format!("relayer swap cancel {id} --as {who}{}", given.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command, SwapCommand};
    use clap::Parser as _;

    #[test]
    fn the_next_command_reads_back() {
        let signatures = [Bytes::from(vec![1; 65]), Bytes::from(vec![2; 65])];
        let line = command(DealId::default(), "bob", &signatures);
        let cli = Cli::try_parse_from(line.split_whitespace()).expect("its own notation");
        let Command::Swap(swap) = cli.command else { panic!("{line}") };
        let SwapCommand::Cancel(args) = *swap else { panic!("{line}") };
        assert_eq!((args.deal, args.who.as_str()), (DealId::default(), "bob"));
        assert_eq!(args.signature, signatures);
    }
}
