//! A cancel signed by every depositor.

use infrastrukt_types::{Deal, DealCancel, HubId};

use super::{
    overlay::{Overlay, Stop},
    refusal::Refusal,
    view::StateView,
};
use crate::{deal::DealEvent, genesis::Genesis};

/// Checks that every depositor of `deal` signed the cancel. Pure, so that a node refuses junk before it is ordered.
pub fn check_cancel(genesis: &Genesis, hub: HubId, deal: &Deal, cancel: &DealCancel) -> Result<(), Refusal> {
    let (given, expected) = (cancel.signatures.len(), deal.legs.len());
    if given != expected {
        return Err(Refusal::SignatureCount { given, expected });
    }
    for (index, (leg, signature)) in deal.legs.iter().zip(&cancel.signatures).enumerate() {
        let unsupported = || Refusal::UnsupportedSignature { index, chain: leg.chain, account: leg.depositor };
        let chain = genesis.chain(leg.chain).ok_or_else(unsupported)?;
        if !chain.has_evm_accounts() {
            return Err(unsupported());
        }
        let depositor = leg.depositor.to_evm().map_err(|_| unsupported())?;
        DealCancel::verify_evm(hub, cancel.deal, depositor, signature)?;
    }
    Ok(())
}

impl<V: StateView> Overlay<'_, V> {
    pub(super) fn cancel(&mut self, hub: HubId, cancel: &DealCancel) -> Result<(), Stop<V::Error>> {
        let record = self.known_deal(&cancel.deal)?;
        check_cancel(self.genesis, hub, &record.deal, cancel)?;
        self.move_deal(record, &DealEvent::Cancelled { at: self.now })
    }
}
