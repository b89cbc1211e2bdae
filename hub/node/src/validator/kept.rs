//! Shares on COMMITs that outlive the process.
//!
//! Whoever asked has shares from the moment they leave their signers, and with a quorum of them a certificate. A stop
//! must not make the hub the only one without: shares are stored before they are shown, and certified after a restart,
//! also where no new one may be signed any more.

use infrastrukt_api::Share;
use infrastrukt_ports::StoreError;
use infrastrukt_protocol::{CheckpointRecord, DealRecord, Hub, LeafState, StateView, VALIDATORS_MAX, may_hand_out};
use infrastrukt_store::{HubStore, ShareSignature, StoredShare};
use infrastrukt_types::{CheckpointKind, Timestamp, ValidatorSet};
use std::{collections::BTreeMap, sync::Arc};

use super::{
    shares::{SLOTS_MAX, SharePool, SlotKey},
    signing::deals_of,
};

/// Most shares read at a restart: every member's on every checkpoint that may wait.
const STORED_SHARES_MAX: usize = SLOTS_MAX * VALIDATORS_MAX;

/// Stored shares on one checkpoint that may be shown again.
pub(super) struct Recalled {
    record: CheckpointRecord,
    set: Arc<ValidatorSet>,
    shares: Vec<Share>,
}

/// The form in which a share is stored; none where its signature has another length, which is never counted.
pub(super) fn to_stored(share: &Share) -> Option<StoredShare> {
    let signature: ShareSignature = share.signature[..].try_into().ok()?;
    Some(StoredShare { height: share.height, kind: share.kind, validator: share.validator, signature })
}

/// The form in which a stored share is shown.
pub(super) fn from_stored(stored: &StoredShare) -> Share {
    Share {
        validator: stored.validator,
        height: stored.height,
        kind: stored.kind,
        signature: stored.signature.to_vec().into(),
    }
}

/// Reads the stored shares that may be shown at time `now`, and removes those that nobody needs any more.
pub(super) fn recall(store: &HubStore, hub: &Hub, now: Timestamp) -> Result<Vec<Recalled>, StoreError> {
    let mut by_checkpoint: BTreeMap<SlotKey, Vec<Share>> = BTreeMap::new();
    for stored in store.all_shares(STORED_SHARES_MAX)? {
        by_checkpoint.entry((stored.height, stored.kind)).or_default().push(from_stored(&stored));
    }
    let (mut recalled, mut over) = (Vec::new(), Vec::new());
    for (key, shares) in by_checkpoint {
        let Some(record) = store.checkpoint(key.0, key.1)? else {
            over.push(key);
            continue;
        };
        let deals = deals_of(store, &record)?;
        if is_over(&record, &deals) {
            over.push(key);
        } else if !may_hand_out(&record, &deals, now, &hub.genesis) {
            tracing::warn!(height = %key.0, "shares on a COMMIT stay hidden: a leg could escape before it is settled");
        } else if let Some(epoch) = store.epoch(record.checkpoint.epoch)? {
            recalled.push(Recalled { record, set: Arc::new(epoch.set), shares });
        }
    }
    store.forget_shares(&over)?;
    Ok(recalled)
}

/// True once the certificate is in the log, at this height or where the leaves were issued again, or no money waits for
/// one any more.
fn is_over(record: &CheckpointRecord, deals: &[DealRecord]) -> bool {
    let certified = |deal: &DealRecord| matches!(deal.leaf, LeafState::Certified(_));
    let replaced = record.superseded && deals.iter().all(|deal| certified(deal) || !deal.is_active());
    record.certificate.is_some() || replaced
}

/// Counts recalled shares again. Returns COMMITs that had to make room for them.
pub(super) fn count_again(pool: &mut SharePool, recalled: Vec<Recalled>) -> Vec<SlotKey> {
    let mut evicted = Vec::new();
    for Recalled { record, set, shares } in recalled {
        let checkpoint = &record.checkpoint;
        let oldest = pool.begin((checkpoint.height, checkpoint.kind), checkpoint.digest(), &set);
        evicted.extend(oldest.filter(|key| key.1 == CheckpointKind::Commits));
        for share in &shares {
            if let Err(refusal) = pool.count(share) {
                tracing::error!(%refusal, height = %checkpoint.height, "a stored share is invalid: check the disk");
            }
        }
    }
    evicted
}
