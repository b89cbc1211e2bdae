//! Random calls that are worth making: most of them valid or wrong in one thing, at times where rules change.

use infrastrukt_ports::LockStatus;
use infrastrukt_svm_tests::{
    DAY, GRACE, HERE, HORIZON, SOL, START, WINDOW_MIN, hub_id, pda,
    wire::{Checkpoint, Kind, Leg, LegRef, Multiproof, Tree, Word, keccak, leaf},
};
use infrastrukt_types::Epoch;
use rand::{Rng, rngs::StdRng};

use crate::{
    op::{Call, Evidence, Op},
    reference::{Reference, alias, key_of},
    setting::{DEPOSITORS, EXPIRY_STEP, EXPIRY_STEPS, SOL_UNIT, SOL_UNITS, Setting, TOKENS},
};

/// Legs of a sequence, two of a deal each.
const LEGS: u8 = 6;
const ESCAPE_MAX: u64 = 60 * DAY;

/// What a sequence is about, and how late it is.
pub(crate) struct Generator<'a> {
    setting: &'a Setting,
    legs: Vec<(Word, LegRef)>,
    now: u64,
    height: u64,
}

fn pick<T: Copy>(rng: &mut StdRng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

fn one_in(rng: &mut StdRng, n: u32) -> bool {
    rng.random_ratio(1, n)
}

fn new_leg(setting: &Setting, rng: &mut StdRng, index: u8) -> LegRef {
    let lock_by = START + rng.random_range(1..6 * DAY);
    let [one, other] = setting.tokens.map(|token| token.mint.to_bytes());
    let token = pick(rng, &[SOL, SOL, one, other]);
    let (unit, most) = if token == SOL { (SOL_UNIT, SOL_UNITS / 2) } else { (1, TOKENS / 3) };
    let units = rng.random_range(1..most);
    let leg = Leg {
        chain: HERE,
        escrow: pda::escrow().to_bytes(),
        token,
        amount: u128::from(units * unit),
        depositor: setting.people[rng.random_range(0..DEPOSITORS)],
        on_commit: pick(rng, &setting.people),
        on_abort: pick(rng, &setting.people),
        escape_at: lock_by + rng.random_range(1..5 * DAY),
        escape_window: WINDOW_MIN + rng.random_range(0..2 * DAY),
        tip: u128::from(rng.random_range(0..units) * unit),
    };
    LegRef { index, lock_by, leg }
}

impl<'a> Generator<'a> {
    pub(crate) fn new(setting: &'a Setting, rng: &mut StdRng) -> Self {
        let legs = (0..LEGS).map(|index| {
            let deal = setting.deals[usize::from(index) % setting.deals.len()];
            (deal, new_leg(setting, rng, index))
        });
        Self { setting, legs: legs.collect(), now: START, height: 0 }
    }

    pub(crate) fn next(&mut self, rng: &mut StdRng, reference: &Reference) -> Op {
        if let Some(op) = self.escape(rng, reference) {
            return op;
        }
        self.pass_time(rng, reference);
        let (deal, mut leg) = self.legs[rng.random_range(0..self.legs.len())];
        let depositor = leg.leg.depositor;
        if one_in(rng, 5) {
            leg = self.bent_leg(rng, leg);
        }
        let anyone = pick(rng, &self.setting.people);
        let mostly = |rng: &mut StdRng, who: Word| if one_in(rng, 6) { anyone } else { who };
        let guardian = self.guardian(reference);
        let (caller, call) = match rng.random_range(0..100u8) {
            0..32 => (mostly(rng, depositor), Call::Lock { deal, leg }),
            32..37 => (mostly(rng, depositor), Call::CancelLock { deal, leg }),
            37..61 => (self.settler(rng), self.settle(rng, reference, (deal, leg))),
            61..71 => (anyone, Call::RequestEscape { deal, leg }),
            71..80 => (anyone, Call::ExecuteEscape { deal, leg }),
            80..88 => (anyone, self.withdraw(rng)),
            88..90 => (mostly(rng, guardian), Call::Pause(one_in(rng, 3))),
            90..92 => {
                let next = pick(rng, &[anyone, self.setting.guardian, guardian, SOL]);
                (mostly(rng, guardian), Call::SetGuardian(next))
            }
            92..96 => (anyone, self.rotate(rng, reference)),
            _ => (mostly(rng, self.setting.recovery_owner), self.recover(rng, reference)),
        };
        Op { at: self.now, caller, call }
    }

    /// About when it is allowed, the escape of a leg for which it was requested: chance alone hardly gets there.
    fn escape(&mut self, rng: &mut StdRng, reference: &Reference) -> Option<Op> {
        let due = |(deal, leg): &(Word, LegRef)| match reference.escrow.status(key_of(deal, leg)) {
            LockStatus::Locked { escape_requested_at: Some(at) } => Some((*deal, *leg, at.plus(leg.leg.escape_window))),
            _ => None,
        };
        let (deal, leg, due) = self.legs.iter().find_map(due).filter(|_| one_in(rng, 3))?;
        self.now = self.now.max(due.0 - 1 + rng.random_range(0..3u64));
        Some(Op { at: self.now, caller: pick(rng, &self.setting.people), call: Call::ExecuteEscape { deal, leg } })
    }

    /// Who guards the escrow now.
    fn guardian(&self, reference: &Reference) -> Word {
        let mut known = self.setting.people.into_iter().chain([self.setting.guardian]);
        known.find(|who| alias(who) == reference.escrow.guardian()).unwrap_or(self.setting.guardian)
    }

    /// Only those whose lamports are not compared pay the rent of credits.
    fn settler(&self, rng: &mut StdRng) -> Word {
        pick(rng, &[self.setting.payer, self.setting.people[DEPOSITORS]])
    }

    /// Stays, goes on a little, or jumps to where some rule changes.
    fn pass_time(&mut self, rng: &mut StdRng, reference: &Reference) {
        let now = self.now;
        let next = match rng.random_range(0..10u8) {
            0..4 => now,
            4..7 => now + rng.random_range(0..3_600),
            7 => now + rng.random_range(0..DAY),
            _ => {
                let edges: Vec<u64> = self.edges(reference).into_iter().filter(|edge| *edge > now).collect();
                if edges.is_empty() { now } else { (pick(rng, &edges) - 1) + rng.random_range(0..3u64) }
            }
        };
        let current = reference.epochs.record(reference.epochs.current());
        let expired = current.map(|record| record.expires_at.0 + 1).filter(|_| one_in(rng, 40));
        self.now = expired.unwrap_or(next).max(now);
    }

    /// Times at which a call begins or ceases to be allowed.
    fn edges(&self, reference: &Reference) -> Vec<u64> {
        let mut edges = Vec::new();
        for (deal, leg) in &self.legs {
            edges.extend([leg.lock_by, leg.leg.escape_at]);
            let status = reference.escrow.status(key_of(deal, leg));
            if let LockStatus::Locked { escape_requested_at: Some(at) } = status {
                edges.push(at.plus(leg.leg.escape_window).0);
            }
        }
        let current = reference.epochs.current();
        let records = [current.0.saturating_sub(1), current.0].map(|epoch| reference.epochs.record(Epoch(epoch)));
        for record in records.into_iter().flatten() {
            edges.push(record.retired_at.map_or(record.expires_at, |at| at.plus(GRACE)).0);
        }
        edges
    }

    /// A leg with one of its fields changed, to what is allowed or not.
    fn bent_leg(&self, rng: &mut StdRng, mut leg: LegRef) -> LegRef {
        let terms = &mut leg.leg;
        let somebody = pick(rng, &[SOL, pda::escrow().to_bytes(), self.setting.people[0], self.setting.people[1]]);
        match rng.random_range(0..10u8) {
            0 => leg.index = pick(rng, &[0, 7, 8, 255]),
            1 => leg.lock_by = pick(rng, &[0, START - 1, START + HORIZON + DAY, u64::MAX]),
            2 => terms.token = pick(rng, &[SOL, self.setting.tokens[0].mint.to_bytes(), self.setting.no_token]),
            3 => terms.amount = u128::from(pick(rng, &[0, 1, TOKENS + 1, SOL_UNITS * SOL_UNIT + 1, u64::MAX])),
            4 => terms.depositor = pick(rng, &self.setting.people[..DEPOSITORS]),
            5 => terms.on_commit = somebody,
            6 => terms.on_abort = somebody,
            7 => {
                let delay = pick(rng, &[0, 1, ESCAPE_MAX, ESCAPE_MAX + 1]);
                terms.escape_at = pick(rng, &[leg.lock_by.saturating_add(delay), 0, u64::MAX]);
            }
            8 => {
                let limit = pick(rng, &[WINDOW_MIN, ESCAPE_MAX]);
                terms.escape_window = pick(rng, &[limit - 1, limit, limit + 1]);
            }
            _ => terms.tip = pick(rng, &[terms.amount, terms.amount.saturating_sub(1), u128::from(u64::MAX)]),
        }
        leg
    }

    fn withdraw(&self, rng: &mut StdRng) -> Call {
        let [one, other] = self.setting.tokens.map(|token| token.mint.to_bytes());
        Call::Withdraw { account: pick(rng, &self.setting.people), token: pick(rng, &[SOL, one, other]) }
    }

    fn settle(&mut self, rng: &mut StdRng, reference: &Reference, (deal, leg): (Word, LegRef)) -> Call {
        let commit = one_in(rng, 2);
        let kind = if commit { Kind::Commits } else { Kind::General };
        let evidence = self.evidence(rng, reference, kind, leaf::decision(&deal, commit));
        Call::Settle { evidence, deal, commit, leg }
    }

    fn rotate(&mut self, rng: &mut StdRng, reference: &Reference) -> Call {
        let current = reference.epochs.current().0;
        let epoch = if one_in(rng, 8) { pick(rng, &[0, current, current + 2]) } else { current + 1 };
        let (valset_hash, expires_at) = (self.next_set(rng), expiry(rng));
        let evidence = self.evidence(rng, reference, Kind::Rotation, leaf::rotate(epoch, &valset_hash, expires_at));
        let expires_at = if one_in(rng, 16) { expires_at + 1 } else { expires_at };
        Call::Rotate { evidence, epoch, valset_hash, expires_at }
    }

    fn recover(&self, rng: &mut StdRng, reference: &Reference) -> Call {
        let epoch = reference.epochs.current().0 + rng.random_range(0..4);
        Call::Recover { epoch, valset_hash: self.next_set(rng), expires_at: expiry(rng) }
    }

    /// Mostly a set that can certify.
    fn next_set(&self, rng: &mut StdRng) -> Word {
        match rng.random_range(0..12u8) {
            0 => [0; 32],
            1 => self.setting.sets[3].hash(),
            _ => self.setting.sets[rng.random_range(0..3usize)].hash(),
        }
    }

    /// A leaf somewhere in an outbox that an epoch's set signed, now and then with one thing wrong.
    fn evidence(&mut self, rng: &mut StdRng, reference: &Reference, kind: Kind, leaf: Word) -> Box<Evidence> {
        let current = reference.epochs.current().0;
        let epoch = if one_in(rng, 4) { rng.random_range(1..=current) } else { current };
        let record = reference.epochs.record(Epoch(epoch));
        let set = self.setting.set(&record.map_or([0; 32], |record| record.valset_hash.0));
        let mut leaves: Vec<Word> = (0..rng.random_range(1..5u8)).map(|i| keccak(&[b"leaf", &[i]])).collect();
        let place = rng.random_range(0..leaves.len());
        leaves[place] = leaf;
        let tree = Tree::new(&leaves);
        self.height += 1;
        let mut checkpoint = Checkpoint {
            hub_id: hub_id(),
            kind: kind.byte(),
            epoch,
            valset_hash: set.hash(),
            height: self.height,
            time: self.now,
            outbox_root: tree.root(),
            state_root: keccak(&[b"state", &self.height.to_be_bytes()]),
        };
        let wrong = if one_in(rng, 4) { rng.random_range(0..8u8) } else { u8::MAX };
        match wrong {
            0 => checkpoint.kind = rng.random_range(0..3),
            1 => checkpoint.epoch = pick(rng, &[0, epoch + 100]),
            2 => checkpoint.outbox_root = [0; 32],
            3 => checkpoint.hub_id = [9; 32],
            _ => {}
        }
        // All but one, so that verification and use fit into one transaction.
        let mut signers: Vec<usize> = (0..set.members.len()).collect();
        signers.remove(rng.random_range(0..signers.len()));
        if wrong == 4 {
            signers.retain(|_| one_in(rng, 2));
        }
        let mut certificate = set.certify(&checkpoint.digest(), &signers);
        if wrong == 5 {
            let (signature, byte) = (rng.random_range(0..signers.len()), rng.random_range(0..65usize));
            certificate.signatures[signature][byte] ^= 1 << rng.random_range(0..8u8);
        }
        if wrong == 6 {
            certificate.signatures.pop();
        }
        let index = u32::try_from(place).expect("outboxes here are small");
        let mut proof = tree.proof(&[index]);
        if wrong == 7 {
            bend_proof(rng, &mut proof);
        }
        Box::new(Evidence { checkpoint, certificate, proof })
    }
}

/// A time of the grid, mostly one that a new epoch may last until.
fn expiry(rng: &mut StdRng) -> u64 {
    START + EXPIRY_STEP * rng.random_range(0..EXPIRY_STEPS)
}

fn bend_proof(rng: &mut StdRng, proof: &mut Multiproof) {
    match rng.random_range(0..5u8) {
        0 => proof.nodes.push([3; 32]),
        1 => {
            proof.nodes.pop();
        }
        2 => proof.count = pick(rng, &[0, proof.count.saturating_add(1), 1 << 10]),
        3 => proof.indices[0] = pick(rng, &[0, proof.indices[0].saturating_add(1), u32::MAX]),
        _ => {
            if let Some(node) = proof.nodes.first_mut() {
                node[0] ^= 1;
            }
        }
    }
}
