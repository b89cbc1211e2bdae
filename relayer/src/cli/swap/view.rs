//! Deals as tables.

use infrastrukt_ports::LockStatus;
use infrastrukt_types::Timestamp;

use super::output::{Out, Tone};
use crate::user::{
    show_seconds,
    swap::{LegStatus, LockedLeg, ShownDeal, SwapStatus},
};

/// The legs and deadlines of a deal.
pub(in crate::cli) fn deal(out: Out, deal: &ShownDeal, now: Timestamp) {
    let rows = deal.legs.iter().map(|leg| {
        let amount = format!("{} {}", leg.amount, leg.token);
        let escape = format!("{}, then {}", countdown(leg.escape_at, now), show_seconds(leg.escape_window_s));
        vec![
            leg.index.to_string(),
            leg.chain.clone(),
            amount,
            leg.tip.clone(),
            leg.net.clone(),
            leg.from.clone(),
            leg.to.clone(),
            leg.refund_to.clone(),
            escape,
        ]
    });
    let header = ["leg", "chain", "amount", "tip inside", "pays", "from", "to", "refund to", "timer refund"];
    out.table(&header, rows.collect());
    out.line(format!(
        "lock {}, decide {}, sign {}",
        countdown(deal.lock_by, now),
        countdown(deal.decide_by, now),
        countdown(deal.sign_by, now)
    ));
}

/// What was locked.
pub(super) fn locked(out: Out, legs: &[LockedLeg]) {
    for leg in legs {
        let how = leg.tx.as_ref().map_or_else(|| "was locked before".into(), |tx| format!("locked in {tx}"));
        out.toned(Tone::Good, format!("leg {} on {} {how}", leg.index, leg.chain));
    }
}

/// How far a deal is.
pub(super) fn status(out: Out, status: &SwapStatus, now: Timestamp) {
    out.line(format!("deal {}", status.deal_id));
    deal(out, &status.deal, now);
    out.toned_table(&["lock", "leg", "chain"], status.legs.iter().map(lock_row).collect());
    let state = status.state.map_or_else(|| "unknown".into(), |state| format!("{state:?}").to_lowercase());
    let decision = status.decision.map_or_else(String::new, |decision| format!(" ({decision:?})").to_uppercase());
    out.line(format!("state: {state}{decision}"));
    if let Some(error) = &status.hub_error {
        out.toned(Tone::Warn, error);
    }
    out.line(format!("next: {}", status.next));
}

fn lock_row(leg: &LegStatus) -> (Tone, Vec<String>) {
    let (tone, word) = match (leg.lock, &leg.error) {
        (Some(lock), _) => lock_word(lock),
        (None, Some(error)) => (Tone::Bad, error.clone()),
        (None, None) => (Tone::Bad, "unknown".into()),
    };
    (tone, vec![word, leg.index.to_string(), leg.chain.clone()])
}

pub(super) fn lock_word(lock: LockStatus) -> (Tone, String) {
    match lock {
        LockStatus::None => (Tone::Plain, "waiting".into()),
        LockStatus::Locked { escape_requested_at: None } => (Tone::Good, "locked".into()),
        LockStatus::Locked { escape_requested_at: Some(at) } => (Tone::Warn, format!("locked, timer since {at}")),
        LockStatus::Released => (Tone::Good, "paid".into()),
        LockStatus::Refunded => (Tone::Good, "refunded".into()),
        LockStatus::Escaped => (Tone::Warn, "refunded by timer".into()),
    }
}

/// A moment relative to now.
pub(in crate::cli) fn countdown(at: Timestamp, now: Timestamp) -> String {
    match at.0.checked_sub(now.0) {
        Some(left) => format!("in {}", show_seconds(left)),
        None => format!("{} ago", show_seconds(now.0 - at.0)),
    }
}
