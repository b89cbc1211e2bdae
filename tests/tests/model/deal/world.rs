//! A state: the hub's records, the escrows of two chains, and what the validators have shown to whom.

use infrastrukt_types::Decision;

use super::brief::Brief;
use crate::terms::Second;

pub(crate) const DECISIONS: [Decision; 2] = [Decision::Abort, Decision::Commit];

/// Heights at which a leaf is issued: first, again in the same epoch, and under the next one.
pub(crate) const HEIGHTS: [u8; 3] = [1, 2, 3];

/// The epochs of their checkpoints.
pub(crate) const EPOCHS: [u8; 2] = [1, 2];

/// The two chains; leg `i` of a deal is on chain `i`.
pub(crate) const CHAINS: [u8; 2] = [0, 1];

pub(crate) const fn epoch_of(height: u8) -> u8 {
    if height < 3 { 1 } else { 2 }
}

/// A lock as its escrow has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Escrow {
    Empty,
    Locked,
    /// Locked under other terms than the deal's.
    Other,
    Released,
    Refunded,
    Escaped,
}

/// A leg on its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Leg {
    pub(crate) escrow: Escrow,
    /// Hub time of its lock, while it is locked.
    pub(crate) locked_at: Option<Second>,
    /// Chain time of the request to escape, while it is locked.
    pub(crate) requested_at: Option<Second>,
    /// A payout reverted, and the escrow keeps it for its owner.
    pub(crate) credit: bool,
}

/// A deal: in the hub, on the chains, and on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Part {
    pub(crate) hub: Brief,
    /// What a crash leaves of it.
    pub(crate) durable: Brief,
    /// The first decision that was durable.
    pub(crate) first: Option<Decision>,
    pub(crate) legs: [Leg; 2],
    /// Honest shares: for each height, on ABORT and on COMMIT.
    pub(crate) shares: [[u8; 2]; 3],
    /// For each height, honest validators that remember having signed.
    pub(crate) remembered: [u8; 3],
    /// For each epoch and decision, hub time since which anyone can have a certificate.
    pub(crate) public_at: [[Option<Second>; 2]; 2],
}

/// Everything that can differ between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct World {
    /// Hub time, by which everything else is measured.
    pub(crate) now: Second,
    /// What to add to hub time for the time of each chain.
    pub(crate) skew: [Second; 2],
    pub(crate) alive: bool,
    /// The hub's current epoch.
    pub(crate) epoch: u8,
    /// Hub time of the last block, where a mutant reads it.
    pub(crate) tip: Second,
    pub(crate) halted: [bool; 2],
    /// Chain time at which each verifier retired the first epoch.
    pub(crate) retired_at: [Option<Second>; 2],
    /// What each escrow holds, in legs.
    pub(crate) balance: [Second; 2],
    pub(crate) parts: [Part; 2],
}

impl Part {
    pub(crate) fn new(open: Brief) -> Self {
        let leg = Leg { escrow: Escrow::Empty, locked_at: None, requested_at: None, credit: false };
        Self {
            hub: open,
            durable: open,
            first: None,
            legs: [leg; 2],
            shares: [[0; 2]; 3],
            remembered: [0; 3],
            public_at: [[None; 2]; 2],
        }
    }

    pub(crate) fn escrows(&self) -> [Escrow; 2] {
        self.legs.map(|leg| leg.escrow)
    }

    /// Hub time since which anyone can have a certificate that `epoch` made.
    pub(crate) fn public_since(&self, epoch: u8, decision: Decision) -> Option<Second> {
        self.public_at[usize::from(epoch) - 1][usize::from(decision.bit())]
    }

    pub(crate) fn publish(&mut self, epoch: u8, decision: Decision, now: Second) {
        self.public_at[usize::from(epoch) - 1][usize::from(decision.bit())].get_or_insert(now);
    }

    pub(crate) fn shares_on(&self, height: u8, decision: Decision) -> u8 {
        self.shares[usize::from(height) - 1][usize::from(decision.bit())]
    }

    pub(crate) fn sync(&mut self) {
        self.durable = self.hub;
        self.first = self.first.or(self.durable.decision);
    }
}

impl World {
    pub(crate) fn chain_time(&self, chain: u8) -> Second {
        self.now + self.skew[usize::from(chain)]
    }

    pub(crate) fn part(&self, deal: u8) -> &Part {
        &self.parts[usize::from(deal)]
    }

    pub(crate) fn part_mut(&mut self, deal: u8) -> &mut Part {
        &mut self.parts[usize::from(deal)]
    }

    pub(crate) fn leg(&self, deal: u8, leg: u8) -> &Leg {
        &self.parts[usize::from(deal)].legs[usize::from(leg)]
    }

    pub(crate) fn leg_mut(&mut self, deal: u8, leg: u8) -> &mut Leg {
        &mut self.parts[usize::from(deal)].legs[usize::from(leg)]
    }

    pub(crate) fn is_halted(&self, chain: u8) -> bool {
        self.halted[usize::from(chain)]
    }
}
