//! The deadline rule, as far as a party can check it alone: with what its own chain files say about their chains.
//!
//! The hub's own bounds (certify, recovery) are not known here and count as nothing, so that this is never stricter than
//! an honest hub with the same chain files.

use infrastrukt_registry::Timing;
use infrastrukt_types::{Deal, Leg, Timestamp};

use super::super::{Network, UserError};

/// Longest time from the last lock to a timer refund that is accepted: money must not be held hostage.
const HELD_S_MAX: u64 = 60 * 24 * 3_600;

/// Checks every inequality that needs no secret of the hub.
pub(super) fn check_deadlines(network: &Network, deal: &Deal) -> Result<(), UserError> {
    let mut timings = Vec::with_capacity(deal.legs.len());
    for leg in &deal.legs {
        timings.push(network.chain(leg.chain)?.file.config.timing);
    }
    check(deal, &timings).map_err(|broken| {
        let remedy = "do not lock: ask for a new deal; where this repeats, compare [timing] in the chains' files";
        UserError::refused(format!("the deal's deadlines are unsafe: {broken}"), remedy)
    })
}

/// Names the first inequality that does not hold.
fn check(deal: &Deal, timings: &[Timing]) -> Result<(), String> {
    let (lock_by, decide_by, sign_by) = (deal.lock_by, deal.decide_by, deal.sign_by);
    if !(lock_by < decide_by && decide_by < sign_by) {
        return Err(format!("lock_by {lock_by}, decide_by {decide_by} and sign_by {sign_by} do not ascend"));
    }
    for (leg, timing) in deal.legs.iter().zip(timings) {
        check_leg(deal, leg, timing)?;
    }
    let settled_by = sign_by.plus(timings.iter().map(settle_s).max().unwrap_or(0));
    let first_escape = deal.legs.iter().map(|leg| leg.escape_at.plus(leg.escape_window)).min().unwrap_or(settled_by);
    if settled_by < first_escape {
        return Ok(());
    }
    Err(format!("a leg may escape at {first_escape}, while another may settle until {settled_by}"))
}

fn check_leg(deal: &Deal, leg: &Leg, timing: &Timing) -> Result<(), String> {
    let proven_by = deal.lock_by.plus(seconds([timing.finality_s, timing.observe_s, timing.skew_s]));
    if proven_by > deal.decide_by {
        return Err(format!("a lock is proven by {proven_by}, after decide_by {}", deal.decide_by));
    }
    if leg.escape_at <= deal.sign_by.plus(timing.skew_s) {
        return Err(format!("escape_at {} is not after sign_by {}", leg.escape_at, deal.sign_by));
    }
    if leg.escape_window < settle_s(timing) {
        return Err(format!("an escape window of {} s leaves no time to settle", leg.escape_window));
    }
    let held_until = leg.escape_at.plus(leg.escape_window);
    let held_max = Timestamp(deal.lock_by.0.saturating_add(HELD_S_MAX));
    if held_until > held_max {
        return Err(format!("money could be held until {held_until}, more than 60 days"));
    }
    Ok(())
}

/// Seconds that a settlement takes under censorship until it is final.
fn settle_s(timing: &Timing) -> u64 {
    seconds([timing.inclusion_s, timing.finality_s, timing.skew_s])
}

fn seconds(parts: [u64; 3]) -> u64 {
    parts.into_iter().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{Account, Amount, B256, ChainId};

    const TIMING: Timing = Timing { finality_s: 5, inclusion_s: 10, skew_s: 3, observe_s: 7 };

    fn leg(escape_at: u64, escape_window: u64) -> Leg {
        Leg {
            chain: ChainId(56),
            escrow: Account::ZERO,
            token: Account::ZERO,
            amount: Amount(1),
            depositor: Account::ZERO,
            on_commit: Account::ZERO,
            on_abort: Account::ZERO,
            escape_at: Timestamp(escape_at),
            escape_window,
            tip: Amount::ZERO,
        }
    }

    /// The first leg is good; the second is as given.
    fn expect(times: [u64; 3], escape: (u64, u64), broken: Option<&str>) {
        let deal = Deal {
            nonce: B256::ZERO,
            lock_by: Timestamp(times[0]),
            decide_by: Timestamp(times[1]),
            sign_by: Timestamp(times[2]),
            legs: vec![leg(200, 60), leg(escape.0, escape.1)],
        };
        match (check(&deal, &[TIMING; 2]), broken) {
            (Ok(()), None) => {}
            (Err(found), Some(broken)) => assert!(found.contains(broken), "{found}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn every_inequality_is_checked() {
        expect([100, 115, 130], (200, 60), None);
        expect([100, 100, 130], (200, 60), Some("ascend"));
        expect([100, 130, 130], (200, 60), Some("ascend"));
        expect([100, 114, 130], (200, 60), Some("proven by"));
        expect([100, 115, 130], (133, 60), Some("escape_at 133"));
        expect([100, 115, 130], (200, 17), Some("no time to settle"));
        expect([100, 115, 250], (300, 60), Some("escape_at 200"));
        expect([100, 115, 130], (200, HELD_S_MAX), Some("60 days"));
        expect([100, 115, 130], (u64::MAX, 60), Some("60 days"));
    }

    #[test]
    fn no_leg_escapes_while_another_may_settle() {
        // With a clock that is never wrong, a leg could escape right after sign_by; the slower chain still settles then.
        let slow = Timing { finality_s: 5, inclusion_s: 500, skew_s: 3, observe_s: 7 };
        let deal = Deal {
            nonce: B256::ZERO,
            lock_by: Timestamp(100),
            decide_by: Timestamp(115),
            sign_by: Timestamp(130),
            legs: vec![leg(200, 60), leg(200, 600)],
        };
        let broken = check(&deal, &[TIMING, slow]).expect_err("unsafe");
        assert!(broken.contains("may escape at 260"), "{broken}");
    }
}
