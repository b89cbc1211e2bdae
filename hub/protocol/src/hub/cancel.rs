//! A cancel signed by every depositor.

use infrastrukt_types::{DealCancel, HubId};

use super::{
    overlay::{Overlay, Stop},
    refusal::Refusal,
    view::StateView,
};
use crate::deal::DealEvent;

impl<V: StateView> Overlay<'_, V> {
    pub(super) fn cancel(&mut self, hub: HubId, cancel: &DealCancel) -> Result<(), Stop<V::Error>> {
        let record = self.known_deal(&cancel.deal)?;
        let (given, expected) = (cancel.signatures.len(), record.deal.legs.len());
        if given != expected {
            return Err(Refusal::SignatureCount { given, expected }.into());
        }
        for (index, (leg, signature)) in record.deal.legs.iter().zip(&cancel.signatures).enumerate() {
            let unsupported = || Refusal::UnsupportedSignature { index, chain: leg.chain, account: leg.depositor };
            let chain = self.genesis.chain(leg.chain).ok_or_else(unsupported)?;
            if !chain.has_evm_accounts() {
                return Err(unsupported().into());
            }
            let depositor = leg.depositor.to_evm().map_err(|_| unsupported())?;
            DealCancel::verify_evm(hub, cancel.deal, depositor, signature)?;
        }
        self.move_deal(record, &DealEvent::Cancelled { at: self.now })
    }
}
