//! Transactions in final blocks: what they came to, and what follows them.

use infrastrukt_ports::{PortError, Receipt, Remedy, TickReport};
use infrastrukt_types::Amount;

use super::{
    state::{Done, Open, Signed},
    tick::Moment,
    writer::{Sent, SolanaWriter},
};
use crate::{
    block::{BlockError, Outcome},
    errors,
    facts::sent_message,
};

impl SolanaWriter {
    /// Books a transaction that a final block holds, and goes on with what is left of its action.
    pub(super) async fn landed(
        &self,
        mut open: Open,
        current: &Signed,
        slot: u64,
        outcome: &Outcome,
        (moment, sent, report): (&Moment, &mut Sent, &mut TickReport),
    ) -> Result<(), PortError> {
        let cost = outcome.spent.saturating_sub(current.lamports).max(outcome.fee);
        let unreadable = |error: BlockError| {
            PortError::halt(format!("final block {slot} of {} cannot be read: {error}", self.parts.config.chain))
        };
        let events = outcome.events().map_err(unreadable)?;
        let receipt = Receipt {
            tx: current.signature().to_string(),
            block: slot,
            gas_used: outcome.units,
            fee: Amount(u128::from(open.spent.saturating_add(cost))),
            message_id: sent_message(&events),
        };
        let reason = outcome
            .error
            .as_ref()
            .map(|error| errors::explain_text(error, &current.programs(), &self.parts.site.gateway.program));
        self.count(&open, outcome);
        if let Some(reason) = reason {
            // Others can make it fail between its simulation and its block: whoever is paid, whoever closes an account
            // before it does, or the checkpoint that it counts on. That is no fault of the action.
            let program = &self.parts.site.gateway.program;
            let lost = |error: &str| errors::is_gone(error, &current.programs(), program);
            let is_hindered = current.pays || !current.closes.is_empty() || outcome.error.as_deref().is_some_and(lost);
            if is_hindered && !open.bare {
                (open.bare, open.spent) = (true, open.spent.saturating_add(cost));
                (open.landed, open.current, open.included) = (Some(receipt), None, None);
                self.records.update(&open)?;
                return self.go_on(open, moment, sent, report).await;
            }
            report.finished += 1;
            return self.records.finish(&open, Done::Reverted { receipt, reason }, None);
        }
        if current.is_last {
            report.finished += 1;
            return self.records.finish(&open, Done::Final(receipt), Some(current));
        }
        open.done = open.done.saturating_add(current.items);
        open.spent = open.spent.saturating_add(cost);
        (open.landed, open.current, open.included, open.outbid) = (Some(receipt), None, None, None);
        self.records.update_after(&open, Some(current))?;
        self.go_on(open, moment, sent, report).await
    }

    fn count(&self, open: &Open, outcome: &Outcome) {
        let word = if outcome.error.is_none() { "executed" } else { "reverted" };
        let (chain, action) = (self.parts.config.chain, open.action.name());
        let labels = [("chain", chain.to_string()), ("action", action.to_owned()), ("outcome", word.to_owned())];
        metrics::counter!("infrastrukt_gas_spent_total", &labels).increment(outcome.units);
        metrics::counter!("infrastrukt_tx_final_total", &labels).increment(1);
        tracing::info!(%chain, action, outcome = word, units = outcome.units, "final");
    }

    /// Plans, signs, stores and sends the next transaction of a submission. Where the chain refuses it now, the
    /// submission ends: forgotten if nothing of it landed, failed with its last receipt otherwise.
    pub(super) async fn go_on(
        &self,
        mut open: Open,
        moment: &Moment,
        sent: &mut Sent,
        report: &mut TickReport,
    ) -> Result<(), PortError> {
        let done = usize::try_from(open.done).unwrap_or(usize::MAX);
        let planned = match self.plan(&open.action, done, open.bare).await {
            Ok(planned) => planned,
            Err(error) if error.remedy == Remedy::Reject => {
                let (chain, action) = (self.parts.config.chain, open.action.name());
                tracing::warn!(%chain, action, %error, "it would fail now and is given up");
                report.finished += 1;
                return match open.landed.clone() {
                    None => self.records.forget(&open),
                    Some(receipt) => {
                        self.records.finish(&open, Done::Reverted { receipt, reason: error.message }, None)
                    }
                };
            }
            Err(error) => return Err(error),
        };
        self.sign_next(&mut open, &planned).await?;
        if let Some(current) = open.current.clone() {
            self.broadcast(&open, &current, moment.slot, sent).await;
        }
        Ok(())
    }
}
