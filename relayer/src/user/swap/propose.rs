//! From what people want to a deal that stands in the hub's log.

use std::collections::BTreeSet;

use infrastrukt_api::{DealTerms, HubApiClient as _, LegTerms};
use infrastrukt_types::{Account, Amount, B256, ChainId, Deal, DealId, HubId, LEGS_MAX, LEGS_MIN, Leg};

use super::{
    super::{AssetSpec, LegSpec, Network, UserError},
    deadlines::check_deadlines,
    require_live,
    tips::check_tips,
};

/// Largest difference between hub time and a chain's time at which deals are made.
const CLOCK_DIFFERENCE_MAX_S: u64 = 300;

/// What somebody wants to agree on.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Each leg: who locks what for whom.
    pub legs: Vec<LegSpec>,
    /// For whoever settles, in whole coins of each leg's token.
    pub tip: Option<String>,
    /// Seconds the parties have for locking.
    pub lock_within_s: u64,
}

impl Proposal {
    /// A swap of two: `me` gives one asset and gets the other from `with`.
    pub fn swap(me: &str, with: &str, give: AssetSpec, want: AssetSpec) -> Vec<LegSpec> {
        vec![
            LegSpec { party: me.into(), asset: give, payee: with.into() },
            LegSpec { party: with.into(), asset: want, payee: me.into() },
        ]
    }

    async fn terms(&self, network: &Network) -> Result<DealTerms, UserError> {
        if !(LEGS_MIN..=LEGS_MAX).contains(&self.legs.len()) {
            return Err(UserError::refused(
                format!("a deal of {} legs is refused", self.legs.len()),
                format!("name {LEGS_MIN} to {LEGS_MAX} legs"),
            ));
        }
        let mut legs = Vec::with_capacity(self.legs.len());
        for leg in &self.legs {
            legs.push(leg_terms(network, leg, self.tip.as_deref()).await?);
        }
        let nonce = B256::from(rand::random::<[u8; 32]>());
        Ok(DealTerms { nonce, lock_within_s: self.lock_within_s, legs })
    }
}

async fn leg_terms(network: &Network, spec: &LegSpec, tip: Option<&str>) -> Result<LegTerms, UserError> {
    let asset = network.asset(&spec.asset).await?;
    let chain = network.chain(asset.chain)?;
    let depositor = network.account(&spec.party, chain)?;
    let on_commit = network.account(&spec.payee, chain)?;
    let tip = tip.map_or(Ok(Amount::ZERO), |tip| Amount::parse(tip, asset.info.decimals))?;
    if tip >= asset.amount {
        return Err(UserError::refused(
            format!("a tip of {} leaves nothing of {}", tip.show(asset.info.decimals), spec.asset.amount),
            "the tip is part of the amount: make it smaller",
        ));
    }
    if depositor.is_zero() || on_commit.is_zero() {
        return Err(UserError::refused("the zero account takes part in no deal", "correct the address book"));
    }
    Ok(LegTerms {
        chain: asset.chain,
        token: asset.token,
        amount: asset.amount,
        depositor,
        on_commit,
        on_abort: depositor,
        tip,
    })
}

/// Has the hub compute the deadlines, and checks that it changed nothing else.
pub async fn quote(network: &Network, proposal: &Proposal) -> Result<(HubId, Deal), UserError> {
    let terms = proposal.terms(network).await?;
    let chains: BTreeSet<ChainId> = terms.legs.iter().map(|leg| leg.chain).collect();
    let status = require_live(network, &chains).await?;
    let deal = network.hub.call(network.hub.api().quote_deal(terms.clone())).await?;
    check_quote(network, &terms, &deal)?;
    check_deadlines(network, &deal)?;
    check_tips(&deal)?;
    check_lock_time(network, &deal, proposal.lock_within_s).await?;
    Ok((status.hub_id, deal))
}

/// The hub may add no more to the time for locking than clocks differ.
async fn check_lock_time(network: &Network, deal: &Deal, lock_within_s: u64) -> Result<(), UserError> {
    for leg in &deal.legs {
        let now = network.chain(leg.chain)?.now().await?;
        if deal.lock_by > now.plus(lock_within_s).plus(CLOCK_DIFFERENCE_MAX_S) {
            let chain = network.chain_name(leg.chain);
            return Err(UserError::refused(
                format!("the hub lets parties lock until {}, and {chain} has {now}", deal.lock_by),
                "do not lock: the hub's clock or the chain's is wrong",
            ));
        }
    }
    Ok(())
}

/// Registers the deal under the id that we compute ourselves.
pub async fn register(network: &Network, hub_id: HubId, deal: &Deal) -> Result<DealId, UserError> {
    let asked = deal.id(hub_id);
    let actual = network.hub.call(network.hub.api().register_deal(deal.clone())).await?;
    if asked == actual { Ok(asked) } else { Err(UserError::DealMismatch { asked, actual }) }
}

fn check_quote(network: &Network, terms: &DealTerms, deal: &Deal) -> Result<(), UserError> {
    let is_same = |ours: &LegTerms, theirs: &Leg| {
        ours.chain == theirs.chain
            && ours.token == theirs.token
            && ours.amount == theirs.amount
            && ours.depositor == theirs.depositor
            && ours.on_commit == theirs.on_commit
            && ours.on_abort == theirs.on_abort
            && ours.tip == theirs.tip
    };
    let is_whole = terms.nonce == deal.nonce && terms.legs.len() == deal.legs.len();
    if !is_whole || !terms.legs.iter().zip(&deal.legs).all(|(ours, theirs)| is_same(ours, theirs)) {
        return Err(UserError::refused("the hub's quote is of other terms", "do not lock: use another hub node"));
    }
    deal.legs.iter().try_for_each(|leg| check_escrow(network, leg))
}

/// The escrow of a leg must be the one that our own configuration names.
pub(super) fn check_escrow(network: &Network, leg: &Leg) -> Result<(), UserError> {
    let chain = network.chain(leg.chain)?;
    let ours: Account = chain.file.contracts.escrow;
    if leg.escrow == ours {
        return Ok(());
    }
    Err(UserError::refused(
        format!("the deal locks in {} on {}, the configured escrow is {ours}", leg.escrow, chain.name()),
        "do not lock: find out which of the two is wrong",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_has_two_legs_that_cross() {
        let asset = |text: &str| text.parse::<AssetSpec>().expect("well formed");
        let legs = Proposal::swap("alice", "bob", asset("eip155:1/native:1"), asset("eip155:56/native:2"));
        assert_eq!((legs[0].party.as_str(), legs[0].payee.as_str()), ("alice", "bob"));
        assert_eq!((legs[1].party.as_str(), legs[1].payee.as_str()), ("bob", "alice"));
    }
}
