//! Each mutant lacks one guard and must be caught. Its counterexample is kept in `traces/`.

use crate::{
    deal::{AS_AGREED, ATOMIC, COVERED, DealModel, Guard, LOCK_FIRST, ONE_CERTIFICATE, ONE_CHECKPOINT, ONE_DECISION},
    message::{ENDS, FROM_SOURCE, MessageGuard, MessageModel, NO_CONTRADICTION, ONCE, ONE_END, ONE_REFUND},
    search::must_be_caught,
};

/// A test for each mutant: the name of test and trace, the guard it lacks, the property that must break.
macro_rules! deals {
    ($($name:ident: $guard:ident breaks $property:ident;)*) => {$(
        #[test]
        fn $name() {
            let mutant = || DealModel::without(Guard::$guard);
            must_be_caught(stringify!($name), $property, mutant, &DealModel::sound(Guard::$guard));
        }
    )*};
}

macro_rules! messages {
    ($($name:ident: $guard:ident breaks $property:ident;)*) => {$(
        #[test]
        fn $name() {
            let mutant = || MessageModel::without(MessageGuard::$guard);
            must_be_caught(stringify!($name), $property, mutant, &MessageModel::sound(MessageGuard::$guard));
        }
    )*};
}

deals! {
    deal_shares_withheld: PublicShares breaks ATOMIC;
    deal_censored_beyond_bound: Inclusion breaks ATOMIC;
    deal_no_sign_by: SignBy breaks ATOMIC;
    deal_trusts_old_tip: Clock breaks ATOMIC;
    deal_early_escape: DeliveryBound breaks ATOMIC;
    deal_attested_before_final: Finality breaks ATOMIC;
    deal_fact_below_quorum: FactQuorum breaks ATOMIC;
    deal_certificate_below_quorum: CertificateQuorum breaks ATOMIC;
    deal_short_grace: Grace breaks ATOMIC;
    deal_outlives_epoch: EpochOutlivesDeal breaks ATOMIC;
    deal_lock_of_other_terms: LockKey breaks AS_AGREED;
    deal_paid_twice: TerminalState breaks COVERED;
    deal_no_ledger_decision: WriteOnce breaks ONE_DECISION;
    deal_abort_after_all_locked: NoAbortAfterAllLocked breaks ONE_DECISION;
    deal_stalled_commit_aborted: StalledNeverAborts breaks ONE_DECISION;
    deal_volatile_vote: WriteAhead breaks ONE_CERTIFICATE;
    deal_abort_without_lock: AbortNeedsLock breaks LOCK_FIRST;
    deal_reissued_without_supersede: Supersede breaks ONE_CHECKPOINT;
}

messages! {
    message_sent_before_final: SourceFinality breaks FROM_SOURCE;
    message_certificate_below_quorum: CertificateQuorum breaks FROM_SOURCE;
    message_target_before_final: TargetFinality breaks NO_CONTRADICTION;
    message_no_replay_bit: ReplayBit breaks ONCE;
    message_expiry_without_bit: ExpiryBit breaks ONE_END;
    message_expiry_by_hub_time: ExpiryOnTarget breaks ONE_END;
    message_refunded_twice: RefundBit breaks ONE_REFUND;
    message_failure_keeps_bit: FailureClears breaks ENDS;
}
