//! What to offer for a compute unit.

use crate::config::FeePolicy;

/// Of the prices paid of late, the one that three quarters did not exceed.
const QUANTILE: (usize, usize) = (3, 4);

/// What follows an offer that was too low for 150 blocks: half as much again.
const RAISE: (u64, u64) = (3, 2);

/// And this much at least, in micro-lamports: most offers are nothing.
const RAISE_MIN: u64 = 1_000;

/// Room above the simulated compute units: a quarter, since accounts may be in another state when it runs.
const UNITS_MARGIN: (u64, u64) = (5, 4);

/// And this much more, for the smallest calls.
const UNITS_MARGIN_FLAT: u64 = 5_000;

/// Limits that differ make transactions that differ: two submissions of the same content under one block hash would be
/// one and the same transaction otherwise, and only one of them would happen.
const SPREAD: u64 = 1_024;

/// The price of a new transaction, in micro-lamports for a compute unit. `outbid` is what one that never landed offered.
pub(super) fn unit_price(policy: &FeePolicy, mut recent: Vec<u64>, outbid: Option<u64>) -> u64 {
    recent.sort_unstable();
    let place = recent.len().saturating_sub(1) * QUANTILE.0 / QUANTILE.1;
    let market = recent.get(place).copied().unwrap_or(0);
    let raised =
        outbid.map_or(0, |price| (price / RAISE.1).saturating_mul(RAISE.0).max(price.saturating_add(RAISE_MIN)));
    market.max(raised).clamp(policy.unit_price_min, policy.unit_price_max)
}

/// The limit of compute units, distinct for submissions that follow each other. `None` where even what was simulated is
/// more than a transaction may use.
pub(super) fn unit_limit(simulated: u64, max: u32, seq: u64) -> Option<u32> {
    let spread = seq % SPREAD;
    let roomy = simulated.saturating_mul(UNITS_MARGIN.0) / UNITS_MARGIN.1 + UNITS_MARGIN_FLAT;
    let limit = roomy.saturating_add(spread).min(u64::from(max).saturating_sub(spread));
    u32::try_from(limit).ok().filter(|limit| u64::from(*limit) >= simulated)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: FeePolicy = FeePolicy { unit_price_min: 2, unit_price_max: 50_000, open_token_accounts: false };

    #[test]
    fn prices_follow_the_market_within_the_limits() {
        let price = |recent: &[u64]| unit_price(&POLICY, recent.to_vec(), None);
        assert_eq!(price(&[]), 2);
        assert_eq!(price(&[0, 0, 0, 9_000]), 2);
        assert_eq!(price(&[9_000, 10, 20, 30, 40]), 40);
        assert_eq!(price(&[u64::MAX; 8]), 50_000);
    }

    #[test]
    fn an_offer_that_never_landed_is_raised() {
        let price = |outbid| unit_price(&POLICY, vec![100; 4], Some(outbid));
        assert_eq!(price(0), 1_000);
        assert_eq!(price(10_000), 15_000);
        assert_eq!(price(49_000), 50_000);
        assert_eq!(price(u64::MAX), 50_000);
    }

    #[test]
    fn limits_have_room_and_differ_from_one_submission_to_the_next() {
        assert_eq!(unit_limit(100_000, 1_400_000, 0), Some(130_000));
        assert_eq!(unit_limit(100_000, 1_400_000, 1), Some(130_001));
        assert_eq!(unit_limit(1_399_000, 1_400_000, 0), Some(1_400_000));
        assert_eq!(unit_limit(1_399_000, 1_400_000, 7), Some(1_399_993));
        assert_eq!(unit_limit(1_500_000, 1_400_000, 0), None);
    }
}
