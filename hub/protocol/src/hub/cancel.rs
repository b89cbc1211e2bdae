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
        let (chain, account) = (leg.chain, leg.depositor);
        let curve = genesis.chain(chain).and_then(|record| record.name.curve());
        let curve = curve.ok_or(Refusal::UnsupportedSignature { index, chain, account })?;
        if !DealCancel::is_signed(hub, cancel.deal, curve, account, signature) {
            return Err(Refusal::CancelSignature { index, chain, account });
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{deal, depositor, mixed_genesis, signed};
    use ed25519_dalek::{Signer as _, SigningKey};
    use infrastrukt_types::{Account, B256, Bytes};

    #[test]
    fn depositors_sign_in_the_notation_of_their_own_chains() {
        let (genesis, hub, key) = (mixed_genesis(), HubId(B256::repeat_byte(9)), SigningKey::from_bytes(&[7; 32]));
        let mut deal = deal();
        deal.legs[1].chain = genesis.chains[1].id;
        deal.legs[1].depositor = Account(B256::new(key.verifying_key().to_bytes()));
        let id = deal.id(hub);
        let digest = DealCancel::digest(hub, id);
        let first = signed(&depositor(0), digest);
        let second = Bytes::from(key.sign(digest.as_slice()).to_bytes().to_vec());
        let check = |signatures: [&Bytes; 2]| {
            let signatures = signatures.map(Bytes::clone).to_vec();
            check_cancel(&genesis, hub, &deal, &DealCancel { deal: id, signatures })
        };
        assert_eq!(check([&first, &second]), Ok(()));
        assert!(matches!(check([&second, &first]), Err(Refusal::CancelSignature { index: 0, .. })));
        let of_the_wrong_curve = signed(&depositor(1), digest);
        assert!(matches!(check([&first, &of_the_wrong_curve]), Err(Refusal::CancelSignature { index: 1, .. })));
    }

    #[test]
    fn what_nobody_here_can_check_is_no_signature() {
        let mut genesis = mixed_genesis();
        genesis.chains[1].name = "cosmos:cosmoshub-4".parse().expect("a chain name");
        let (hub, mut deal) = (HubId(B256::repeat_byte(9)), deal());
        deal.legs[1].chain = genesis.chains[1].id;
        let id = deal.id(hub);
        let signature = signed(&depositor(0), DealCancel::digest(hub, id));
        let cancel = DealCancel { deal: id, signatures: vec![signature.clone(), signature] };
        let refused = check_cancel(&genesis, hub, &deal, &cancel);
        assert!(matches!(refused, Err(Refusal::UnsupportedSignature { index: 1, .. })));
    }
}
