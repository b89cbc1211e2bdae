//! A validator's shares: signed once, stored, handed out, collected to certificates.

use infrastrukt_api::Share;
use infrastrukt_ports::StoreError;
use infrastrukt_protocol::{CheckpointRecord, StateView};
use infrastrukt_store::{SignOnceError, StoredShare};
use infrastrukt_types::{CheckpointKind, Epoch, HubTx, verify_share};
use std::{iter, sync::Arc};
use tokio::sync::broadcast;

use super::{
    actor::{Actor, Fatal, StepError, lock},
    kept::{count_again, from_stored, recall, to_stored},
    shares::{SlotKey, turn},
    signing::{check, judged_time},
};

/// Uncertified checkpoints looked at in one tick.
const RESIGNED_MAX: usize = 256;
/// Shares on COMMITs repeated in one tick.
const REPEATED_MAX: usize = 256;
/// Shares taken in together, and stored in one batch.
const RECEIVED_MAX: usize = 256;
/// Milliseconds each validator leaves a complete certificate to the one whose turn it is before.
const TURN_MS: u64 = 2_000;
/// Milliseconds after which a certificate that did not reach the log is offered again.
const REOFFER_MS: u64 = 5_000;

/// True while a certificate of this checkpoint would be taken into the log. Superseded COMMITs, and those of a retired
/// epoch, wait as well: a certificate of shares that were released in time still counts.
pub(super) fn is_waiting(record: &CheckpointRecord, current: Epoch) -> bool {
    let over = match record.checkpoint.kind {
        CheckpointKind::General | CheckpointKind::Rotation => record.superseded || record.checkpoint.epoch != current,
        CheckpointKind::Commits => false,
    };
    record.certificate.is_none() && !over
}

impl Actor {
    /// Signs a checkpoint if the rule allows it, now and once the signature is there, and lets the others know.
    pub(super) async fn sign(&self, record: &CheckpointRecord) -> Result<(), StepError> {
        let (key, me) = ((record.checkpoint.height, record.checkpoint.kind), self.signer.address());
        self.begin(key, record).await?;
        if self.epoch.set.find(me).is_none() || !self.may_sign(record)? {
            return Ok(());
        }
        let known = lock(&self.pool).share(key, me);
        let share = match known {
            Some(share) => Some(share),
            None => self.make_share(key, record).await?,
        };
        if let Some(share) = share {
            // Alone in the node, nobody listens.
            let _ = self.around.say.send(share);
        }
        Ok(())
    }

    async fn begin(&self, key: SlotKey, record: &CheckpointRecord) -> Result<(), StoreError> {
        if record.checkpoint.epoch != self.epoch.epoch {
            return Ok(());
        }
        let set = Arc::new(self.epoch.set.clone());
        let evicted = lock(&self.pool).begin(key, record.checkpoint.digest(), &set);
        match evicted.filter(|key| key.1 == CheckpointKind::Commits) {
            Some(key) => self.blocking(move |store| store.forget_shares(&[key])).await,
            None => Ok(()),
        }
    }

    /// Signs, stores and counts this validator's own share.
    async fn make_share(&self, key: SlotKey, record: &CheckpointRecord) -> Result<Option<Share>, StepError> {
        let (height, kind) = key;
        self.remember(record).await?;
        let (validator, digest) = (self.signer.address(), record.checkpoint.digest());
        let signature = self.signer.sign(digest).await?;
        if let Err(refusal) = verify_share(validator, digest, &signature) {
            tracing::error!(%refusal, %height, "this validator's own share is invalid: check its key");
            return Ok(None);
        }
        let stored = StoredShare { height, kind, validator, signature };
        let durable = kind == CheckpointKind::Commits;
        if durable {
            self.blocking(move |store| store.put_shares(&[stored])).await?;
        }
        // Signer and disk may take their time: the limit is checked again at the moment the share leaves.
        if !self.may_sign(record)? {
            if durable {
                self.blocking(move |store| store.forget_share(height, kind, validator)).await?;
            }
            return Ok(None);
        }
        let share = from_stored(&stored);
        let counted = lock(&self.pool).count(&share);
        if let Err(refusal) = counted {
            tracing::error!(%refusal, %height, "this validator's own share is not counted");
            return Ok(None);
        }
        Ok(Some(share))
    }

    /// Puts on disk what is about to be signed. Another signature for the same is never made, not even by mistake.
    async fn remember(&self, record: &CheckpointRecord) -> Result<(), StepError> {
        let record = record.clone();
        match self.blocking(move |store| store.sign_once(&record)).await {
            Ok(()) => Ok(()),
            Err(SignOnceError::Store(error)) => Err(error.into()),
            Err(
                error
                @ (SignOnceError::Digest { .. } | SignOnceError::Decision { .. } | SignOnceError::Rotation { .. }),
            ) => Err(Fatal::SignOnce(error).into()),
        }
    }

    fn may_sign(&self, record: &CheckpointRecord) -> Result<bool, StoreError> {
        let hub = &self.around.hub;
        let tip = self.progress.borrow().time;
        let now = judged_time(tip, self.around.clock.now(), hub.genesis.timing.skew_max_s);
        let verdict = check(hub, self.store.as_ref(), record, &self.epoch, now)?;
        if let Err(refusal) = &verdict {
            let checkpoint = &record.checkpoint;
            tracing::debug!(%refusal, height = %checkpoint.height, kind = ?checkpoint.kind, "not signed");
            metrics::counter!("infrastrukt_hub_signatures_withheld_total").increment(1);
        }
        Ok(verdict.is_ok())
    }

    /// Counts and stores what others signed: this share, and those that came meanwhile.
    pub(super) async fn receive(&self, first: Share, gossip: &mut broadcast::Receiver<Share>) -> Result<(), StepError> {
        let executed = self.progress.borrow().height;
        let others = iter::from_fn(|| gossip.try_recv().ok()).take(RECEIVED_MAX);
        for share in iter::once(first).chain(others) {
            let from = share.validator;
            if let Err(refusal) = lock(&self.pool).receive(share, executed, &self.epoch.set) {
                tracing::warn!(%refusal, %from, "a share is not counted");
            }
        }
        self.save().await?;
        self.offer().await;
        Ok(())
    }

    /// Stores the shares on COMMITs that were counted since the last time.
    pub(super) async fn save(&self) -> Result<(), StoreError> {
        let unsaved = lock(&self.pool).unsaved();
        if unsaved.is_empty() {
            return Ok(());
        }
        let stored: Vec<StoredShare> = unsaved.iter().filter_map(to_stored).collect();
        self.blocking(move |store| store.put_shares(&stored)).await?;
        lock(&self.pool).saved(unsaved.len());
        Ok(())
    }

    /// Counts stored shares that may be shown by now.
    pub(super) async fn recall(&self) -> Result<(), StoreError> {
        let (hub, now) = (self.around.hub.clone(), self.progress.borrow().time.max(self.around.clock.now()));
        let recalled = self.blocking(move |store| recall(store, &hub, now)).await?;
        let evicted = count_again(&mut lock(&self.pool), recalled);
        self.blocking(move |store| store.forget_shares(&evicted)).await
    }

    /// Signs what is still uncertified, also after a restart, and repeats shares that others may have missed.
    pub(super) async fn tend(&mut self) -> Result<(), StepError> {
        self.save().await?;
        self.offer().await;
        let repeated = lock(&self.pool).incomplete_commits(REPEATED_MAX);
        for share in repeated {
            let _ = self.around.say.send(share);
        }
        let Some(end) = self.progress.borrow().height.next() else { return Ok(()) };
        for (height, kind) in self.store.uncertified(end, RESIGNED_MAX)? {
            if let Some(record) = self.store.checkpoint(height, kind)? {
                self.sign(&record).await?;
            }
        }
        Ok(())
    }

    /// Offers complete certificates when it is this validator's turn.
    pub(super) async fn offer(&self) {
        let me = self.signer.address();
        let turn_ms = |key: SlotKey| turn(&self.epoch.set, me, key).saturating_mul(TURN_MS);
        let now_ms = self.around.clock.now_ms();
        let complete = lock(&self.pool).take_complete(now_ms, REOFFER_MS, turn_ms);
        for ((height, kind), certificate) in complete {
            match self.store.checkpoint(height, kind) {
                Ok(Some(record)) if is_waiting(&record, self.epoch.epoch) => {}
                Ok(_) => {
                    lock(&self.pool).forget((height, kind));
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%height, ?kind, %error, "a certificate is offered later");
                    continue;
                }
            }
            tracing::debug!(%height, ?kind, validator = %me, "certificate complete");
            if let Err(error) = self.around.consensus.submit(HubTx::Certify { height, kind, certificate }).await {
                tracing::warn!(%height, ?kind, %error, "a certificate was not taken, it is offered again");
            }
        }
    }
}
