//! Registration of a deal, before anyone locks.

use infrastrukt_types::{Deal, HubId, Timestamp};

use super::{
    overlay::{Overlay, Stop},
    refusal::Refusal,
    view::StateView,
};
use crate::{
    deal::DealRecord,
    genesis::ChainTiming,
    limits::{OPEN_DEALS_MAX, check_deal},
};

impl<V: StateView> Overlay<'_, V> {
    /// The same deal again is no error and changes nothing.
    pub(super) fn register(&mut self, hub: HubId, deal: &Deal) -> Result<(), Stop<V::Error>> {
        if self.deal(&deal.id(hub))?.is_some() {
            return Ok(());
        }
        check_deal(deal, self.now, self.genesis)?;
        for leg in &deal.legs {
            if let Some(evidence) = self.frozen(leg.chain)? {
                return Err(Refusal::Frozen { chain: leg.chain, evidence }.into());
            }
        }
        self.check_epoch(deal)?;
        if self.tip.open_deals >= OPEN_DEALS_MAX {
            return Err(Refusal::TooManyDeals.into());
        }
        let record = DealRecord::new(hub, self.tip.next_deal, deal.clone(), self.now);
        self.tip.next_deal += 1;
        self.tip.open_deals += 1;
        self.put_deal(record);
        Ok(())
    }

    /// S1: a certificate that dies with its set between two settlements would release one leg and strand the other.
    /// The current set must keep its power until every leg can be final.
    fn check_epoch(&self, deal: &Deal) -> Result<(), Stop<V::Error>> {
        let settle = |chain| self.genesis.chain(chain).map_or(0, |record| ChainTiming::settle_s(&record.timing));
        let slowest = deal.legs.iter().map(|leg| settle(leg.chain)).max().unwrap_or(0);
        // A validator whose clock is behind may sign by so much later.
        let timing = &self.genesis.timing;
        let needed = deal.sign_by.plus(timing.recovery_s).plus(timing.skew_max_s).plus(slowest);
        let epoch = self.tip.epoch;
        let expires_at = self.epoch(epoch)?.map_or(Timestamp(0), |record| record.expires_at);
        if needed > expires_at {
            return Err(Refusal::EpochEndsFirst { epoch, expires_at, needed }.into());
        }
        Ok(())
    }
}
