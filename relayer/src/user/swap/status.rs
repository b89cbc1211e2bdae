//! How far a deal is, from the hub and from the chains themselves, and what happens next.

use infrastrukt_api::{DealState, DealView, HubApiClient as _};
use infrastrukt_ports::LockStatus;
use infrastrukt_types::{DealId, Decision, LegRef, Timestamp};
use serde::Serialize;

use super::{
    super::{DealRecord, Network, UserError, show_seconds},
    ShownDeal,
    accept::unknown_deal,
    show_deal,
};

/// A deal with the state of each leg on its own chain.
#[derive(Clone, Debug, Serialize)]
pub struct SwapStatus {
    /// Its id.
    pub deal_id: DealId,
    /// The hub's word; absent while the hub does not answer.
    pub state: Option<DealState>,
    /// The hub's decision, once made.
    pub decision: Option<Decision>,
    /// The terms.
    pub deal: ShownDeal,
    /// Each leg on its own chain.
    pub legs: Vec<LegStatus>,
    /// What happens next, and when.
    pub next: String,
    /// True once nothing will change any more.
    pub is_final: bool,
    /// Why the hub could not be asked.
    pub hub_error: Option<String>,
}

/// A leg on its own chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LegStatus {
    /// Place in the deal.
    pub index: u8,
    /// Chain.
    pub chain: String,
    /// Its lock; absent while the chain does not answer.
    pub lock: Option<LockStatus>,
    /// Why the chain could not be asked.
    pub error: Option<String>,
}

/// The deal as kept here, else as the hub has it.
pub async fn load_deal(network: &Network, id: DealId, now: Timestamp) -> Result<DealRecord, UserError> {
    if let Some(record) = network.deals.load(id)? {
        return Ok(record);
    }
    let view = network.hub.call(network.hub.api().deal(id)).await?.ok_or_else(|| unknown_deal(id))?;
    let hub_id = network.config.hub.id;
    let actual = view.deal.id(hub_id);
    if actual != id {
        return Err(UserError::DealMismatch { asked: id, actual });
    }
    Ok(DealRecord { deal_id: id, hub_id, deal: view.deal, parties: Vec::new(), kept_at: now })
}

/// How far the deal is. A dead hub or chain leaves its part empty with the reason.
pub async fn status(network: &Network, record: &DealRecord, now: Timestamp) -> SwapStatus {
    let view = network.hub.call(network.hub.api().deal(record.deal_id)).await;
    let (view, hub_error) = match view {
        Ok(Some(view)) => (Some(view), None),
        Ok(None) => (None, Some(unknown_deal(record.deal_id).to_string())),
        Err(error) => (None, Some(error.to_string())),
    };
    let mut legs = Vec::with_capacity(record.deal.legs.len());
    for leg in record.deal.leg_refs() {
        legs.push(leg_status(network, record, &leg).await);
    }
    let is_final = is_final(record, view.as_ref(), &legs, now);
    SwapStatus {
        deal_id: record.deal_id,
        state: view.as_ref().map(|view| view.state),
        decision: view.as_ref().and_then(|view| view.decision),
        deal: show_deal(network, &record.deal).await,
        next: next(record, view.as_ref(), is_final, now),
        is_final,
        legs,
        hub_error,
    }
}

async fn leg_status(network: &Network, record: &DealRecord, leg: &LegRef) -> LegStatus {
    let lock = async {
        let chain = network.chain(leg.leg.chain)?;
        let reader = chain.reader();
        reader.lock_status(leg.lock_key(record.deal_id)).await.map_err(UserError::chain(chain.name()))
    };
    let (lock, error) = match lock.await {
        Ok(lock) => (Some(lock), None),
        Err(error) => (None, Some(error.to_string())),
    };
    LegStatus { index: leg.index, chain: network.chain_name(leg.leg.chain), lock, error }
}

/// Nothing more can happen: the hub says so, or every lock on its chain is paid out, or nobody locked in time.
fn is_final(record: &DealRecord, view: Option<&DealView>, legs: &[LegStatus], now: Timestamp) -> bool {
    let paid = |leg: &LegStatus| match leg.lock {
        Some(LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped) => true,
        Some(LockStatus::None | LockStatus::Locked { .. }) | None => false,
    };
    let empty_for_ever = |leg: &LegStatus| leg.lock == Some(LockStatus::None) && now > record.deal.decide_by;
    match view.map(|view| view.state) {
        Some(DealState::Settled | DealState::Escaped | DealState::Fault) => true,
        Some(DealState::Open | DealState::Decided) => legs.iter().all(empty_for_ever),
        Some(DealState::Locking | DealState::Certified | DealState::Stalled | DealState::Settling) => false,
        None => legs.iter().all(|leg| paid(leg) || empty_for_ever(leg)),
    }
}

fn next(record: &DealRecord, view: Option<&DealView>, is_final: bool, now: Timestamp) -> String {
    let deal = &record.deal;
    let escape_at = deal.legs.iter().map(|leg| leg.escape_at).min().unwrap_or(deal.sign_by);
    let timer = || format!("the timer refund may be requested {}: `relayer swap refund`", when(escape_at, now));
    if view.is_none() && is_final {
        return "nothing: no lock is left".into();
    }
    let Some(view) = view else { return format!("the hub does not answer; {}", timer()) };
    match (view.state, view.decision) {
        (DealState::Open | DealState::Locking, _) if now <= deal.lock_by => {
            format!("the other parties lock; the last moment is {}", when(deal.lock_by, now))
        }
        (DealState::Open | DealState::Locking, _) => {
            format!("the hub decides when every lock is final, {} at the latest", when(deal.decide_by, now))
        }
        (DealState::Decided, Some(Decision::Abort)) => "the refund is certified once a lock is proven".into(),
        (DealState::Decided, _) => {
            format!("the validators sign the decision, {} at the latest", when(deal.sign_by, now))
        }
        (DealState::Certified | DealState::Settling, _) => "relayers settle the legs; anyone may do it by hand".into(),
        (DealState::Stalled, _) => format!("COMMIT was not certified in time; {}", timer()),
        (DealState::Settled, Some(Decision::Commit)) => "nothing: everybody is paid".into(),
        (DealState::Settled, _) => "nothing: everybody has their money back".into(),
        (DealState::Escaped, _) => "nothing more from the hub; other locked legs use `relayer swap refund`".into(),
        (DealState::Fault, _) => "a person must look: evidence is kept by the hub".into(),
    }
}

/// A moment relative to now.
pub(super) fn when(at: Timestamp, now: Timestamp) -> String {
    match at.0.checked_sub(now.0) {
        Some(0) => "now".into(),
        Some(left) => format!("in {}", show_seconds(left)),
        None => format!("{} ago", show_seconds(now.0 - at.0)),
    }
}
