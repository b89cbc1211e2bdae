//! One turn of upkeep over all open transactions of a wallet.

use infrastrukt_ports::{PortError, Remedy, TickReport};

use super::{
    state::Open,
    view::View,
    writer::{EvmWriter, Sent},
};

impl EvmWriter {
    /// Looks at every open transaction once, by ascending nonce. Trouble with one does not keep the others waiting; what
    /// must never happen stops all.
    pub(super) async fn keep_up(&self, sent: &mut Sent) -> Result<TickReport, PortError> {
        let mut report = TickReport::default();
        let open = self.records.all_open()?;
        sent.retain(|nonce, _| open.iter().any(|open| open.nonce == *nonce));
        if open.is_empty() {
            return Ok(report);
        }
        let view = self.view().await?;
        let finalized = self.finalized(&open, &view).await?;
        // What was seen in a block that is final since does not wait, whatever nonce one endpoint names.
        let is_mined = |open: &Open| open.nonce < view.mined_nonce || open.is_in_final_block(finalized);
        let (mined, waiting): (Vec<Open>, Vec<Open>) = open.into_iter().partition(is_mined);
        for open in mined {
            let (nonce, result) = (open.nonce, self.settle(open, &view, finalized, sent, &mut report).await);
            self.tolerate(nonce, result)?;
        }
        self.heal_gaps(&view, sent, &mut report).await?;
        for open in waiting {
            let (nonce, result) = (open.nonce, self.push(open, &view, sent, &mut report).await);
            self.tolerate(nonce, result)?;
        }
        let left = self.records.all_open()?.len();
        report.open = u32::try_from(left).unwrap_or(u32::MAX);
        metrics::gauge!("infrastrukt_tx_open", "chain" => self.config.chain.to_string()).set(f64::from(report.open));
        Ok(report)
    }

    /// Number of the last final block, where something open may be in it. While nobody can say what is final, nothing
    /// is; everything else goes on.
    async fn finalized(&self, open: &[Open], view: &View) -> Result<u64, PortError> {
        if open.iter().all(|open| open.included.is_none() && open.nonce >= view.mined_nonce) {
            return Ok(0);
        }
        match self.headers.finalized_head().await {
            Ok(head) => Ok(head.get().fields().number),
            Err(error) if error.remedy == Remedy::Halt => Err(error),
            Err(error) => {
                tracing::warn!(chain = %self.config.chain, %error, "finality is unknown for now");
                Ok(0)
            }
        }
    }

    /// Logs what may pass; what must not happen goes on up.
    pub(super) fn tolerate(&self, nonce: u64, result: Result<(), PortError>) -> Result<(), PortError> {
        let Err(error) = result else { return Ok(()) };
        match error.remedy {
            Remedy::Halt => Err(error),
            Remedy::Retry { .. } | Remedy::Rewind { .. } | Remedy::Reject => {
                tracing::warn!(chain = %self.config.chain, nonce, %error, "upkeep of a transaction is put off");
                Ok(())
            }
        }
    }
}
