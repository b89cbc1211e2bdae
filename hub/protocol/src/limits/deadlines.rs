//! Deadlines are computed from the timing of hub and chains, never typed in.

use infrastrukt_types::{Account, Amount, B256, ChainId, Deal, Leg, Timestamp};
use serde::{Deserialize, Serialize};

use super::deal::{DealRefusal, check_deal};
use crate::genesis::{ChainRecord, ChainTiming, Genesis};

/// A deal as people agree on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealTerms {
    /// Random, not zero.
    pub nonce: B256,
    /// Seconds the parties have for locking.
    pub lock_within_s: u64,
    /// Two to eight.
    pub legs: Vec<LegTerms>,
}

/// One leg as people agree on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegTerms {
    /// Where it locks.
    pub chain: ChainId,
    /// What; zero is the native coin.
    pub token: Account,
    /// How much, tip included.
    pub amount: Amount,
    /// Who locks.
    pub depositor: Account,
    /// Who is paid on COMMIT.
    pub on_commit: Account,
    /// Who is paid on ABORT.
    pub on_abort: Account,
    /// For whoever settles.
    pub tip: Amount,
}

/// Completes the terms to a deal with the earliest deadlines that are safe. All legs open their escape at the same
/// second, so that none can run ahead of the others.
pub fn deadlines(now: Timestamp, terms: &DealTerms, genesis: &Genesis) -> Result<Deal, DealRefusal> {
    let chains = chains_of(&terms.legs, genesis)?;
    let most = |of: fn(&ChainTiming) -> u64| chains.iter().map(|chain| of(&chain.timing)).max().unwrap_or(0);
    let timing = &genesis.timing;
    let lock_by = now.plus(terms.lock_within_s);
    let decide_by = lock_by.plus(most(ChainTiming::prove_s));
    let sign_by = decide_by.plus(timing.certify_s);
    let escape_at = sign_by.plus(timing.recovery_s).plus(most(|chain| chain.skew_s)).plus(timing.escape_delay_s);
    // One second more than the slowest settlement: the bound is strict where skew and delay are zero.
    let escape_window = timing.escape_window_s.max(most(ChainTiming::settle_s).saturating_add(1));
    let leg = |(terms, chain): (&LegTerms, &&ChainRecord)| Leg {
        chain: terms.chain,
        escrow: chain.escrow,
        token: terms.token,
        amount: terms.amount,
        depositor: terms.depositor,
        on_commit: terms.on_commit,
        on_abort: terms.on_abort,
        escape_at,
        escape_window,
        tip: terms.tip,
    };
    let legs = terms.legs.iter().zip(&chains).map(leg).collect();
    let deal = Deal { nonce: terms.nonce, lock_by, decide_by, sign_by, legs };
    check_deal(&deal, now, genesis).map(|()| deal)
}

fn chains_of<'g>(legs: &[LegTerms], genesis: &'g Genesis) -> Result<Vec<&'g ChainRecord>, DealRefusal> {
    let known = |(index, leg): (usize, &LegTerms)| {
        genesis.chain(leg.chain).ok_or(DealRefusal::UnknownChain { index, chain: leg.chain })
    };
    legs.iter().enumerate().map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, genesis, mixed_genesis, terms};
    use proptest::prelude::*;

    proptest! {
        /// Whatever the timing, computed deadlines pass the hub's own check, now and until locking ends.
        #[test]
        fn computed_deadlines_are_always_accepted(
            times in proptest::array::uniform8(0u64..100_000),
            lock_within in 2u64..3_600,
            later in 0u64..3_600,
            created in 1u64..4_000_000_000,
        ) {
            let mut genesis = genesis();
            genesis.timing.certify_s = 1 + times[0];
            genesis.timing.recovery_s = 1 + times[1];
            genesis.timing.escape_delay_s = times[2];
            genesis.timing.escape_window_s = 1 + times[3];
            genesis.timing.lock_within_max_s = 3_600;
            genesis.timing.skew_max_s = 1;
            for (chain, seed) in genesis.chains.iter_mut().zip(1..) {
                chain.timing = ChainTiming {
                    finality_s: 1 + times[4] / seed, inclusion_s: 1 + times[5] / seed,
                    skew_s: times[6] / seed, observe_s: 1 + times[7] / seed,
                };
            }
            prop_assert_eq!(genesis.validate(), Ok(()));
            let mut terms = terms();
            terms.lock_within_s = lock_within;
            let now = Timestamp(created);
            let deal = deadlines(now, &terms, &genesis).expect("accepted");
            let check = check_deal(&deal, now.plus(later), &genesis);
            if later < lock_within {
                prop_assert_eq!(check, Ok(()));
            } else {
                prop_assert!(matches!(check, Err(DealRefusal::LockPassed { .. })), "{:?}", check);
            }
        }
    }

    #[test]
    fn accounts_of_a_leg_are_as_wide_as_those_of_its_chain() {
        let (genesis, mut terms) = (mixed_genesis(), terms());
        let wide = |byte: u8| Account(B256::repeat_byte(byte));
        terms.legs[1].chain = genesis.chains[1].id;
        (terms.legs[1].token, terms.legs[1].depositor) = (wide(0x70), wide(0x71));
        (terms.legs[1].on_commit, terms.legs[1].on_abort) = (wide(0x72), wide(0x71));
        assert!(deadlines(NOW, &terms, &genesis).is_ok());
        terms.legs[0].on_commit = wide(0x72);
        let refused = deadlines(NOW, &terms, &genesis).expect_err("refused");
        assert!(matches!(refused, DealRefusal::Account { index: 0, field: "on_commit", .. }));
    }

    #[test]
    fn unknown_chain_is_named() {
        let mut terms = terms();
        terms.legs[1].chain = ChainId(999);
        let refusal = deadlines(Timestamp(1_000), &terms, &genesis()).expect_err("refused");
        assert_eq!(refusal, DealRefusal::UnknownChain { index: 1, chain: ChainId(999) });
    }
}
