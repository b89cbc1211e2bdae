//! When a validator signs a checkpoint. The same rule at every honest validator, also after a restart.

use infrastrukt_types::{DealId, Decision, Epoch, Leaf, Timestamp};

use super::record::CheckpointRecord;
use crate::{
    deal::{DealRecord, LeafState, Rules},
    valset::EpochRecord,
};

/// Why a checkpoint is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignRefusal {
    /// Its leaves are issued elsewhere, or wait for that.
    #[error("the checkpoint's leaves were taken back, to be issued at a later height")]
    Superseded,
    /// Another set signs now.
    #[error("the checkpoint is of epoch {checkpoint}, the current one is {current}")]
    Epoch {
        /// The checkpoint's.
        checkpoint: Epoch,
        /// The current one.
        current: Epoch,
    },
    /// The set has lost all power.
    #[error("epoch {epoch} expired at {expires_at}, before block time {now}: rotate through the timelocked recovery")]
    EpochExpired {
        /// The epoch.
        epoch: Epoch,
        /// Its end.
        expires_at: Timestamp,
        /// Block time.
        now: Timestamp,
    },
    /// A leaf speaks of a deal that was not given.
    #[error("the leaf speaks of deal {0}, which is unknown")]
    UnknownDeal(DealId),
    /// Never: the decision is another one.
    #[error("deal {deal} is decided {decided:?}, the leaf says {leaf:?}")]
    OtherDecision {
        /// The deal.
        deal: DealId,
        /// In its record.
        decided: Option<Decision>,
        /// In the leaf.
        leaf: Decision,
    },
    /// The limit has passed.
    #[error("deal {deal} could be committed until {limit}, block time is {now}")]
    TooLate {
        /// The deal.
        deal: DealId,
        /// Last second for a signature.
        limit: Timestamp,
        /// Block time.
        now: Timestamp,
    },
    /// The deal is at fault or a leg of it escaped.
    #[error("deal {0} is at fault or has escaped: a COMMIT would pay one side only")]
    Unsound(DealId),
}

/// Checks that a share on this checkpoint may leave the process at block time `now`, the time of the last block that
/// was executed and stored.
///
/// S1 rests on the limit: a COMMIT share released after `sign_by + H` could complete a certificate when an escape
/// already runs. It assumes that 2f + 1 honest validators are this strict, and that their shares are public by then.
/// A COMMIT whose certificate is already in the log is signed under a new epoch without limit: it says nothing new.
pub fn may_sign(
    record: &CheckpointRecord,
    deals: &[DealRecord],
    current: &EpochRecord,
    now: Timestamp,
    rules: &Rules,
) -> Result<(), SignRefusal> {
    if record.superseded {
        return Err(SignRefusal::Superseded);
    }
    if record.checkpoint.epoch != current.epoch {
        return Err(SignRefusal::Epoch { checkpoint: record.checkpoint.epoch, current: current.epoch });
    }
    if now > current.expires_at {
        return Err(SignRefusal::EpochExpired { epoch: current.epoch, expires_at: current.expires_at, now });
    }
    for leaf in &record.leaves {
        match leaf {
            Leaf::Decision(id, decision) => check_decision(*id, *decision, deals, now, rules)?,
            Leaf::Message(_) | Leaf::Expired(_) | Leaf::Rotate { .. } => {}
        }
    }
    Ok(())
}

fn check_decision(
    id: DealId,
    leaf: Decision,
    deals: &[DealRecord],
    now: Timestamp,
    rules: &Rules,
) -> Result<(), SignRefusal> {
    let deal = deals.iter().find(|deal| deal.id == id).ok_or(SignRefusal::UnknownDeal(id))?;
    if deal.decision != Some(leaf) {
        return Err(SignRefusal::OtherDecision { deal: id, decided: deal.decision, leaf });
    }
    match leaf {
        Decision::Abort => Ok(()),
        Decision::Commit => check_commit(deal, now, rules),
    }
}

fn check_commit(deal: &DealRecord, now: Timestamp, rules: &Rules) -> Result<(), SignRefusal> {
    if !deal.is_sound() {
        return Err(SignRefusal::Unsound(deal.id));
    }
    if matches!(deal.leaf, LeafState::Certified(_)) {
        return Ok(());
    }
    let limit = deal.sign_limit(rules);
    let decided_late = deal.decided_at.is_none_or(|at| at > deal.deal.sign_by);
    if decided_late || now > limit {
        return Err(SignRefusal::TooLate { deal: deal.id, limit, now });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checkpoint::build,
        deal::LegState,
        testing::{RULES, committed, epoch_record},
    };
    use infrastrukt_types::{B256, Height, HubId};

    fn commit_checkpoint(deal: &DealRecord) -> CheckpointRecord {
        let leaf = Leaf::Decision(deal.id, Decision::Commit);
        build(HubId::default(), &epoch_record(1), Height(4), Timestamp(9), B256::ZERO, &[leaf]).remove(0)
    }

    #[test]
    fn a_commit_is_signed_until_its_limit() {
        let deal = committed();
        let record = commit_checkpoint(&deal);
        let limit = deal.sign_limit(&RULES);
        let sign =
            |deal: &DealRecord, now| may_sign(&record, std::slice::from_ref(deal), &epoch_record(1), now, &RULES);
        assert_eq!(sign(&deal, limit), Ok(()));
        let late = limit.plus(1);
        assert_eq!(sign(&deal, late), Err(SignRefusal::TooLate { deal: deal.id, limit, now: late }));

        let mut certified = deal.clone();
        certified.leaf = LeafState::Certified(Height(4));
        assert_eq!(sign(&certified, late), Ok(()), "a known certificate may be repeated without limit");

        let mut escaped = deal.clone();
        escaped.legs[0].state = LegState::Escaped;
        assert_eq!(sign(&escaped, limit), Err(SignRefusal::Unsound(deal.id)));

        let mut aborted = deal.clone();
        aborted.decision = Some(Decision::Abort);
        assert!(matches!(sign(&aborted, limit), Err(SignRefusal::OtherDecision { .. })));
        assert_eq!(may_sign(&record, &[], &epoch_record(1), limit, &RULES), Err(SignRefusal::UnknownDeal(deal.id)));
    }

    #[test]
    fn only_the_current_set_signs_what_stands() {
        let deal = committed();
        let deals = std::slice::from_ref(&deal);
        let mut record = commit_checkpoint(&deal);
        let now = deal.deal.sign_by;
        let refusal = may_sign(&record, deals, &epoch_record(2), now, &RULES).expect_err("refused");
        assert!(matches!(refusal, SignRefusal::Epoch { .. }));
        let mut expired = epoch_record(1);
        expired.expires_at = Timestamp(now.0 - 1);
        let refusal = may_sign(&record, deals, &expired, now, &RULES).expect_err("refused");
        assert!(matches!(refusal, SignRefusal::EpochExpired { .. }));
        record.superseded = true;
        assert_eq!(may_sign(&record, deals, &epoch_record(1), now, &RULES), Err(SignRefusal::Superseded));
    }
}
