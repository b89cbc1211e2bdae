//! Calling a deal off before it is decided: every depositor signs, whoever has all signatures hands them in.
//!
//! Signatures name the deal and nothing else, so that they may be passed on in the open. Nothing is refunded here: a leg
//! that is locked already comes back by the ABORT certificate that follows.

use infrastrukt_api::{DealState, DealView, HubApiClient as _};
use infrastrukt_registry::{Keys, Kind, show_account};
use infrastrukt_types::{Account, Bytes, ChainId, Deal, DealCancel, DealId, Decision, HubId};

use super::{
    super::{Network, UserError},
    accept::unknown_deal,
};

/// How far a cancel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Every depositor signed, and the hub aborted the deal.
    Done,
    /// Others have to sign as well.
    Signed {
        /// The signatures made here: one for each account of the key's name that locks a leg.
        own: Vec<Bytes>,
        /// All signatures there are, those made here included.
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
    /// In the order of their first legs.
    depositors: Vec<Depositor>,
    /// Place of each leg's depositor among them.
    of_leg: Vec<usize>,
}

/// An account that locks one or more legs, all of them on chains of one kind.
#[derive(Debug)]
struct Depositor {
    kind: Kind,
    account: Account,
    /// Chain of its first leg.
    chain: ChainId,
    signature: Option<Bytes>,
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

/// Signs as every depositor whose key is there. With the signatures of all others the hub is asked to abort the deal.
pub async fn cancel(
    network: &Network,
    id: DealId,
    deal: &Deal,
    keys: &Keys,
    given: &[Bytes],
) -> Result<Cancelled, UserError> {
    let kind_of = |chain| network.chain(chain).map(|chain| chain.kind());
    let mut collected = Collected::new(network.config.hub.id, id, deal, kind_of)?;
    let own = collected.sign(keys).await?;
    given.iter().try_for_each(|signature| collected.add(signature))?;
    let Some(cancel) = collected.complete() else {
        let missing = missing(network, &collected);
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
    fn new(
        hub: HubId,
        id: DealId,
        deal: &Deal,
        kind_of: impl Fn(ChainId) -> Result<Kind, UserError>,
    ) -> Result<Self, UserError> {
        let (mut depositors, mut of_leg) = (Vec::<Depositor>::new(), Vec::with_capacity(deal.legs.len()));
        for leg in &deal.legs {
            let (kind, account) = (kind_of(leg.chain)?, leg.depositor);
            let known = depositors.iter().position(|known| (known.kind, known.account) == (kind, account));
            of_leg.push(known.unwrap_or(depositors.len()));
            if known.is_none() {
                depositors.push(Depositor { kind, account, chain: leg.chain, signature: None });
            }
        }
        Ok(Self { hub, id, depositors, of_leg })
    }

    async fn sign(&mut self, keys: &Keys) -> Result<Vec<Bytes>, UserError> {
        let digest = DealCancel::digest(self.hub, self.id);
        let mut own = Vec::new();
        for depositor in &mut self.depositors {
            // Without a key for chains of this kind the name is no depositor there.
            if keys.account(depositor.kind).ok() != Some(depositor.account) {
                continue;
            }
            let signature = keys.sign(depositor.kind, digest).await;
            let signature = signature.map_err(|error| UserError::Keystore(error.to_string()))?;
            depositor.signature = Some(signature.clone());
            own.push(signature);
        }
        if own.is_empty() {
            return Err(UserError::refused(
                format!("{} locks nothing in deal {}", keys.name(), self.id),
                "use --as with the name of a depositor: only they can cancel",
            ));
        }
        Ok(own)
    }

    /// Adds the signature of another depositor, who is found by it.
    fn add(&mut self, signature: &Bytes) -> Result<(), UserError> {
        let (hub, id) = (self.hub, self.id);
        let is_by = |one: &Depositor| DealCancel::is_signed(hub, id, one.kind.curve(), one.account, signature);
        let Some(depositor) = self.depositors.iter_mut().find(|one| is_by(one)) else {
            return Err(UserError::refused(
                format!("{signature} is no depositor's signature on the cancel of deal {id}"),
                "pass what `relayer swap cancel` printed for each of the other depositors of this very deal",
            ));
        };
        if depositor.signature.is_some() {
            return Err(UserError::refused(
                format!("the signature of {} is there twice", show_account(depositor.kind, depositor.account)),
                "pass one --signature for each other depositor; your own is made here",
            ));
        }
        depositor.signature = Some(signature.clone());
        Ok(())
    }

    fn signatures(&self) -> Vec<Bytes> {
        self.depositors.iter().filter_map(|depositor| depositor.signature.clone()).collect()
    }

    /// One signature for each leg in order, as the hub takes them; `None` while a depositor is missing.
    fn complete(&self) -> Option<DealCancel> {
        let of = |place: &usize| self.depositors.get(*place)?.signature.clone();
        let signatures = self.of_leg.iter().map(of).collect::<Option<Vec<Bytes>>>()?;
        Some(DealCancel { deal: self.id, signatures })
    }
}

fn missing(network: &Network, collected: &Collected) -> Vec<Missing> {
    let open = collected.depositors.iter().filter(|depositor| depositor.signature.is_none());
    let describe = |depositor: &Depositor| {
        let plain = show_account(depositor.kind, depositor.account);
        let shown = network.show_account(depositor.account, depositor.chain);
        Missing { name: Some(shown).filter(|shown| *shown != plain), account: plain }
    };
    open.map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::FailureKind;
    use infrastrukt_api::{LegState, LegView};
    use infrastrukt_registry::SecretKey;
    use infrastrukt_types::{Amount, B256, Leg, LockKey, Timestamp};

    const HUB: HubId = HubId(B256::repeat_byte(9));

    fn keys(name: &str) -> Keys {
        Keys::of_evm(name, SecretKey::random())
    }

    fn account(keys: &Keys) -> Account {
        keys.account(Kind::Evm).expect("is there")
    }

    fn collected(hub: HubId, deal: &Deal) -> Collected {
        Collected::new(hub, deal.id(hub), deal, |_| Ok(Kind::Evm)).expect("known chains")
    }

    fn deal(depositors: &[&Keys]) -> Deal {
        let leg = |(chain, keys): (u64, &&Keys)| Leg {
            chain: ChainId(chain),
            escrow: Account::ZERO,
            token: Account::ZERO,
            amount: Amount(5),
            depositor: account(keys),
            on_commit: Account::ZERO,
            on_abort: account(keys),
            escape_at: Timestamp(9),
            escape_window: 9,
            tip: Amount::ZERO,
        };
        let [lock_by, decide_by, sign_by] = [1, 2, 3].map(Timestamp);
        let legs = (1u64..).zip(depositors).map(leg).collect();
        Deal { nonce: B256::repeat_byte(7), lock_by, decide_by, sign_by, legs }
    }

    async fn signature(hub: HubId, deal: &Deal, keys: &Keys) -> Bytes {
        collected(hub, deal).sign(keys).await.expect("a depositor").remove(0)
    }

    fn refused(result: Result<(), UserError>, words: &str) {
        let error = result.expect_err("refused");
        assert_eq!(error.kind(), FailureKind::Refused);
        assert!(error.to_string().contains(words), "{error}");
    }

    #[tokio::test]
    async fn one_signature_for_each_leg_in_order_once_every_depositor_signed() {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(keys);
        // Bob locks two legs and signs once.
        let deal = deal(&[&bob, &alice, &bob, &carol]);
        let id = deal.id(HUB);
        let mut collected = collected(HUB, &deal);
        let own = collected.sign(&carol).await.expect("a depositor").remove(0);
        assert!(collected.complete().is_none());
        let (from_alice, from_bob) = (signature(HUB, &deal, &alice).await, signature(HUB, &deal, &bob).await);
        collected.add(&from_alice).expect("a depositor's");
        assert_eq!(collected.signatures().len(), 2);
        assert!(collected.complete().is_none(), "bob has not signed");
        collected.add(&from_bob).expect("a depositor's");
        let cancel = collected.complete().expect("everybody signed");
        assert_eq!(cancel.signatures, [from_bob.clone(), from_alice, from_bob, own]);
        for (leg, signature) in deal.legs.iter().zip(&cancel.signatures) {
            assert!(DealCancel::is_signed(HUB, id, Kind::Evm.curve(), leg.depositor, signature));
        }
    }

    #[tokio::test]
    async fn duplicates_and_strangers_are_refused() {
        let [alice, bob, mallory] = ["alice", "bob", "mallory"].map(keys);
        let deal = deal(&[&alice, &bob]);
        let mut collected = collected(HUB, &deal);
        let own = collected.sign(&alice).await.expect("a depositor").remove(0);
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
