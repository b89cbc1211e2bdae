//! The tip is part of what a leg locks and goes to whoever settles it, on COMMIT and on ABORT alike: a large one hands the
//! leg to the first settler, who may be the very party that proposed the deal.

use infrastrukt_types::Deal;

use super::super::UserError;

/// Largest share of a leg that may go to the settler: one in this many.
const TIP_SHARE_MIN: u128 = 100;

/// Refuses a deal of which any leg gives away more than one percent.
pub(super) fn check_tips(deal: &Deal) -> Result<(), UserError> {
    for (index, leg) in deal.legs.iter().enumerate() {
        if leg.tip.0 > leg.amount.0 / TIP_SHARE_MIN {
            return Err(UserError::refused(
                format!("leg {index} gives {} of its {} units to whoever settles it", leg.tip, leg.amount),
                "do not lock: ask for a deal whose tips are at most one percent of each leg",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{Account, Amount, B256, ChainId, Leg, Timestamp};

    fn check(amount: u128, tip: u128, expected: bool) {
        let leg = |tip| Leg {
            chain: ChainId(56),
            escrow: Account::ZERO,
            token: Account::ZERO,
            amount: Amount(amount),
            depositor: Account::ZERO,
            on_commit: Account::ZERO,
            on_abort: Account::ZERO,
            escape_at: Timestamp(9),
            escape_window: 9,
            tip: Amount(tip),
        };
        for legs in [vec![leg(tip), leg(0)], vec![leg(0), leg(tip)]] {
            let [lock_by, decide_by, sign_by] = [1, 2, 3].map(Timestamp);
            let deal = Deal { nonce: B256::ZERO, lock_by, decide_by, sign_by, legs };
            assert_eq!(check_tips(&deal).is_ok(), expected, "{tip} of {amount}");
        }
    }

    #[test]
    fn a_tip_that_takes_the_leg_is_refused_on_either_side() {
        check(1_000, 0, true);
        check(1_000, 10, true);
        check(1_000, 11, false);
        check(1_000, 999, false);
        check(99, 1, false);
        check(u128::MAX, u128::MAX - 1, false);
    }
}
