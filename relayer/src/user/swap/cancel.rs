//! Calling a deal off before it is decided: every depositor signs, whoever has all signatures hands them in.
//!
//! Signatures name the deal and nothing else, so that they may be passed on in the open. Nothing is refunded here: a leg
//! that is locked already comes back by the ABORT certificate that follows.

use infrastrukt_api::{DealState, DealView, HubApiClient as _};
use infrastrukt_ports::Signer as _;
use infrastrukt_registry::{EcdsaSigner, SecretKey};
use infrastrukt_types::{Account, Address, Bytes, Deal, DealCancel, DealId, Decision, HubId};

use super::{
    super::{Chain, Network, UserError},
    accept::unknown_deal,
};

/// How far a cancel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Every depositor signed, and the hub aborted the deal.
    Done,
    /// Others have to sign as well.
    Signed {
        /// The signature made here.
        own: Bytes,
        /// All signatures there are, the one made here included.
        signatures: Vec<Bytes>,
        /// Who has not signed.
        missing: Vec<Missing>,
    },
}

/// A depositor whose signature is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its account, in the notation of the chain of its first leg.
    pub account: String,
    /// Its name in the address book, where it has one.
    pub name: Option<String>,
}

/// One signature for each depositor, each checked.
#[derive(Debug)]
struct Collected {
    hub: HubId,
    id: DealId,
    /// Depositors in the order of their first legs.
    signers: Vec<(Address, Option<Bytes>)>,
}

/// The deal as the hub has it, checked against its id. Refused once it is decided.
pub async fn cancellable(network: &Network, id: DealId) -> Result<Deal, UserError> {
    let view = network.hub.call(network.hub.api().deal(id)).await?.ok_or_else(|| unknown_deal(id))?;
    let actual = view.deal.id(network.config.hub.id);
    if actual != id {
        return Err(UserError::DealMismatch { asked: id, actual });
    }
    require_undecided(&view)?;
    Ok(view.deal)
}

/// Signs as the key's depositor. With the signatures of all others the hub is asked to abort the deal.
pub async fn cancel(
    network: &Network,
    id: DealId,
    deal: &Deal,
    key: &SecretKey,
    given: &[Bytes],
) -> Result<Cancelled, UserError> {
    let mut collected = Collected::new(network.config.hub.id, id, deal)?;
    let own = collected.sign(key).await?;
    given.iter().try_for_each(|signature| collected.add(signature))?;
    let Some(cancel) = collected.complete(deal) else {
        let missing = missing(network, deal, &collected);
        return Ok(Cancelled::Signed { own, signatures: collected.signatures(), missing });
    };
    network.hub.call(network.hub.api().cancel_deal(cancel)).await?;
    Ok(Cancelled::Done)
}

fn require_undecided(view: &DealView) -> Result<(), UserError> {
    let (what, remedy) = match (view.decision, view.state) {
        (None, DealState::Open | DealState::Locking) => return Ok(()),
        (Some(Decision::Abort), _) => (
            "is aborted already",
            "there is nothing to cancel: a locked leg comes back by the ABORT certificate, see `relayer swap status`",
        ),
        (Some(Decision::Commit), _) => (
            "is decided COMMIT",
            "it cannot be cancelled any more: every leg pays its receiver, see `relayer swap status`",
        ),
        (
            None,
            DealState::Decided
            | DealState::Certified
            | DealState::Stalled
            | DealState::Settling
            | DealState::Settled
            | DealState::Escaped
            | DealState::Fault,
        ) => ("is past its decision", "it cannot be cancelled any more: see `relayer swap status`"),
    };
    Err(UserError::refused(format!("deal {} {what}", view.id), remedy))
}

impl Collected {
    fn new(hub: HubId, id: DealId, deal: &Deal) -> Result<Self, UserError> {
        let mut signers: Vec<(Address, Option<Bytes>)> = Vec::new();
        for leg in deal.leg_refs() {
            let depositor = leg.leg.depositor.to_evm().map_err(|_| {
                UserError::refused(
                    format!("the depositor {} of leg {} cannot sign a cancel", leg.leg.depositor, leg.index),
                    "wait: without its lock the hub aborts the deal at `decide_by`",
                )
            })?;
            if signers.iter().all(|(known, _)| *known != depositor) {
                signers.push((depositor, None));
            }
        }
        Ok(Self { hub, id, signers })
    }

    async fn sign(&mut self, key: &SecretKey) -> Result<Bytes, UserError> {
        let address = key.address();
        let Some((_, slot)) = self.signers.iter_mut().find(|(known, _)| *known == address) else {
            return Err(UserError::refused(
                format!("{address} locks nothing in deal {}", self.id),
                "use --as with the name of a depositor: only they can cancel",
            ));
        };
        let signature = EcdsaSigner::new(key).sign(DealCancel::digest(self.hub, self.id)).await;
        let signature = Bytes::from(signature.map_err(|error| UserError::Keystore(error.to_string()))?.to_vec());
        *slot = Some(signature.clone());
        Ok(signature)
    }

    /// Adds the signature of another depositor, who is found by it.
    fn add(&mut self, signature: &Bytes) -> Result<(), UserError> {
        let (hub, id) = (self.hub, self.id);
        let is_by = |signer: Address| DealCancel::verify_evm(hub, id, signer, signature).is_ok();
        let Some((signer, slot)) = self.signers.iter_mut().find(|(signer, _)| is_by(*signer)) else {
            return Err(UserError::refused(
                format!("{signature} is no depositor's signature on the cancel of deal {id}"),
                "pass what `relayer swap cancel` printed for each of the other depositors of this very deal",
            ));
        };
        if slot.is_some() {
            return Err(UserError::refused(
                format!("the signature of {signer} is there twice"),
                "pass one --signature for each other depositor; your own is made here",
            ));
        }
        *slot = Some(signature.clone());
        Ok(())
    }

    fn signatures(&self) -> Vec<Bytes> {
        self.signers.iter().filter_map(|(_, signature)| signature.clone()).collect()
    }

    /// One signature for each leg in order, as the hub takes them; `None` while a depositor is missing.
    fn complete(&self, deal: &Deal) -> Option<DealCancel> {
        let of = |depositor: Account| {
            let address = depositor.to_evm().ok()?;
            self.signers.iter().find(|(signer, _)| *signer == address)?.1.clone()
        };
        let signatures = deal.legs.iter().map(|leg| of(leg.depositor)).collect::<Option<Vec<Bytes>>>()?;
        Some(DealCancel { deal: self.id, signatures })
    }
}

fn missing(network: &Network, deal: &Deal, collected: &Collected) -> Vec<Missing> {
    let open = collected.signers.iter().filter(|(_, signature)| signature.is_none());
    let describe = |(address, _): &(Address, Option<Bytes>)| {
        let account = Account::from(*address);
        let leg = deal.legs.iter().find(|leg| leg.depositor == account)?;
        let shown = network.show_account(account, leg.chain);
        let in_its_notation = |chain: &Chain| chain.reader().show_account(account);
        let plain = network.chain(leg.chain).map_or_else(|_| account.to_string(), in_its_notation);
        let name = Some(shown).filter(|shown| *shown != plain);
        Some(Missing { account: plain, name })
    };
    open.filter_map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::FailureKind;
    use infrastrukt_api::{LegState, LegView};
    use infrastrukt_types::{Amount, B256, ChainId, Leg, LockKey, Timestamp};

    const HUB: HubId = HubId(B256::repeat_byte(9));

    fn deal(depositors: &[&SecretKey]) -> Deal {
        let leg = |(chain, key): (u64, &&SecretKey)| Leg {
            chain: ChainId(chain),
            escrow: Account::ZERO,
            token: Account::ZERO,
            amount: Amount(5),
            depositor: key.address().into(),
            on_commit: Account::ZERO,
            on_abort: key.address().into(),
            escape_at: Timestamp(9),
            escape_window: 9,
            tip: Amount::ZERO,
        };
        let [lock_by, decide_by, sign_by] = [1, 2, 3].map(Timestamp);
        let legs = (1u64..).zip(depositors).map(leg).collect();
        Deal { nonce: B256::repeat_byte(7), lock_by, decide_by, sign_by, legs }
    }

    async fn signature(hub: HubId, deal: &Deal, key: &SecretKey) -> Bytes {
        let mut collected = Collected::new(hub, deal.id(hub), deal).expect("EVM accounts");
        collected.sign(key).await.expect("a depositor")
    }

    fn refused(result: Result<(), UserError>, words: &str) {
        let error = result.expect_err("refused");
        assert_eq!(error.kind(), FailureKind::Refused);
        assert!(error.to_string().contains(words), "{error}");
    }

    #[tokio::test]
    async fn one_signature_for_each_leg_in_order_once_every_depositor_signed() {
        let [alice, bob, carol] = [(); 3].map(|()| SecretKey::random());
        // Bob locks two legs and signs once.
        let deal = deal(&[&bob, &alice, &bob, &carol]);
        let id = deal.id(HUB);
        let mut collected = Collected::new(HUB, id, &deal).expect("EVM accounts");
        let own = collected.sign(&carol).await.expect("a depositor");
        assert!(collected.complete(&deal).is_none());
        let (from_alice, from_bob) = (signature(HUB, &deal, &alice).await, signature(HUB, &deal, &bob).await);
        collected.add(&from_alice).expect("a depositor's");
        assert_eq!(collected.signatures().len(), 2);
        assert!(collected.complete(&deal).is_none(), "bob has not signed");
        collected.add(&from_bob).expect("a depositor's");
        let cancel = collected.complete(&deal).expect("everybody signed");
        assert_eq!(cancel.signatures, [from_bob.clone(), from_alice, from_bob, own]);
        for (leg, signature) in deal.legs.iter().zip(&cancel.signatures) {
            let depositor = leg.depositor.to_evm().expect("an EVM account");
            assert_eq!(DealCancel::verify_evm(HUB, id, depositor, signature), Ok(()));
        }
    }

    #[tokio::test]
    async fn duplicates_and_strangers_are_refused() {
        let [alice, bob, mallory] = [(); 3].map(|()| SecretKey::random());
        let deal = deal(&[&alice, &bob]);
        let mut collected = Collected::new(HUB, deal.id(HUB), &deal).expect("EVM accounts");
        let own = collected.sign(&alice).await.expect("a depositor");
        refused(collected.add(&own), "twice");
        refused(collected.sign(&mallory).await.map(drop), "locks nothing");
        let other_hub = signature(HubId(B256::repeat_byte(8)), &deal, &bob).await;
        refused(collected.add(&other_hub), "no depositor's signature");
        refused(collected.add(&Bytes::from(vec![1; 64])), "no depositor's signature");
        let from_bob = signature(HUB, &deal, &bob).await;
        collected.add(&from_bob).expect("a depositor's");
        refused(collected.add(&from_bob), "twice");
    }

    fn view(state: DealState, decision: Option<Decision>) -> DealView {
        let deal = deal(&[]);
        DealView {
            id: deal.id(HUB),
            state,
            decision,
            deal,
            legs: vec![LegView { lock_key: LockKey::default(), state: LegState::Waiting }],
            registered_at: Timestamp(1),
            decided_at: None,
            checkpoint: None,
            fault: None,
        }
    }

    #[test]
    fn a_decided_deal_cannot_be_cancelled() {
        for state in [DealState::Open, DealState::Locking] {
            assert!(require_undecided(&view(state, None)).is_ok());
        }
        refused(require_undecided(&view(DealState::Decided, Some(Decision::Commit))), "COMMIT");
        refused(require_undecided(&view(DealState::Decided, Some(Decision::Abort))), "aborted");
        refused(require_undecided(&view(DealState::Stalled, Some(Decision::Commit))), "COMMIT");
        refused(require_undecided(&view(DealState::Fault, None)), "past its decision");
    }
}
