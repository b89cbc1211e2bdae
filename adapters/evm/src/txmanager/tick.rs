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
        let (mined, waiting): (Vec<Open>, Vec<Open>) = open.into_iter().partition(|open| open.nonce < view.mined_nonce);
        self.settle_all(mined, &view, sent, &mut report).await?;
        self.heal_gaps(&waiting, &view, sent, &mut report).await?;
        for open in waiting {
            let (nonce, result) = (open.nonce, self.push(open, &view, sent, &mut report).await);
            self.tolerate(nonce, result)?;
        }
        let left = self.records.all_open()?.len();
        report.open = u32::try_from(left).unwrap_or(u32::MAX);
        metrics::gauge!("infrastrukt_tx_open", "chain" => self.config.chain.to_string()).set(f64::from(report.open));
        Ok(report)
    }

    async fn settle_all(
        &self,
        mined: Vec<Open>,
        view: &View,
        sent: &mut Sent,
        report: &mut TickReport,
    ) -> Result<(), PortError> {
        if mined.is_empty() {
            return Ok(());
        }
        // While nobody can say what is final, nothing is; everything else goes on.
        let finalized = match self.headers.finalized_head().await {
            Ok(head) => head.get().fields().number,
            Err(error) if error.remedy == Remedy::Halt => return Err(error),
            Err(error) => {
                tracing::warn!(chain = %self.config.chain, %error, "finality is unknown for now");
                0
            }
        };
        for open in mined {
            let (nonce, result) = (open.nonce, self.settle(open, view, finalized, sent, report).await);
            self.tolerate(nonce, result)?;
        }
        Ok(())
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
