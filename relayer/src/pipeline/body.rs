//! Body: the message or deal that a leaf names, and what it asks for on which chain.
//!
//! A leaf holds an id only. Whatever the hub shows for it counts when it leads to that very id, wherever it came from.

use infrastrukt_types::{B256, ChainId, Deal, DealId, Decision, Epoch, Leaf, LegRef, Message, MessageId, Timestamp};
use std::{collections::BTreeMap, sync::Arc};

use super::{
    HubInfo, Lane,
    hub::{HubClient, HubError},
};
use crate::{metrics, store::Work};

/// A leaf with what it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Deliver(MessageId, Message),
    Refund(MessageId, Message),
    Settle(DealId, Decision, Deal),
    Rotate { epoch: Epoch, valset_hash: B256, expires_at: Timestamp },
}

/// The leaf with the message or deal shown for it; `None` where that is left out or is not the one that it names.
pub(super) fn matching(info: &HubInfo, leaf: &Leaf, message: Option<Message>, deal: Option<Deal>) -> Option<Body> {
    let is_shown = message.is_some() || deal.is_some();
    let named = |id: &MessageId| message.filter(|message| info.id_of(message) == Some(*id));
    let body = match leaf {
        Leaf::Message(id) => named(id).map(|message| Body::Deliver(*id, message)),
        Leaf::Expired(id) => named(id).map(|message| Body::Refund(*id, message)),
        Leaf::Decision(id, decision) => {
            deal.filter(|deal| deal.id(info.id) == *id).map(|deal| Body::Settle(*id, *decision, deal))
        }
        Leaf::Rotate { epoch, valset_hash, expires_at } => {
            Some(Body::Rotate { epoch: *epoch, valset_hash: *valset_hash, expires_at: *expires_at })
        }
    };
    if body.is_none() && is_shown {
        metrics::retry("hub", "wrong_body");
        tracing::error!(?leaf, "the hub shows something else than this leaf names; it is asked again");
    }
    body
}

/// Asks the hub for what a leaf names; `None` where it shows nothing, or something else.
pub(super) async fn fetch(hub: &dyn HubClient, info: &HubInfo, leaf: &Leaf) -> Result<Option<Body>, HubError> {
    let (message, deal) = match leaf {
        Leaf::Message(id) | Leaf::Expired(id) => (hub.message(*id).await?.map(|view| view.message), None),
        Leaf::Decision(id, _) => (None, hub.deal(*id).await?.map(|view| view.deal)),
        Leaf::Rotate { .. } => (None, None),
    };
    Ok(matching(info, leaf, message, deal))
}

impl Body {
    /// What it asks for, on those chains that have a lane here. The others are served by other relayers.
    pub(super) fn works(self, lanes: &BTreeMap<ChainId, Arc<Lane>>) -> Vec<(ChainId, Work)> {
        let mut works: Vec<(ChainId, Work)> = match self {
            Self::Deliver(id, message) => vec![(message.target, Work::Deliver { id, message })],
            Self::Refund(id, message) => vec![(message.source, Work::Refund { id, message })],
            Self::Settle(deal, decision, terms) => {
                let mut legs: BTreeMap<ChainId, Vec<LegRef>> = BTreeMap::new();
                for leg in terms.leg_refs() {
                    legs.entry(leg.leg.chain).or_default().push(leg);
                }
                legs.into_iter().map(|(chain, legs)| (chain, Work::Settle { deal, decision, legs })).collect()
            }
            // Every chain has to learn of the next set.
            Self::Rotate { epoch, valset_hash, expires_at } => {
                lanes.keys().map(|chain| (*chain, Work::Rotate { epoch, valset_hash, expires_at })).collect()
            }
        };
        works.retain(|(chain, _)| lanes.contains_key(chain));
        works
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{Account, HubId, Nonce};

    fn message(nonce: u64) -> Message {
        Message {
            version: 1,
            source: ChainId(1),
            target: ChainId(2),
            nonce: Nonce(nonce),
            sender: Account::ZERO,
            recipient: Account::ZERO,
            timestamp: Timestamp(1),
            gas_limit: 1,
            deadline: Timestamp(0),
            payload: Vec::new().into(),
        }
    }

    fn deal(nonce: u8) -> Deal {
        let [lock_by, decide_by, sign_by] = [1, 2, 3].map(Timestamp);
        Deal { nonce: B256::repeat_byte(nonce), lock_by, decide_by, sign_by, legs: Vec::new() }
    }

    #[test]
    fn a_body_counts_only_under_its_own_id() {
        let gateways = [1u8, 2].map(|chain| (ChainId(u64::from(chain)), Account(B256::repeat_byte(chain)))).into();
        let info = HubInfo { id: HubId(B256::repeat_byte(9)), gateways };
        let id = info.id_of(&message(1)).expect("both chains are known");
        for leaf in [Leaf::Message(id), Leaf::Expired(id)] {
            assert!(matching(&info, &leaf, Some(message(1)), None).is_some());
            assert_eq!(matching(&info, &leaf, Some(message(2)), None), None);
            assert_eq!(matching(&info, &leaf, None, Some(deal(1))), None);
            assert_eq!(matching(&info, &leaf, None, None), None);
        }
        let leaf = Leaf::Decision(deal(1).id(info.id), Decision::Abort);
        assert!(matching(&info, &leaf, None, Some(deal(1))).is_some());
        assert_eq!(matching(&info, &leaf, None, Some(deal(2))), None);
        let stranger = Message { source: ChainId(3), ..message(1) };
        assert_eq!(matching(&info, &Leaf::Message(id), Some(stranger), None), None);
    }
}
