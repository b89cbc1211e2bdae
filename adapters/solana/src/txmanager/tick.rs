//! One turn of upkeep over all open submissions of a wallet.

use infrastrukt_evm::CallError;
use infrastrukt_ports::{PortError, Remedy, TickReport};
use std::sync::Arc;

use super::{
    expiry,
    state::{Included, Open, Signed, is_once},
    writer::{Sent, SolanaWriter},
};
use crate::rpc::{Commitment, Endpoint, Status};

/// Slots after which a transaction that is in no block is sent again: leaders and their queues change.
const RESEND_SLOTS: u64 = 5;

/// The chain at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The newest slot, as k endpoints have reached it.
    pub(super) slot: u64,
    /// Height of the final chain, as k endpoints have reached it.
    pub(super) final_height: u64,
}

impl SolanaWriter {
    /// Looks at every open submission once, in the order in which they came. Trouble with one does not keep the others
    /// waiting; what must never happen stops all.
    pub(super) async fn keep_up(&self, sent: &mut Sent) -> Result<TickReport, PortError> {
        let mut report = TickReport::default();
        let open = self.records.all_open()?;
        sent.retain(|seq, _| open.iter().any(|open| open.seq == *seq));
        if open.is_empty() {
            return Ok(report);
        }
        let moment = self.moment().await?;
        for open in open {
            let (seq, result) = (open.seq, self.follow(open, &moment, sent, &mut report).await);
            self.tolerate(seq, result)?;
        }
        report.open = u32::try_from(self.records.all_open()?.len()).unwrap_or(u32::MAX);
        let chain = self.parts.config.chain.to_string();
        metrics::gauge!("infrastrukt_tx_open", "chain" => chain).set(f64::from(report.open));
        Ok(report)
    }

    async fn moment(&self) -> Result<Moment, PortError> {
        let quorum = &self.parts.quorum;
        let what = format!("the newest slot of {}", self.parts.config.chain);
        let newest = |endpoint: Arc<Endpoint>| async move { endpoint.slot(Commitment::Confirmed).await };
        let slot = quorum.reached(&what, newest).await?;
        let what = format!("the final height of {}", self.parts.config.chain);
        let height = |endpoint: Arc<Endpoint>| async move { endpoint.block_height(Commitment::Finalized).await };
        Ok(Moment { slot, final_height: quorum.reached(&what, height).await? })
    }

    async fn follow(
        &self,
        mut open: Open,
        moment: &Moment,
        sent: &mut Sent,
        report: &mut TickReport,
    ) -> Result<(), PortError> {
        let Some(current) = open.current.clone() else { return self.go_on(open, moment, sent, report).await };
        if !sent.contains_key(&open.seq) {
            self.broadcast(&open, &current, moment.slot, sent).await;
            report.rebroadcast += 1;
        }
        let status = self.status(&current).await?;
        if let Some(Status { slot, failed }) = status {
            if slot > self.parts.view.head_slot().await? {
                return self.note(&mut open, Some(Included { slot, failed }));
            }
            if let Some((_, outcome)) = self.parts.view.outcome(slot, &current.signature()).await? {
                return self.landed(open, &current, slot, &outcome, (moment, sent, report)).await;
            }
            // Its block was abandoned before it became final; the status is a memory of that fork.
        }
        self.note(&mut open, None)?;
        if expiry::is_over(moment.final_height, current.last_valid_height) {
            return self.expire(open, &current, (moment, sent, report)).await;
        }
        if sent.get(&open.seq).is_some_and(|at| moment.slot >= at.saturating_add(RESEND_SLOTS)) {
            self.broadcast(&open, &current, moment.slot, sent).await;
            report.rebroadcast += 1;
        }
        Ok(())
    }

    fn note(&self, open: &mut Open, included: Option<Included>) -> Result<(), PortError> {
        if open.included == included {
            return Ok(());
        }
        open.included = included;
        self.records.update(open)
    }

    /// What k endpoints know of the transaction.
    async fn status(&self, current: &Signed) -> Result<Option<Status>, PortError> {
        let signature = &current.signature();
        let what = format!("the status of {signature}");
        self.parts.quorum.agree_at_head(&what, |endpoint| async move { endpoint.status(signature).await }).await
    }

    /// Signs anew what can never land any more, once that is certain.
    async fn expire(
        &self,
        mut open: Open,
        current: &Signed,
        (moment, sent, report): (&Moment, &mut Sent, &mut TickReport),
    ) -> Result<(), PortError> {
        if !self.is_void(current).await? || (is_once(&open.action) && !self.is_absent(&open, current).await?) {
            return Ok(());
        }
        let (chain, action, tx) = (self.parts.config.chain, open.action.name(), current.signature());
        metrics::counter!("infrastrukt_tx_expired_total", "chain" => chain.to_string()).increment(1);
        tracing::warn!(%chain, action, %tx, price = current.unit_price, "never landed and cannot any more");
        (open.outbid, open.current) = (Some(current.unit_price), None);
        self.records.update(&open)?;
        report.bumped += 1;
        self.go_on(open, moment, sent, report).await
    }

    /// True where k endpoints have a final height past the transaction's last one and know nothing of it.
    async fn is_void(&self, current: &Signed) -> Result<bool, PortError> {
        let (signature, last) = (&current.signature(), current.last_valid_height);
        let what = format!("the end of {signature}");
        let ask = |endpoint: Arc<Endpoint>| async move {
            if !expiry::is_over(endpoint.block_height(Commitment::Finalized).await?, last) {
                return Ok::<_, CallError>(None);
            }
            Ok(Some(endpoint.status(signature).await?.is_none()))
        };
        self.parts.quorum.agree(&what, ask).await
    }

    /// True where the final blocks of its time do not hold it. Nodes that keep too few blocks cannot say, and then it
    /// stays open and people are told: it may have been executed.
    async fn is_absent(&self, open: &Open, current: &Signed) -> Result<bool, PortError> {
        let (signature, last) = (current.signature(), current.last_valid_height);
        match self.parts.view.never_landed(&signature, current.signed_at, last).await {
            Ok(absent) => Ok(absent),
            Err(error) if error.remedy == Remedy::Halt => Err(error),
            Err(error) => {
                let (chain, action) = (self.parts.config.chain, open.action.name());
                metrics::counter!("infrastrukt_tx_stranded_total", "chain" => chain.to_string()).increment(1);
                tracing::error!(
                    %chain, action, tx = %signature, %error,
                    "it has expired and too few endpoints show the blocks it may be in: it is not sent again, since it \
                     may have been executed; add endpoints that keep blocks"
                );
                Ok(false)
            }
        }
    }

    /// Logs what may pass; what must not happen goes on up.
    fn tolerate(&self, seq: u64, result: Result<(), PortError>) -> Result<(), PortError> {
        let Err(error) = result else { return Ok(()) };
        match error.remedy {
            Remedy::Halt => Err(error),
            Remedy::Retry { .. } | Remedy::Rewind { .. } | Remedy::Reject => {
                tracing::warn!(chain = %self.parts.config.chain, seq, %error, "upkeep of a submission is put off");
                Ok(())
            }
        }
    }
}
