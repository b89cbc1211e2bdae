//! What to offer for gas.

use serde::{Deserialize, Serialize};

use crate::{config::FeePolicy, profile::FeeMode};

/// A replacement pays 9/8 of what it replaces. Nodes ask for a tenth more; the rest is room for their rounding.
const BUMP: (u128, u128) = (9, 8);

/// A replacement pays at most this many times what a new transaction would pay.
const FRESH_TIMES_MAX: u128 = 3;

/// Room for the base fee to rise while a transaction waits: it doubles in six full blocks.
const BASE_FEE_TIMES: u128 = 2;

/// An offer, in wei for a unit of gas. On a chain without tips both are the gas price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Price {
    pub(crate) max_fee: u128,
    pub(crate) tip: u128,
}

/// What the chain asks for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Market {
    /// Base fee of the newest block; zero where there is none.
    pub(crate) base_fee: u128,
    /// Tip, or gas price on a chain without tips, that the node suggests.
    pub(crate) suggested: u128,
}

/// Why no offer is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FeeError {
    /// The market is above what the operator allows.
    #[error("gas costs {needed} wei now, above the limit of {max}: wait, or raise max_fee_per_gas_wei")]
    AboveLimit { needed: u128, max: u128 },
}

/// The offer of a new transaction.
pub(crate) fn fresh(mode: FeeMode, policy: &FeePolicy, market: &Market) -> Result<Price, FeeError> {
    let tip = market.suggested.max(policy.min_tip_wei);
    let max = policy.max_fee_per_gas_wei;
    let needed = least(mode, tip, market);
    if needed > max {
        return Err(FeeError::AboveLimit { needed, max });
    }
    Ok(match mode {
        FeeMode::Eip1559 => {
            let max_fee = market.base_fee.saturating_mul(BASE_FEE_TIMES).saturating_add(tip).min(max);
            Price { max_fee, tip: tip.min(max_fee) }
        }
        FeeMode::Legacy => Price { max_fee: needed, tip: needed },
    })
}

/// The offer that replaces `old`; `None` where a node would not take it for a replacement within the limits.
pub(crate) fn bumped(old: &Price, fresh: &Price, policy: &FeePolicy) -> Option<Price> {
    let raise = |wei: u128| wei.checked_mul(BUMP.0).map(|wei| wei.div_ceil(BUMP.1));
    // One wei more where rounding would leave it equal.
    let above = |old: u128, fresh: u128| Some(raise(old)?.max(old.checked_add(1)?).max(fresh));
    let price = Price { max_fee: above(old.max_fee, fresh.max_fee)?, tip: above(old.tip, fresh.tip)? };
    let cap = policy.max_fee_per_gas_wei.min(fresh.max_fee.saturating_mul(FRESH_TIMES_MAX));
    (price.max_fee <= cap && price.tip <= price.max_fee).then_some(price)
}

/// True where `price` cannot get into the next block.
pub(crate) fn is_too_low(mode: FeeMode, price: &Price, market: &Market) -> bool {
    match mode {
        FeeMode::Eip1559 => price.max_fee < market.base_fee,
        FeeMode::Legacy => price.max_fee < market.suggested.max(market.base_fee),
    }
}

fn least(mode: FeeMode, tip: u128, market: &Market) -> u128 {
    match mode {
        FeeMode::Eip1559 => market.base_fee.saturating_add(tip),
        FeeMode::Legacy => tip.max(market.base_fee),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: FeePolicy = FeePolicy { max_fee_per_gas_wei: 1_000, min_tip_wei: 2 };

    fn market(base_fee: u128, suggested: u128) -> Market {
        Market { base_fee, suggested }
    }

    #[test]
    fn offers_follow_the_market_up_to_the_limit() {
        let offer = |mode, base, tip| fresh(mode, &POLICY, &market(base, tip)).map(|price| (price.max_fee, price.tip));
        assert_eq!(offer(FeeMode::Eip1559, 100, 5), Ok((205, 5)));
        assert_eq!(offer(FeeMode::Eip1559, 0, 0), Ok((2, 2)));
        assert_eq!(offer(FeeMode::Eip1559, 900, 50), Ok((1_000, 50)));
        assert_eq!(offer(FeeMode::Legacy, 0, 70), Ok((70, 70)));
        assert_eq!(offer(FeeMode::Legacy, 90, 70), Ok((90, 90)));
        assert_eq!(offer(FeeMode::Legacy, 0, 0), Ok((2, 2)));
        assert_eq!(offer(FeeMode::Eip1559, 999, 5), Err(FeeError::AboveLimit { needed: 1_004, max: 1_000 }));
    }

    #[test]
    fn replacements_stop_at_the_limits() {
        let price = |wei| Price { max_fee: wei, tip: wei };
        assert_eq!(bumped(&price(100), &price(50), &POLICY), Some(price(113)));
        assert_eq!(bumped(&price(1), &price(1), &POLICY), Some(price(2)));
        assert_eq!(bumped(&price(10), &price(400), &POLICY), Some(price(400)));
        assert_eq!(bumped(&price(950), &price(900), &POLICY), None, "above the operator's limit");
        assert_eq!(bumped(&price(300), &price(100), &POLICY), None, "above three times a new offer");
        assert_eq!(bumped(&price(u128::MAX), &price(1), &POLICY), None);
    }

    proptest! {
        #[test]
        fn a_replacement_always_pays_a_tenth_more(old in 1u128..500, tip in 1u128..500, base in 0u128..500) {
            let old = Price { max_fee: old.max(tip), tip };
            let fresh = fresh(FeeMode::Eip1559, &POLICY, &market(base, 3)).expect("within the limit");
            if let Some(new) = bumped(&old, &fresh, &POLICY) {
                prop_assert!(new.max_fee * 10 >= old.max_fee * 11 && new.tip * 10 >= old.tip * 11);
                prop_assert!(new.max_fee <= POLICY.max_fee_per_gas_wei && new.tip <= new.max_fee);
            }
        }
    }
}
