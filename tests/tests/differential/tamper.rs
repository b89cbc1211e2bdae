//! One thing wrong with a leg or with what is certified.

use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_types::{
    Account, Amount, B256, Bytes, ChainId, CheckpointKind, EcdsaCertificate, Epoch, HubId, LegRef, Timestamp,
};
use rand::{Rng, rngs::StdRng};

use crate::{
    notary::{Notary, SOUND_SETS},
    world::{BALANCE, DAY_S, START, WINDOW_MIN_S, World},
};

/// Most seconds of an escape's delay and of its window.
const ESCAPE_MAX_S: u64 = 60 * DAY_S;
/// A word with something in its upper bytes.
const DIRTY: Account = Account(B256::repeat_byte(0x11));

pub(crate) fn pick<T: Copy>(rng: &mut StdRng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

/// A time of the given order, just below, at, or above it.
fn around(rng: &mut StdRng, time: u64) -> u64 {
    pick(rng, &[time.saturating_sub(1), time, time.saturating_add(1)])
}

/// A leg with one of its fields changed, to what is allowed or not.
pub(crate) fn leg(rng: &mut StdRng, world: &World, leg: &LegRef) -> LegRef {
    let mut leg = leg.clone();
    let terms = &mut leg.leg;
    let stranger = world.person(rng.random_range(0..4));
    let account = pick(rng, &[Account::ZERO, world.escrow, DIRTY, stranger]);
    match rng.random_range(0..13u8) {
        0 => leg.index = pick(rng, &[0, 7, 8, 255]),
        1 => leg.lock_by = Timestamp(pick(rng, &[0, START.0 - 1, START.0 + 8 * DAY_S, u64::MAX])),
        2 => terms.chain = ChainId(pick(rng, &[0, 1, u64::MAX])),
        3 => terms.escrow = account,
        4 => terms.token = pick(rng, &[Account::ZERO, world.token, world.no_code, DIRTY]),
        5 => terms.amount = Amount(pick(rng, &[0, 1, BALANCE, BALANCE + 1, u128::MAX])),
        6 => terms.depositor = account,
        7 => terms.on_commit = account,
        8 => terms.on_abort = account,
        9 => {
            let delay = pick(rng, &[0, 1, ESCAPE_MAX_S, ESCAPE_MAX_S + 1]);
            terms.escape_at = Timestamp(pick(rng, &[leg.lock_by.0.saturating_add(delay), 0, u64::MAX]));
        }
        10 => {
            let limit = pick(rng, &[WINDOW_MIN_S, ESCAPE_MAX_S]);
            terms.escape_window = around(rng, limit);
        }
        11 => terms.tip = pick(rng, &[terms.amount, Amount(terms.amount.0.saturating_sub(1)), Amount(u128::MAX)]),
        _ => terms.on_commit = world.refuser,
    }
    payable(world, leg)
}

/// The refuser refuses coins and nothing else: its code is never asked about tokens.
pub(crate) fn payable(world: &World, mut leg: LegRef) -> LegRef {
    let terms = &mut leg.leg;
    if !terms.token.is_zero() {
        for payee in [&mut terms.on_commit, &mut terms.on_abort] {
            if *payee == world.refuser {
                *payee = world.person(0);
            }
        }
    }
    leg
}

/// What is certified with one thing wrong, be it the checkpoint, the certificate or the proof.
pub(crate) fn certified(rng: &mut StdRng, notary: &mut Notary, set: usize, certified: &mut CertifiedLeaves) {
    match rng.random_range(0..3u8) {
        // The chain judges a malformed set member by member, in between its signatures, which must then be good ones.
        0 if set < SOUND_SETS => checkpoint(rng, certified),
        1 if set < SOUND_SETS => certificate(rng, notary, set, certified),
        _ => proof(rng, certified),
    }
}

fn checkpoint(rng: &mut StdRng, certified: &mut CertifiedLeaves) {
    let checkpoint = &mut certified.checkpoint;
    match rng.random_range(0..8u8) {
        0 => checkpoint.hub_id = pick(rng, &[HubId(B256::ZERO), HubId(B256::repeat_byte(9))]),
        1 => {
            checkpoint.kind = pick(rng, &[CheckpointKind::General, CheckpointKind::Commits, CheckpointKind::Rotation]);
        }
        2 => checkpoint.epoch = Epoch(pick(rng, &[0, checkpoint.epoch.0.saturating_add(1), u64::MAX])),
        3 => checkpoint.valset_hash = pick(rng, &[B256::ZERO, B256::repeat_byte(7)]),
        4 => checkpoint.outbox_root = pick(rng, &[B256::ZERO, B256::repeat_byte(5)]),
        5 => checkpoint.height.0 += 1,
        6 => checkpoint.time.0 += 1,
        _ => checkpoint.state_root = B256::ZERO,
    }
}

fn certificate(rng: &mut StdRng, notary: &mut Notary, set: usize, certified: &mut CertifiedLeaves) {
    let digest = certified.checkpoint.digest();
    let everyone = notary.everyone(set);
    let mut bytes = certified.certificate.0.to_vec();
    match rng.random_range(0..8u8) {
        // Any subset, be it a quorum or not.
        0 | 1 => {
            let signers = rng.random_range(0..=everyone);
            bytes = notary.certificate(set, digest, signers).0.to_vec();
        }
        2 => {
            let other = rng.random_range(0..SOUND_SETS);
            let signers = notary.everyone(other);
            bytes = notary.certificate(other, digest, signers).0.to_vec();
        }
        3 => bytes.truncate(rng.random_range(0..bytes.len())),
        4 => bytes.push(rng.random()),
        5 => bytes[0] = rng.random(),
        6 => {
            let last = bytes.len() - 1;
            bytes[last] = pick(rng, &[0, 1, 26, 27, 28, 29]);
        }
        _ => {
            let at = rng.random_range(0..bytes.len());
            bytes[at] ^= 1 << rng.random_range(0..8u8);
        }
    }
    certified.certificate = EcdsaCertificate(Bytes::from(bytes));
}

fn proof(rng: &mut StdRng, certified: &mut CertifiedLeaves) {
    let proof = &mut certified.proof;
    match rng.random_range(0..7u8) {
        0 => proof.nodes.push(B256::repeat_byte(3)),
        1 => {
            proof.nodes.pop();
        }
        2 => proof.count = pick(rng, &[0, 1, proof.count.saturating_add(1), u32::MAX]),
        3 => proof.indices.push(proof.indices.last().map_or(0, |last| last.saturating_add(1))),
        4 => {
            proof.indices.pop();
        }
        5 => {
            if let Some(first) = proof.indices.first_mut() {
                *first = pick(rng, &[0, first.saturating_add(1), u32::MAX]);
            }
        }
        _ => {
            if let Some(node) = proof.nodes.first_mut() {
                node[0] ^= 1;
            }
        }
    }
}
