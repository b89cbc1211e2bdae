//! What may go wrong in a search, and the guards that a mutant can lack.

use crate::terms::{APART, Committee, Second};

/// How bad the world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// Everything: locks reorganised away or never proven, a lazy, crashing or dying hub, certificates kept secret.
    Hostile,
    /// Nothing but what parties choose: to lock or not, to cancel, when to settle.
    Live,
    /// A hub that may die for ever at any time, on chains that work.
    Dying,
}

/// What else may happen. Each multiplies the states, so that a search has those it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extras {
    /// Chains stop: nothing is included, and nothing becomes final.
    pub(crate) halts: bool,
    /// Payouts revert and become credits.
    pub(crate) bounces: bool,
    /// A party locks under other terms than those of the deal.
    pub(crate) other_terms: bool,
    /// Between these moments another set may take over; each chain hears of it whenever it does.
    pub(crate) rotation: Option<[Second; 2]>,
    /// A checkpoint that stays uncertified is superseded and its leaf issued again.
    pub(crate) reissue: bool,
}

/// A guard that a mutant lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Not a guard but S1's assumption: honest shares on a COMMIT are public by the limit.
    PublicShares,
    /// Not a guard but S1's assumption: what is public is included within C, a halt is no longer than that.
    Inclusion,
    /// No COMMIT share after `sign_by + H`.
    SignBy,
    /// The time of a signature is the later of log and clock: a hub that comes back does not trust its old tip.
    Clock,
    /// No abort once every leg is proven.
    NoAbortAfterAllLocked,
    /// What the log has decided once, the passing of a deadline does not decide again.
    WriteOnce,
    /// A stalled COMMIT is never turned into an ABORT.
    StalledNeverAborts,
    /// An ABORT is issued only once a lock is proven.
    AbortNeedsLock,
    /// No escape before a certificate can be delivered.
    DeliveryBound,
    /// Nothing is signed that a crash could forget, and nothing twice.
    WriteAhead,
    /// No lock is attested before it is final.
    Finality,
    /// A fact needs more than two thirds of the weight.
    FactQuorum,
    /// A certificate needs more than two thirds of the weight.
    CertificateQuorum,
    /// A lock counts only under the terms of the deal.
    LockKey,
    /// A lock is paid out once.
    TerminalState,
    /// Decisions of a retired epoch are accepted for longer than a deal lasts.
    Grace,
    /// A deal is refused where its epoch could expire before every leg is settled.
    EpochOutlivesDeal,
    /// A leaf that is issued again is superseded where it stood.
    Supersede,
}

/// One search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) bounds: Bounds,
    pub(crate) extras: Extras,
    /// Each is one initial state.
    pub(crate) skews: &'static [[Second; 2]],
    /// One or two, over the same chains and the same hub.
    pub(crate) deals: u8,
    pub(crate) committee: Committee,
    pub(crate) missing: Option<Guard>,
}

/// A set may take over whenever it likes.
pub(crate) const ANY_TIME: Option<[Second; 2]> = Some([0, Second::MAX]);

impl Extras {
    pub(crate) const NONE: Self =
        Self { halts: false, bounces: false, other_terms: false, rotation: None, reissue: false };
}

impl Setup {
    /// One deal, four validators, the clocks as far apart as they may be.
    pub(crate) const HOSTILE: Self = Self {
        bounds: Bounds::Hostile,
        extras: Extras::NONE,
        skews: &[APART],
        deals: 1,
        committee: Committee::FOUR,
        missing: None,
    };

    /// The smallest world in which the lack of `guard` can do harm.
    pub(crate) const fn about(guard: Guard) -> Self {
        let extras = match guard {
            Guard::LockKey => Extras { other_terms: true, ..Extras::NONE },
            Guard::Grace => Extras { rotation: Some([1, 1]), ..Extras::NONE },
            Guard::Supersede => Extras { reissue: true, ..Extras::NONE },
            Guard::PublicShares
            | Guard::Inclusion
            | Guard::SignBy
            | Guard::Clock
            | Guard::NoAbortAfterAllLocked
            | Guard::WriteOnce
            | Guard::StalledNeverAborts
            | Guard::AbortNeedsLock
            | Guard::DeliveryBound
            | Guard::WriteAhead
            | Guard::Finality
            | Guard::FactQuorum
            | Guard::CertificateQuorum
            | Guard::TerminalState
            | Guard::EpochOutlivesDeal => Extras::NONE,
        };
        Self { extras, ..Self::HOSTILE }
    }
}
