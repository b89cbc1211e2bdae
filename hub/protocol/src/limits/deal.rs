//! Which deals the hub registers: every deadline rule, checked before anyone locks.

use infrastrukt_types::{Account, AccountError, Amount, ChainId, Deal, LEGS_MAX, LEGS_MIN, Leg, Timestamp};

use super::{DEAL_SPAN_MAX_S, ESCAPE_SPREAD_MAX_S, TIME_MAX, TIP_PART};
use crate::genesis::{ChainRecord, ChainTiming, Genesis};

/// Why a deal is not registered. `index` is the leg's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DealRefusal {
    /// Two to eight legs.
    #[error("a deal has {LEGS_MIN} to {LEGS_MAX} legs, not {0}")]
    LegCount(usize),
    /// A zero nonce is what a forgotten field looks like.
    #[error("the deal's nonce is zero: choose 32 random bytes")]
    ZeroNonce,
    /// Beyond any real time.
    #[error("{field} is {value}, beyond the largest time {TIME_MAX}: give Unix seconds, not milliseconds")]
    TimeRange {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// Too late to lock.
    #[error("lock_by {lock_by} is not after hub time {now}: ask for a new quote")]
    LockPassed {
        /// The deal's.
        lock_by: Timestamp,
        /// Hub time.
        now: Timestamp,
    },
    /// Locks would be open for too long.
    #[error("lock_by {lock_by} is after {latest}, the latest this hub takes now: ask for a shorter time to lock")]
    LockFar {
        /// The deal's.
        lock_by: Timestamp,
        /// Latest accepted.
        latest: Timestamp,
    },
    /// Not registered here.
    #[error("leg {index}: chain {chain} is not registered with this hub; `chains` lists those that are")]
    UnknownChain {
        /// Leg.
        index: usize,
        /// Its chain.
        chain: ChainId,
    },
    /// Another escrow than the hub's own.
    #[error("leg {index}: escrow {given} is not this hub's escrow {expected} on that chain")]
    WrongEscrow {
        /// Leg.
        index: usize,
        /// The deal's.
        given: Account,
        /// The hub's.
        expected: Account,
    },
    /// Zero or no account of its chain.
    #[error("leg {index}: {field}: {reason}")]
    Account {
        /// Leg.
        index: usize,
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        reason: AccountError,
    },
    /// Money paid to the hub's own contracts would belong to nobody.
    #[error("leg {index}: {field} {account} is one of the hub's own contracts: name a person's account")]
    OwnContract {
        /// Leg.
        index: usize,
        /// Which field.
        field: &'static str,
        /// The account.
        account: Account,
    },
    /// The tip is part of the amount, which is above zero.
    #[error("leg {index}: amount {amount} must be above its tip {tip}")]
    Amounts {
        /// Leg.
        index: usize,
        /// Its amount.
        amount: Amount,
        /// Its tip.
        tip: Amount,
    },
    /// Whoever settles would take too much of the leg, of a refund as well.
    #[error(
        "leg {index}: tip {tip} is more than {most}, one part in {TIP_PART} of the amount {amount}: make it smaller"
    )]
    TipHigh {
        /// Leg.
        index: usize,
        /// Its amount.
        amount: Amount,
        /// Its tip.
        tip: Amount,
        /// Most accepted.
        most: Amount,
    },
    /// `lock_by + F + P + s ≤ decide_by`.
    #[error("leg {index}: decide_by {decide_by} leaves no time to prove a lock: it must be {earliest} or later")]
    DecideEarly {
        /// Leg.
        index: usize,
        /// The deal's.
        decide_by: Timestamp,
        /// Earliest accepted.
        earliest: Timestamp,
    },
    /// `decide_by + certify ≤ sign_by`.
    #[error("sign_by {sign_by} leaves no time to certify: it must be {earliest} or later")]
    SignEarly {
        /// The deal's.
        sign_by: Timestamp,
        /// Earliest accepted.
        earliest: Timestamp,
    },
    /// `sign_by + H + s + delay ≤ escape_at`.
    #[error("leg {index}: escape_at {escape_at} is too early: it must be {earliest} or later")]
    EscapeEarly {
        /// Leg.
        index: usize,
        /// The leg's.
        escape_at: Timestamp,
        /// Earliest accepted.
        earliest: Timestamp,
    },
    /// `escape_window ≥ C + F + s`, and no shorter than the hub's own.
    #[error("leg {index}: escape_window {window} s is too short: it must be {least} s or longer")]
    WindowShort {
        /// Leg.
        index: usize,
        /// The leg's.
        window: u64,
        /// Least accepted.
        least: u64,
    },
    /// `sign_by + H + max(C + F + s) < min(escape_at + escape_window)`.
    #[error("an escape could execute at {escape}, before every leg can be settled at {settled}: widen escape_window")]
    EscapeBeforeSettlement {
        /// First possible execution of an escape.
        escape: Timestamp,
        /// When the slowest settlement is final.
        settled: Timestamp,
    },
    /// Legs must open their escapes close together.
    #[error("escape_at of the legs lie {spread} s apart, more than {ESCAPE_SPREAD_MAX_S}: bring them together")]
    EscapeSpread {
        /// Distance between first and last.
        spread: u64,
    },
    /// Certificates are not accepted for ever.
    #[error("leg {index}: its escape ends at {end}, after {latest}, the end of the longest deal: shorten it")]
    TooLong {
        /// Leg.
        index: usize,
        /// The leg's end.
        end: Timestamp,
        /// Latest accepted.
        latest: Timestamp,
    },
}

/// Checks a deal against every rule at hub time `now`.
///
/// The deadline rules are what S1 rests on: a COMMIT that is public by `sign_by + H` can be final on every chain
/// before the first escape executes. They assume the genesis' bounds on inclusion and clock skew; a finality stall
/// weakens liveness alone.
pub fn check_deal(deal: &Deal, now: Timestamp, genesis: &Genesis) -> Result<(), DealRefusal> {
    if !(LEGS_MIN..=LEGS_MAX).contains(&deal.legs.len()) {
        return Err(DealRefusal::LegCount(deal.legs.len()));
    }
    if deal.nonce.is_zero() {
        return Err(DealRefusal::ZeroNonce);
    }
    check_ranges(deal)?;
    check_lock_by(deal, now, genesis)?;
    let mut chains = Vec::with_capacity(deal.legs.len());
    for (index, leg) in deal.legs.iter().enumerate() {
        let chain = genesis.chain(leg.chain).ok_or(DealRefusal::UnknownChain { index, chain: leg.chain })?;
        check_leg(index, leg, chain)?;
        check_leg_deadlines(index, deal, leg, chain, genesis)?;
        check_end(index, leg, now, genesis)?;
        chains.push(chain);
    }
    let earliest = deal.decide_by.plus(genesis.timing.certify_s);
    if deal.sign_by < earliest {
        return Err(DealRefusal::SignEarly { sign_by: deal.sign_by, earliest });
    }
    check_escapes(deal, &chains, genesis)
}

fn check_ranges(deal: &Deal) -> Result<(), DealRefusal> {
    let range = |field, value| if value > TIME_MAX { Err(DealRefusal::TimeRange { field, value }) } else { Ok(()) };
    range("lock_by", deal.lock_by.0)?;
    range("decide_by", deal.decide_by.0)?;
    range("sign_by", deal.sign_by.0)?;
    for leg in &deal.legs {
        range("escape_at", leg.escape_at.0)?;
        range("escape_window", leg.escape_window)?;
    }
    Ok(())
}

fn check_lock_by(deal: &Deal, now: Timestamp, genesis: &Genesis) -> Result<(), DealRefusal> {
    if deal.lock_by <= now {
        return Err(DealRefusal::LockPassed { lock_by: deal.lock_by, now });
    }
    // A quote may have been made by a clock that runs ahead of hub time.
    let latest = now.plus(genesis.timing.lock_within_max_s).plus(genesis.timing.skew_max_s);
    if deal.lock_by > latest {
        return Err(DealRefusal::LockFar { lock_by: deal.lock_by, latest });
    }
    Ok(())
}

fn check_leg(index: usize, leg: &Leg, chain: &ChainRecord) -> Result<(), DealRefusal> {
    if leg.escrow != chain.escrow {
        return Err(DealRefusal::WrongEscrow { index, given: leg.escrow, expected: chain.escrow });
    }
    if leg.tip >= leg.amount {
        return Err(DealRefusal::Amounts { index, amount: leg.amount, tip: leg.tip });
    }
    let most = Amount(leg.amount.0 / TIP_PART);
    if leg.tip > most {
        return Err(DealRefusal::TipHigh { index, amount: leg.amount, tip: leg.tip, most });
    }
    check_account(index, "token", leg.token, chain)?;
    for (field, account) in [("depositor", leg.depositor), ("on_commit", leg.on_commit), ("on_abort", leg.on_abort)] {
        if account.is_zero() {
            return Err(DealRefusal::Account { index, field, reason: AccountError::Zero });
        }
        check_account(index, field, account, chain)?;
        if chain.contracts().iter().any(|(_, own)| *own == account) {
            return Err(DealRefusal::OwnContract { index, field, account });
        }
    }
    Ok(())
}

fn check_account(index: usize, field: &'static str, account: Account, chain: &ChainRecord) -> Result<(), DealRefusal> {
    if !chain.has_evm_accounts() {
        return Ok(());
    }
    account.to_evm().map(|_| ()).map_err(|reason| DealRefusal::Account { index, field, reason })
}

fn check_leg_deadlines(
    index: usize,
    deal: &Deal,
    leg: &Leg,
    chain: &ChainRecord,
    genesis: &Genesis,
) -> Result<(), DealRefusal> {
    let earliest = deal.lock_by.plus(chain.timing.prove_s());
    if deal.decide_by < earliest {
        return Err(DealRefusal::DecideEarly { index, decide_by: deal.decide_by, earliest });
    }
    let timing = &genesis.timing;
    let earliest = deal.sign_by.plus(timing.recovery_s).plus(chain.timing.skew_s).plus(timing.escape_delay_s);
    if leg.escape_at < earliest {
        return Err(DealRefusal::EscapeEarly { index, escape_at: leg.escape_at, earliest });
    }
    let least = chain.timing.settle_s().max(timing.escape_window_s);
    if leg.escape_window < least {
        return Err(DealRefusal::WindowShort { index, window: leg.escape_window, least });
    }
    Ok(())
}

fn check_end(index: usize, leg: &Leg, now: Timestamp, genesis: &Genesis) -> Result<(), DealRefusal> {
    let end = leg.escape_at.plus(leg.escape_window);
    let latest = now.plus(DEAL_SPAN_MAX_S).plus(genesis.timing.skew_max_s);
    if end > latest { Err(DealRefusal::TooLong { index, end, latest }) } else { Ok(()) }
}

fn check_escapes(deal: &Deal, chains: &[&ChainRecord], genesis: &Genesis) -> Result<(), DealRefusal> {
    let slowest = chains.iter().map(|chain| ChainTiming::settle_s(&chain.timing)).max().unwrap_or(0);
    let settled = deal.sign_by.plus(genesis.timing.recovery_s).plus(slowest);
    let escapes = deal.legs.iter().map(|leg| leg.escape_at.plus(leg.escape_window));
    let escape = escapes.min().unwrap_or(Timestamp(0));
    if settled >= escape {
        return Err(DealRefusal::EscapeBeforeSettlement { escape, settled });
    }
    let first = deal.legs.iter().map(|leg| leg.escape_at.0).min().unwrap_or(0);
    let last = deal.legs.iter().map(|leg| leg.escape_at.0).max().unwrap_or(0);
    let spread = last.saturating_sub(first);
    if spread > ESCAPE_SPREAD_MAX_S { Err(DealRefusal::EscapeSpread { spread }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, deal, genesis};
    use infrastrukt_types::B256;

    fn refused(change: impl FnOnce(&mut Deal)) -> DealRefusal {
        let mut deal = deal();
        change(&mut deal);
        check_deal(&deal, NOW, &genesis()).expect_err("refused")
    }

    #[test]
    fn deadlines_one_second_short_are_refused() {
        assert!(matches!(refused(|deal| deal.decide_by.0 -= 1), DealRefusal::DecideEarly { .. }));
        assert!(matches!(refused(|deal| deal.sign_by.0 -= 1), DealRefusal::SignEarly { .. }));
        assert!(matches!(refused(|deal| deal.legs[0].escape_at.0 -= 1), DealRefusal::EscapeEarly { index: 0, .. }));
        assert!(matches!(refused(|deal| deal.legs[1].escape_window = 1), DealRefusal::WindowShort { index: 1, .. }));
        assert!(matches!(refused(|deal| deal.lock_by = NOW), DealRefusal::LockPassed { .. }));
        assert!(matches!(refused(|deal| deal.lock_by = NOW.plus(1 << 20)), DealRefusal::LockFar { .. }));
    }

    #[test]
    fn escapes_open_together_and_after_every_settlement() {
        let far = refused(|deal| deal.legs[0].escape_at.0 += ESCAPE_SPREAD_MAX_S + 1);
        assert_eq!(far, DealRefusal::EscapeSpread { spread: ESCAPE_SPREAD_MAX_S + 1 });

        // Each leg keeps its own rule, but the slow chain settles after the fast one could escape.
        let mut genesis = genesis();
        genesis.timing.escape_window_s = 1;
        genesis.timing.escape_delay_s = 0;
        genesis.chains[1].timing.inclusion_s += 100_000;
        let mut deal = deal();
        let opens = deal.sign_by.plus(genesis.timing.recovery_s).plus(genesis.chains[0].timing.skew_s);
        for (leg, chain) in deal.legs.iter_mut().zip(&genesis.chains) {
            leg.escape_at = opens;
            leg.escape_window = chain.timing.settle_s();
        }
        let refusal = check_deal(&deal, NOW, &genesis).expect_err("refused");
        assert!(matches!(refusal, DealRefusal::EscapeBeforeSettlement { .. }), "{refusal}");
    }

    #[test]
    fn a_deal_ends() {
        let long = refused(|deal| deal.legs[1].escape_window = DEAL_SPAN_MAX_S + 1);
        assert!(matches!(long, DealRefusal::TooLong { index: 1, .. }));
        let absurd = refused(|deal| deal.legs[1].escape_window = u64::MAX);
        assert!(matches!(absurd, DealRefusal::TimeRange { field: "escape_window", .. }));
    }

    #[test]
    fn a_tip_is_at_most_a_tenth_of_its_leg() {
        let with_tip = |index: usize, amount: u128, tip: u128| {
            let mut deal = deal();
            (deal.legs[index].amount, deal.legs[index].tip) = (Amount(amount), Amount(tip));
            check_deal(&deal, NOW, &genesis())
        };
        for index in 0..2 {
            assert_eq!(with_tip(index, 1_000, 100), Ok(()));
            assert_eq!(with_tip(index, 9, 0), Ok(()));
            let refusal = |amount, tip, most| {
                let (amount, tip, most) = (Amount(amount), Amount(tip), Amount(most));
                Err(DealRefusal::TipHigh { index, amount, tip, most })
            };
            assert_eq!(with_tip(index, 1_000, 101), refusal(1_000, 101, 100));
            assert_eq!(with_tip(index, 1_000, 999), refusal(1_000, 999, 100));
            assert_eq!(with_tip(index, 9, 1), refusal(9, 1, 0));
            assert_eq!(with_tip(index, u128::MAX, u128::MAX - 1), refusal(u128::MAX, u128::MAX - 1, u128::MAX / 10));
        }
    }

    #[test]
    fn accounts_and_amounts() {
        assert!(matches!(refused(|deal| deal.legs[0].escrow = Account::ZERO), DealRefusal::WrongEscrow { .. }));
        assert!(matches!(refused(|deal| deal.legs[0].tip = deal.legs[0].amount), DealRefusal::Amounts { .. }));
        assert!(matches!(refused(|deal| deal.legs[0].amount = Amount::ZERO), DealRefusal::Amounts { .. }));
        let zero = refused(|deal| deal.legs[1].on_abort = Account::ZERO);
        assert!(matches!(zero, DealRefusal::Account { field: "on_abort", .. }));
        let dirty = refused(|deal| deal.legs[1].depositor = Account(B256::repeat_byte(9)));
        assert!(matches!(dirty, DealRefusal::Account { field: "depositor", .. }));
        let own = refused(|deal| deal.legs[0].on_commit = deal.legs[0].escrow);
        assert!(matches!(own, DealRefusal::OwnContract { field: "on_commit", .. }));
        assert_eq!(refused(|deal| deal.nonce = B256::ZERO), DealRefusal::ZeroNonce);
        assert_eq!(refused(|deal| deal.legs.truncate(1)), DealRefusal::LegCount(1));
        assert_eq!(refused(|deal| deal.legs = vec![deal.legs[0].clone(); 9]), DealRefusal::LegCount(9));
    }
}
