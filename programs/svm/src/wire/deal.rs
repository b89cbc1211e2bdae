//! Legs, deals and the keys of locks.

use super::{Word, keccak};

/// One lock on one chain inside a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Its chain.
    pub chain: u64,
    /// Its escrow.
    pub escrow: Word,
    /// Its token; zero is the native coin.
    pub token: Word,
    /// Smallest units that are locked, tip included.
    pub amount: u128,
    /// Who locks.
    pub depositor: Word,
    /// Who is paid when the deal commits.
    pub on_commit: Word,
    /// Who is paid when it aborts.
    pub on_abort: Word,
    /// When an escape may first be asked for, in seconds.
    pub escape_at: u64,
    /// Seconds from asking to executing.
    pub escape_window: u64,
    /// What the settler gets out of the amount.
    pub tip: u128,
}

/// A leg at its place in a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegRef {
    /// Its place among the deal's legs.
    pub index: u8,
    /// Last second at which it may be locked.
    pub lock_by: u64,
    /// The leg.
    pub leg: Leg,
}

impl Leg {
    /// The 216 bytes that are hashed.
    pub fn packed(&self) -> Vec<u8> {
        [
            &self.chain.to_be_bytes()[..],
            &self.escrow,
            &self.token,
            &self.amount.to_be_bytes(),
            &self.depositor,
            &self.on_commit,
            &self.on_abort,
            &self.escape_at.to_be_bytes(),
            &self.escape_window.to_be_bytes(),
            &self.tip.to_be_bytes(),
        ]
        .concat()
    }
}

impl LegRef {
    /// Hash of the leg and of its time to lock.
    pub fn hash(&self) -> Word {
        keccak(&[b"INFRASTRUKT/LEG/v1", &self.leg.packed(), &self.lock_by.to_be_bytes()])
    }

    /// Names the lock; nobody else's leg can have the same.
    pub fn lock_key(&self, deal: &Word) -> Word {
        keccak(&[b"INFRASTRUKT/LOCK/v1", deal, &[self.index], &self.hash()])
    }
}

/// The id of a deal over the hashes of its legs.
pub fn deal_id(hub_id: &Word, nonce: &Word, times: [u64; 3], legs: &[Word]) -> Word {
    let [lock_by, decide_by, sign_by] = times.map(u64::to_be_bytes);
    let count = u8::try_from(legs.len()).expect("a deal has at most eight legs");
    keccak(&[b"INFRASTRUKT/DEAL/v1", hub_id, nonce, &lock_by, &decide_by, &sign_by, &[count], &legs.concat()])
}
