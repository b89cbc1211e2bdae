//! What an offer of evidence is answered with, from what became of it at every validator.

use infrastrukt_api::EvidenceOutcome;
use infrastrukt_protocol::{ChainRecord, Genesis};
use infrastrukt_types::{Address, Evidence, ValidatorSet, codec, keccak256};
use std::sync::Arc;

use crate::{
    quota::Caller,
    validator::{OfferOutcome, Offered},
};

/// Largest evidence in its stored encoding; what one call can carry is bounded by the size of a request as well.
pub(crate) const EVIDENCE_BYTES_MAX: usize = 8 << 20;
/// Most receipts of one item.
pub(crate) const RECEIPTS_MAX: usize = 2_048;

/// Milliseconds to wait where the queues are full.
const FULL_RETRY_MS: u64 = 500;
/// Milliseconds to wait where validators gave the chain up: a person has to look first.
const HALTED_RETRY_MS: u64 = 30_000;

/// Checks what can be checked without any verifier, and prepares the rest.
pub(super) fn prepare(evidence: Evidence, genesis: &Genesis, caller: Caller) -> Result<Offered, String> {
    let chain = evidence.chain();
    if genesis.chain(chain).is_none() {
        let known: Vec<String> = genesis.chains.iter().map(|record: &ChainRecord| record.name.to_string()).collect();
        return Err(format!("chain {chain} is not registered: this hub knows {}", known.join(", ")));
    }
    match &evidence {
        Evidence::Receipts(receipts) => {
            let count = receipts.receipts.len();
            if count == 0 || count > RECEIPTS_MAX {
                return Err(format!("{count} receipts given: evidence has 1 to {RECEIPTS_MAX}"));
            }
        }
    }
    let encoded = codec::encode(&evidence);
    if encoded.len() > EVIDENCE_BYTES_MAX {
        return Err(format!("{} bytes are more than {EVIDENCE_BYTES_MAX}: split the block's receipts", encoded.len()));
    }
    Ok(Offered { digest: keccak256(&encoded), bytes: encoded.len(), evidence: Arc::new(evidence), caller })
}

/// An offer is taken while those who did not turn it down can still be a quorum; validators elsewhere may take it too.
/// What is wrong for ever weighs more than what passes.
pub(super) fn sum_up(set: &ValidatorSet, answers: &[(Address, OfferOutcome)]) -> EvidenceOutcome {
    let mut willing = set.total();
    let weight = |address: &Address| set.find(*address).map_or(0, |member| u128::from(member.weight));
    for verdict in [rejected, halted, passing] {
        for (address, answer) in answers {
            let Some(outcome) = verdict(answer) else { continue };
            willing -= weight(address);
            if !set.is_quorum(willing) {
                return outcome;
            }
        }
    }
    EvidenceOutcome::Accepted
}

fn rejected(answer: &OfferOutcome) -> Option<EvidenceOutcome> {
    match answer {
        OfferOutcome::Rejected(reason) => Some(EvidenceOutcome::Rejected { reason: reason.clone() }),
        OfferOutcome::Taken | OfferOutcome::Halted(_) | OfferOutcome::Later { .. } | OfferOutcome::Full => None,
    }
}

fn halted(answer: &OfferOutcome) -> Option<EvidenceOutcome> {
    match answer {
        OfferOutcome::Halted(reason) => {
            let reason = format!("validators gave the chain up, an operator has to look: {reason}");
            Some(EvidenceOutcome::Retry { after_ms: HALTED_RETRY_MS, reason })
        }
        OfferOutcome::Taken | OfferOutcome::Rejected(_) | OfferOutcome::Later { .. } | OfferOutcome::Full => None,
    }
}

fn passing(answer: &OfferOutcome) -> Option<EvidenceOutcome> {
    match answer {
        OfferOutcome::Later { after_ms, reason } => {
            Some(EvidenceOutcome::Retry { after_ms: *after_ms, reason: reason.clone() })
        }
        OfferOutcome::Full => {
            let reason = "the evidence queue, or your part of it, is full".into();
            Some(EvidenceOutcome::Retry { after_ms: FULL_RETRY_MS, reason })
        }
        OfferOutcome::Taken | OfferOutcome::Rejected(_) | OfferOutcome::Halted(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::Validator;

    fn address(byte: u8) -> Address {
        Address::repeat_byte(byte)
    }

    fn check(answers: [OfferOutcome; 4], expected: &str) {
        let members = (1..=4).map(|byte| Validator { address: address(byte), weight: 1 }).collect();
        let set = ValidatorSet::new(members).unwrap();
        let answers: Vec<_> = (1..=4).map(address).zip(answers).collect();
        let outcome = match sum_up(&set, &answers) {
            EvidenceOutcome::Accepted => "accepted",
            EvidenceOutcome::Rejected { .. } => "rejected",
            EvidenceOutcome::Retry { .. } => "retry",
        };
        assert_eq!(outcome, expected, "{answers:?}");
    }

    #[test]
    fn one_validator_cannot_turn_evidence_down() {
        use OfferOutcome::{Full, Halted, Later, Rejected, Taken};
        let rejected = || Rejected("wrong".into());
        let halted = || Halted("fork".into());
        check([Taken, Taken, Taken, Taken], "accepted");
        check([rejected(), Taken, Taken, Taken], "accepted");
        check([rejected(), rejected(), Taken, Taken], "rejected");
        check([halted(), Taken, Taken, Taken], "accepted");
        check([halted(), halted(), Taken, Taken], "retry");
        check([halted(), rejected(), Taken, Taken], "retry");
        check([Full, Full, Taken, Taken], "retry");
        check([Full, Taken, Taken, Taken], "accepted");
        let later = || Later { after_ms: 500, reason: "not final".into() };
        check([later(), Taken, Taken, Taken], "accepted");
        check([later(), Full, Taken, Taken], "retry");
        check([later(), later(), Taken, Taken], "retry");
        check([later(), later(), rejected(), rejected()], "rejected");
    }
}
