//! The second party's own check of a deal. It believes the hub in nothing that it can see for itself.

use std::collections::BTreeSet;

use infrastrukt_api::{DealState, HubApiClient as _};
use infrastrukt_types::{Amount, ChainId, Deal, DealId, Leg, LegRef, Timestamp};

use super::{
    super::{AssetSpec, DealRecord, Network, UserError},
    deadlines::check_deadlines,
    propose::check_escrow,
    require_live,
    shown::net,
    tips::check_tips,
};

/// Least time that must be left for a lock to get into a block.
const LOCK_TIME_MIN_S: u64 = 10;

/// What the party expects, where it says so: anything else is refused.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// Exactly what it locks, the tip included.
    pub give: Option<AssetSpec>,
    /// Exactly what it gets, the tip taken off.
    pub want: Option<AssetSpec>,
}

/// A deal that passed every check.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// To be kept before locking.
    pub record: DealRecord,
    /// What the party locks.
    pub own: Vec<LegRef>,
    /// Legs that pay the party on COMMIT.
    pub receives: Vec<u8>,
}

/// Checks a deal on behalf of `who`: its id, the party's legs, the deadlines, the escrows, the route.
pub async fn review(
    network: &Network,
    id: DealId,
    who: &str,
    expectation: &Expectation,
    now: Timestamp,
) -> Result<Acceptance, UserError> {
    let view = network.hub.call(network.hub.api().deal(id)).await?.ok_or_else(|| unknown_deal(id))?;
    let deal = view.deal;
    let chains: BTreeSet<ChainId> = deal.legs.iter().map(|leg| leg.chain).collect();
    let status = require_live(network, &chains).await?;
    let actual = deal.id(status.hub_id);
    if actual != id {
        return Err(UserError::DealMismatch { asked: id, actual });
    }
    require_open(id, view.state)?;
    check_deadlines(network, &deal)?;
    check_tips(&deal)?;
    deal.legs.iter().try_for_each(|leg| check_escrow(network, leg))?;
    let own = own_legs(network, &deal, who)?;
    let receives = received_legs(network, &deal, who)?;
    require_sense(who, &own, &receives)?;
    require_time(network, &own).await?;
    check_expectation(network, &deal, &own, &receives, expectation).await?;
    let record = DealRecord { deal_id: id, hub_id: status.hub_id, deal, parties: Vec::new(), kept_at: now };
    Ok(Acceptance { record, own, receives })
}

pub(super) fn unknown_deal(id: DealId) -> UserError {
    UserError::NotFound {
        what: "deal",
        id: id.to_string(),
        remedy: "check the id, and that both parties use the same hub",
    }
}

fn require_open(id: DealId, state: DealState) -> Result<(), UserError> {
    match state {
        DealState::Open | DealState::Locking => Ok(()),
        DealState::Decided
        | DealState::Certified
        | DealState::Stalled
        | DealState::Settling
        | DealState::Settled
        | DealState::Escaped
        | DealState::Fault => Err(UserError::refused(
            format!("deal {id} is past its decision"),
            "nothing can be locked any more; make a new one with `relayer swap new`",
        )),
    }
}

/// Legs that `who` locks. One that would refund somebody else is refused.
pub fn own_legs(network: &Network, deal: &Deal, who: &str) -> Result<Vec<LegRef>, UserError> {
    let mut own = Vec::new();
    for leg in deal.leg_refs() {
        let account = match network.account(who, network.chain(leg.leg.chain)?) {
            Ok(account) => account,
            // Without an account on that chain no leg there can be theirs.
            Err(UserError::UnknownAccount { .. }) => continue,
            Err(error) => return Err(error),
        };
        if leg.leg.depositor != account {
            continue;
        }
        if leg.leg.on_abort != account {
            return Err(UserError::refused(
                format!("leg {} would refund {} instead of {who}", leg.index, leg.leg.on_abort),
                "do not lock: ask for a deal that refunds you",
            ));
        }
        own.push(leg);
    }
    Ok(own)
}

fn received_legs(network: &Network, deal: &Deal, who: &str) -> Result<Vec<u8>, UserError> {
    let mut receives = Vec::new();
    for leg in deal.leg_refs() {
        match network.account(who, network.chain(leg.leg.chain)?) {
            Ok(account) if leg.leg.on_commit == account => receives.push(leg.index),
            Ok(_) | Err(UserError::UnknownAccount { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(receives)
}

fn require_sense(who: &str, own: &[LegRef], receives: &[u8]) -> Result<(), UserError> {
    if own.is_empty() {
        let remedy = "check --as and the address book: no leg has an account of this name as depositor";
        return Err(UserError::refused(format!("{who} locks nothing in this deal"), remedy));
    }
    if receives.is_empty() {
        let remedy = "do not lock: ask for a deal that pays you";
        return Err(UserError::refused(format!("{who} would give and get nothing"), remedy));
    }
    Ok(())
}

async fn require_time(network: &Network, own: &[LegRef]) -> Result<(), UserError> {
    for leg in own {
        let chain = network.chain(leg.leg.chain)?;
        let now = chain.now().await?;
        if now.plus(LOCK_TIME_MIN_S) > leg.lock_by {
            return Err(UserError::refused(
                format!("leg {} must be locked by {}, and {} has {now}", leg.index, leg.lock_by, chain.name()),
                "it is too late: make a new deal with `relayer swap new --lock-within`",
            ));
        }
    }
    Ok(())
}

async fn check_expectation(
    network: &Network,
    deal: &Deal,
    own: &[LegRef],
    receives: &[u8],
    expectation: &Expectation,
) -> Result<(), UserError> {
    if let Some(give) = &expectation.give {
        let legs: Vec<(&Leg, Amount)> = own.iter().map(|own| (&own.leg, own.leg.amount)).collect();
        require_exactly(network, "give", give, &legs).await?;
    }
    if let Some(want) = &expectation.want {
        let legs = receives.iter().filter_map(|index| deal.legs.get(usize::from(*index)));
        let legs: Vec<(&Leg, Amount)> = legs.map(|leg| (leg, net(leg))).collect();
        require_exactly(network, "get", want, &legs).await?;
    }
    Ok(())
}

async fn require_exactly(
    network: &Network,
    verb: &str,
    spec: &AssetSpec,
    legs: &[(&Leg, Amount)],
) -> Result<(), UserError> {
    let asset = network.asset(spec).await?;
    let is_it = |leg: &Leg, amount| leg.chain == asset.chain && leg.token == asset.token && amount == asset.amount;
    match legs {
        [(leg, amount)] if is_it(leg, *amount) => Ok(()),
        [] | [_] | [_, ..] => Err(UserError::refused(
            format!("you would {verb} something other than {}/{}:{}", spec.chain, spec.token, spec.amount),
            "do not lock: `relayer deals show` shows the terms",
        )),
    }
}
