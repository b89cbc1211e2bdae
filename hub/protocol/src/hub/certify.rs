//! A certificate enters the log: its leaves may be acted upon.

use infrastrukt_types::{CheckpointKind, EcdsaCertificate, Height, Leaf};

use super::{
    overlay::{Overlay, Stop},
    refusal::Refusal,
    view::{StateView, Sweep},
};
use crate::{checkpoint::CheckpointRecord, deal::DealEvent, message::MessageEvent};

impl<V: StateView> Overlay<'_, V> {
    /// A second certificate of the same checkpoint changes nothing.
    pub(super) fn certify(
        &mut self,
        height: Height,
        kind: CheckpointKind,
        certificate: &EcdsaCertificate,
    ) -> Result<(), Stop<V::Error>> {
        let record = self.checkpoint(height, kind)?.ok_or(Refusal::UnknownCheckpoint { height, kind })?;
        if record.certificate.is_some() {
            return Ok(());
        }
        self.check_standing(&record)?;
        let given = record.checkpoint.epoch;
        let epoch = self.epoch(given)?.ok_or(Refusal::UnknownEpoch(given))?;
        certificate.verify(&epoch.set, record.checkpoint.digest())?;
        let cursor = Some(self.tip.next_cursor);
        self.tip.next_cursor += 1;
        self.put_checkpoint(CheckpointRecord { certificate: Some(certificate.clone()), cursor, ..record.clone() });
        for leaf in &record.leaves {
            self.leaf_certified(leaf, height)?;
        }
        Ok(())
    }

    /// Superseded leaves stand elsewhere, and those of a retired epoch are issued again. COMMITs alone are taken from
    /// both: a COMMIT certificate that exists must reach every leg, and verifiers accept the decisions of a retired
    /// epoch for longer than any deal lasts.
    fn check_standing(&self, record: &CheckpointRecord) -> Result<(), Refusal> {
        let (height, kind) = (record.checkpoint.height, record.checkpoint.kind);
        match kind {
            CheckpointKind::Commits => Ok(()),
            CheckpointKind::General | CheckpointKind::Rotation if record.superseded => {
                Err(Refusal::Superseded { height, kind })
            }
            CheckpointKind::General | CheckpointKind::Rotation if record.checkpoint.epoch != self.tip.epoch => {
                Err(Refusal::RetiredEpoch { given: record.checkpoint.epoch, current: self.tip.epoch })
            }
            CheckpointKind::General | CheckpointKind::Rotation => Ok(()),
        }
    }

    fn leaf_certified(&mut self, leaf: &Leaf, height: Height) -> Result<(), Stop<V::Error>> {
        match leaf {
            Leaf::Message(id) => match self.message(id)? {
                Some(record) => {
                    let chain = record.message.source;
                    self.move_message(&record, &MessageEvent::LeafCertified { height }, chain)
                }
                None => Ok(()),
            },
            Leaf::Decision(id, _) => match self.deal(id)? {
                Some(record) => self.move_deal(record, &DealEvent::LeafCertified { height }),
                None => Ok(()),
            },
            Leaf::Rotate { epoch, .. } => self.begin_epoch(*epoch),
            // The record says `Expired` until the refund is proven; nothing waits for the certificate in between.
            Leaf::Expired(_) => Ok(()),
        }
    }

    /// The pending set takes over. What the old one left unfinished is issued again, a bounded part in each block.
    fn begin_epoch(&mut self, next: infrastrukt_types::Epoch) -> Result<(), Stop<V::Error>> {
        let unknown = |epoch| move || Refusal::UnknownEpoch(epoch);
        let mut old = self.epoch(self.tip.epoch)?.ok_or_else(unknown(self.tip.epoch))?;
        let mut new = self.epoch(next)?.ok_or_else(unknown(next))?;
        old.retired_at = Some(self.now);
        new.started_at = Some(self.now);
        self.tip.epoch = new.epoch;
        self.tip.valset_hash = new.valset_hash;
        self.tip.sweep = Some(Sweep {
            message_next: 0,
            message_end: self.tip.next_message,
            deal_next: 0,
            deal_end: self.tip.next_deal,
        });
        self.put_epoch(old);
        self.put_epoch(new);
        Ok(())
    }
}
