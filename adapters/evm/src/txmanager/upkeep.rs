//! Transactions that are not in a block: send again, pay more, close gaps before them.

use alloy_primitives::Bytes;
use infrastrukt_ports::{PortError, TickReport};
use std::collections::BTreeSet;

use crate::calls::Call;

use super::{
    fees, plan,
    state::{Open, Purpose, VERSIONS_MAX},
    view::View,
    writer::{EvmWriter, Sent},
};

/// Word for fillers in logs and metrics.
const FILLER: &str = "filler";

impl EvmWriter {
    /// Keeps one transaction alive whose nonce is not used yet.
    pub(super) async fn push(
        &self,
        mut open: Open,
        view: &View,
        sent: &mut Sent,
        report: &mut TickReport,
    ) -> Result<(), PortError> {
        if open.included.take().is_some() {
            // Its block, which was not final, is no longer part of the chain.
            self.records.update(&open)?;
        }
        if self.is_stuck(&open, view) && self.bump(&mut open, view)? {
            self.broadcast(&open, view.head, sent).await;
            report.bumped += 1;
        } else if self.is_due(&open, view, sent) {
            self.broadcast(&open, view.head, sent).await;
            report.rebroadcast += 1;
        }
        Ok(())
    }

    /// Uses up the nonces that lie unused before one of ours, since nothing after a gap is ever mined. Fillers cost
    /// gas, so no more are open at a time than submissions may be.
    pub(super) async fn heal_gaps(
        &self,
        view: &View,
        sent: &mut Sent,
        report: &mut TickReport,
    ) -> Result<(), PortError> {
        let mut open = self.records.all_open()?;
        let Some(highest) = open.last().map(|open| open.nonce) else { return Ok(()) };
        let fillers = open.iter().filter(|open| open.purpose == Purpose::Filler).count();
        let room = self.config.limits.in_flight_max.saturating_sub(fillers);
        let taken: BTreeSet<u64> = open.iter().map(|open| open.nonce).collect();
        let gaps = (view.pending_nonce..highest).filter(|nonce| !taken.contains(nonce)).take(room);
        for nonce in gaps.collect::<Vec<u64>>() {
            match self.fill(nonce, &open, view, sent).await {
                Ok(filler) => {
                    open.push(filler);
                    report.gaps_healed += 1;
                }
                Err(error) => self.tolerate(nonce, Err(error))?,
            }
        }
        Ok(())
    }

    /// A transfer of nothing to oneself, where the wallet can pay for it and for all that is `open`.
    async fn fill(&self, nonce: u64, open: &[Open], view: &View, sent: &mut Sent) -> Result<Open, PortError> {
        let (call, gas_limit) = (Call { to: self.wallet(), data: Bytes::new(), value: 0 }, plan::TRANSFER_GAS);
        let price = plan::price(&self.config, view)?;
        plan::check_gas_funds(&self.config, self.wallet(), view, open, (call.value, gas_limit, &price))?;
        let versions = vec![self.sign(&call, nonce, gas_limit, price, view.head)?];
        let (purpose, action, once) = (Purpose::Filler, FILLER.to_owned(), false);
        let filler = Open { purpose, action, once, nonce, call, gas_limit, versions, included: None };
        self.records.begin(&filler, self.records.counters()?)?;
        tracing::warn!(chain = %self.config.chain, nonce, "closing a nonce gap");
        self.broadcast(&filler, view.head, sent).await;
        Ok(filler)
    }

    /// Waited long enough, and either next in line or priced out: paying more for others would not help them.
    fn is_stuck(&self, open: &Open, view: &View) -> bool {
        let profile = &self.config.profile;
        let best = open.best();
        view.head >= best.signed_at.saturating_add(profile.stuck_blocks)
            && (open.nonce == view.mined_nonce || fees::is_too_low(profile.fee_mode, &best.price, &view.market))
    }

    /// The node does not have it, or has had it for long: pools forget.
    fn is_due(&self, open: &Open, view: &View, sent: &Sent) -> bool {
        match sent.get(&open.nonce) {
            None => true,
            Some(at) if open.nonce >= view.pending_nonce => view.head > *at,
            Some(at) => view.head >= at.saturating_add(self.config.profile.rebroadcast_blocks),
        }
    }

    /// Adds a version that pays more, stored before it is shown; false where the limits allow none.
    fn bump(&self, open: &mut Open, view: &View) -> Result<bool, PortError> {
        let fresh = plan::price(&self.config, view)?;
        let chain = self.config.chain.to_string();
        let price = fees::bumped(&open.best().price, &fresh, &self.config.fees);
        let Some(price) = price.filter(|_| open.versions.len() < VERSIONS_MAX) else {
            metrics::counter!("infrastrukt_tx_bump_capped_total", "chain" => chain).increment(1);
            tracing::warn!(chain = %self.config.chain, nonce = open.nonce, "stuck, but the fee limit allows no more");
            return Ok(false);
        };
        let version = self.sign(&open.call, open.nonce, open.gas_limit, price, view.head)?;
        open.versions.push(version);
        self.records.update(open)?;
        metrics::counter!("infrastrukt_tx_bumped_total", "chain" => chain).increment(1);
        Ok(true)
    }
}
