//! Random calls that are worth making: most of them valid or wrong in one thing, at times where rules change.

use alloy::signers::SignerSync;
use infrastrukt_ports::LockStatus;
use infrastrukt_sim::{Settlement, lock_digest};
use infrastrukt_types::{
    Account, Amount, B256, Bytes, CheckpointKind, DealId, Decision, Epoch, Leaf, Leg, LegRef, LockKey, Timestamp,
};
use rand::{Rng, rngs::StdRng};

use crate::{
    notary::{Notary, SETS, SOUND_SETS},
    op::{Call, Op},
    reference::Reference,
    tamper::{self, payable, pick},
    world::{self, DAY_S, START, World},
};

/// Legs of a sequence, two of a deal each.
const LEGS: u8 = 6;
/// Expiries come from a grid, so that certificates of rotations come again.
const EXPIRY_STEP_S: u64 = 20 * DAY_S;
const EXPIRY_STEPS: u64 = 24;

/// What a sequence is about, and how late it is.
pub(crate) struct Generator<'a> {
    world: &'a World,
    legs: Vec<(DealId, LegRef)>,
    now: Timestamp,
}

fn one_in(rng: &mut StdRng, n: u32) -> bool {
    rng.random_ratio(1, n)
}

fn new_leg(world: &World, rng: &mut StdRng, index: u8) -> LegRef {
    let lock_by = START.plus(rng.random_range(1..6 * DAY_S));
    let payees = [world.person(0), world.person(1), world.person(2), world.refuser];
    let amount = rng.random_range(1..1_500u128);
    let leg = Leg {
        chain: world::CHAIN,
        escrow: world.escrow,
        token: pick(rng, &[Account::ZERO, world.token]),
        amount: Amount(amount),
        depositor: world.person(rng.random_range(0..3)),
        on_commit: pick(rng, &payees),
        on_abort: pick(rng, &payees),
        escape_at: lock_by.plus(rng.random_range(1..5 * DAY_S)),
        escape_window: world::WINDOW_MIN_S + rng.random_range(0..2 * DAY_S),
        tip: Amount(rng.random_range(0..amount)),
    };
    payable(world, LegRef { index, lock_by, leg })
}

impl<'a> Generator<'a> {
    pub(crate) fn new(world: &'a World, rng: &mut StdRng) -> Self {
        let legs = (0..LEGS).map(|index| {
            let deal = world.deals[usize::from(index) % world.deals.len()];
            (deal, new_leg(world, rng, index))
        });
        Self { world, legs: legs.collect(), now: START }
    }

    pub(crate) fn keys(&self) -> Vec<LockKey> {
        self.legs.iter().map(|(deal, leg)| leg.lock_key(*deal)).collect()
    }

    pub(crate) fn next(&mut self, rng: &mut StdRng, notary: &mut Notary, reference: &Reference) -> Op {
        self.pass_time(rng, reference);
        let (deal, mut leg) = self.legs[rng.random_range(0..self.legs.len())].clone();
        let depositor = leg.leg.depositor;
        if one_in(rng, 4) {
            leg = tamper::leg(rng, self.world, &leg);
        }
        let anyone = self.world.person(rng.random_range(0..6));
        let mostly = |rng: &mut StdRng, who: Account| if one_in(rng, 6) { anyone } else { who };
        let (caller, call) = match rng.random_range(0..100u8) {
            0..20 => (mostly(rng, depositor), Call::Lock { deal, value: value(rng, &leg), leg }),
            20..30 => self.compact(rng, deal, &leg, depositor),
            30..40 => (anyone, self.signed(rng, deal, leg, depositor)),
            40..45 => (mostly(rng, depositor), Call::CancelLock { deal, leg }),
            45..63 => (anyone, self.settle(rng, notary, reference)),
            63..72 => (anyone, Call::RequestEscape { deal, leg }),
            72..80 => (anyone, Call::ExecuteEscape { deal, leg }),
            80..84 => (anyone, self.withdraw(rng)),
            84..86 => {
                let paused = one_in(rng, 3);
                (mostly(rng, reference.escrow.guardian()), Call::SetLocksPaused(paused))
            }
            86..88 => {
                let next = pick(rng, &[anyone, self.world.guardian(), Account::ZERO]);
                (mostly(rng, reference.escrow.guardian()), Call::SetGuardian(next))
            }
            88..93 => (anyone, self.rotate(rng, notary, reference)),
            93..97 => (mostly(rng, self.world.owner()), self.recover(rng, notary, reference)),
            _ => (anyone, Call::Approve { amount: Amount(rng.random_range(0..2 * world::ALLOWANCE)) }),
        };
        Op { at: self.now, caller, call }
    }

    /// Stays, goes on a little, or jumps to where some rule changes.
    fn pass_time(&mut self, rng: &mut StdRng, reference: &Reference) {
        let now = self.now.0;
        let next = match rng.random_range(0..10u8) {
            0..4 => now,
            4..7 => now + rng.random_range(0..3_600),
            7 => now + rng.random_range(0..DAY_S),
            _ => {
                let edges: Vec<u64> = self.edges(reference).into_iter().filter(|edge| *edge > now).collect();
                if edges.is_empty() { now } else { (pick(rng, &edges) - 1) + rng.random_range(0..3u64) }
            }
        };
        self.now = Timestamp(next.max(now));
    }

    /// Times at which a call begins or ceases to be allowed.
    fn edges(&self, reference: &Reference) -> Vec<u64> {
        let mut edges = Vec::new();
        for (deal, leg) in &self.legs {
            edges.extend([leg.lock_by.0, leg.leg.escape_at.0]);
            if let LockStatus::Locked { escape_requested_at: Some(at) } = reference.escrow.status(leg.lock_key(*deal)) {
                edges.push(at.plus(leg.leg.escape_window).0);
            }
        }
        let current = reference.epochs.current();
        let records = [current.0.saturating_sub(1), current.0].map(|epoch| reference.epochs.record(Epoch(epoch)));
        for record in records.into_iter().flatten() {
            edges.push(record.retired_at.map_or(record.expires_at, |at| at.plus(world::GRACE_S)).0);
        }
        edges
    }

    /// The compact call has no room for what is no address.
    fn compact(&self, rng: &mut StdRng, deal: DealId, leg: &LegRef, depositor: Account) -> (Account, Call) {
        let mut leg = leg.clone();
        let terms = &mut leg.leg;
        for account in [&mut terms.token, &mut terms.on_commit, &mut terms.on_abort] {
            if account.to_evm().is_err() {
                *account = self.world.person(3);
            }
        }
        // Somebody's address as a token: it has no code.
        let leg = payable(self.world, leg);
        let caller = if one_in(rng, 6) { self.world.person(3) } else { depositor };
        (caller, Call::LockCompact { deal, value: value(rng, &leg), leg })
    }

    fn signed(&self, rng: &mut StdRng, deal: DealId, leg: LegRef, depositor: Account) -> Call {
        let deadline = Timestamp(pick(rng, &[self.now.0, self.now.0 + DAY_S, self.now.0 - 1, u64::MAX]));
        let digest = lock_digest(world::hub(), &self.world.rules, deal, &leg, deadline);
        let signer = self.world.people.iter().find(|person| Account::from(person.address()) == depositor);
        let signer = signer.filter(|_| !one_in(rng, 8)).unwrap_or(&self.world.people[3]);
        let mut signature = signer.sign_hash_sync(&digest).expect("a local key signs any digest").as_bytes().to_vec();
        match rng.random_range(0..16u8) {
            0 => signature.truncate(64),
            1 => signature[64] ^= 1,
            2 => signature[rng.random_range(0..65usize)] ^= 1 << rng.random_range(0..8u8),
            _ => {}
        }
        Call::LockSigned { deal, leg, deadline, signature: Bytes::from(signature) }
    }

    fn settle(&self, rng: &mut StdRng, notary: &mut Notary, reference: &Reference) -> Call {
        let decision = pick(rng, &[Decision::Commit, Decision::Abort]);
        let deals = &self.world.deals;
        let leaves: Vec<Leaf> = deals.iter().map(|deal| Leaf::Decision(*deal, decision)).collect();
        let mut picked: Vec<u32> = (0..3u32).filter(|_| one_in(rng, 2)).collect();
        if picked.is_empty() {
            picked.push(rng.random_range(0..3));
        }
        let (epoch, set) = self.epoch(rng, notary, reference);
        let kind = if decision == Decision::Commit { CheckpointKind::Commits } else { CheckpointKind::General };
        let mut certified = notary.certify(set, epoch, kind, &leaves, &picked);
        let mut settlements: Vec<Settlement> =
            picked.iter().map(|index| self.settlement(rng, deals[*index as usize], decision)).collect();
        if one_in(rng, 4) {
            tamper::certified(rng, notary, set, &mut certified);
        }
        match rng.random_range(0..24u8) {
            0 => settlements.clear(),
            1 => settlements.reverse(),
            2 => {
                settlements.pop();
            }
            3 => {
                let last = settlements.len() - 1;
                settlements[last].1 = if decision == Decision::Commit { Decision::Abort } else { Decision::Commit };
            }
            _ => {}
        }
        Call::Settle { certified, settlements }
    }

    /// A deal's legs, now and then one too many, twice or changed.
    fn settlement(&self, rng: &mut StdRng, deal: DealId, decision: Decision) -> Settlement {
        let own = self.legs.iter().filter(|(of, _)| *of == deal);
        let mut legs: Vec<LegRef> = own.map(|(_, leg)| leg.clone()).filter(|_| !one_in(rng, 8)).collect();
        if one_in(rng, 8) {
            legs.extend(legs.first().cloned());
        }
        if one_in(rng, 8) {
            legs.extend(legs.first().map(|leg| tamper::leg(rng, self.world, leg)));
        }
        if one_in(rng, 400) {
            legs = legs.into_iter().cycle().take(257).collect();
        }
        (deal, decision, legs)
    }

    /// An epoch that the verifier knows, mostly the current one, and its set.
    fn epoch(&self, rng: &mut StdRng, notary: &Notary, reference: &Reference) -> (Epoch, usize) {
        let current = reference.epochs.current();
        let epoch = if one_in(rng, 4) { Epoch(rng.random_range(1..=current.0)) } else { current };
        let hash = reference.epochs.record(epoch).map_or(B256::ZERO, |record| record.valset_hash);
        (epoch, notary.find(hash))
    }

    fn withdraw(&self, rng: &mut StdRng) -> Call {
        let account = pick(rng, &[self.world.refuser, self.world.person(0), self.world.person(1)]);
        Call::WithdrawCredit { token: pick(rng, &[Account::ZERO, self.world.token]), account }
    }

    /// A time of the grid, mostly one that a new epoch may last until.
    fn expiry(&self, rng: &mut StdRng) -> Timestamp {
        START.plus(EXPIRY_STEP_S * rng.random_range(0..EXPIRY_STEPS))
    }

    fn rotate(&self, rng: &mut StdRng, notary: &mut Notary, reference: &Reference) -> Call {
        let current = reference.epochs.current();
        let (signing_epoch, set) = self.epoch(rng, notary, reference);
        let following = current.0 + 1;
        let epoch = Epoch(if one_in(rng, 8) { pick(rng, &[0, current.0, following + 1]) } else { following });
        let valset_hash = self.next_set(rng, notary);
        let expires_at = self.expiry(rng);
        let leaf = Leaf::Rotate { epoch, valset_hash, expires_at };
        let other = Leaf::Rotate { epoch, valset_hash: notary.hash(0), expires_at };
        let leaves = if one_in(rng, 2) { vec![leaf] } else { vec![leaf, other] };
        let mut certified = notary.certify(set, signing_epoch, CheckpointKind::Rotation, &leaves, &[0]);
        if one_in(rng, 4) {
            tamper::certified(rng, notary, set, &mut certified);
        }
        let expires_at = if one_in(rng, 16) { expires_at.plus(1) } else { expires_at };
        Call::Rotate { certified, epoch, valset_hash, expires_at }
    }

    fn recover(&self, rng: &mut StdRng, notary: &Notary, reference: &Reference) -> Call {
        let current = reference.epochs.current().0;
        let epoch = Epoch(current + rng.random_range(0..4));
        Call::Recover { epoch, valset_hash: self.next_set(rng, notary), expires_at: self.expiry(rng) }
    }

    /// Mostly a set that can certify.
    fn next_set(&self, rng: &mut StdRng, notary: &Notary) -> B256 {
        match rng.random_range(0..12u8) {
            0 => B256::ZERO,
            1 => notary.hash(rng.random_range(SOUND_SETS..SETS)),
            _ => notary.hash(rng.random_range(0..SOUND_SETS)),
        }
    }
}

/// What a lock asks for, or a little beside it.
fn value(rng: &mut StdRng, leg: &LegRef) -> Amount {
    let required = if leg.leg.token.is_zero() { leg.leg.amount } else { Amount::ZERO };
    if one_in(rng, 12) { Amount(pick(rng, &[0, 1, required.0.saturating_add(1)])) } else { required }
}
