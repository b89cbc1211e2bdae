//! A Byzantine validator: votes for what did not happen, signs two checkpoints of one height and shows one to some and
//! the other to others, and claims certificates that no quorum signed. It goes on to the end of the run.

use infrastrukt_api::Share;
use infrastrukt_ports::{ChainReader, ScanCursor, Signer};
use infrastrukt_protocol::StateView;
use infrastrukt_types::{
    Attestation, B256, Bytes, Checkpoint, EcdsaCertificate, Fact, FactKind, Height, HubTx, MessageId, Scheme,
};
use std::sync::Arc;

use super::wait;
use crate::{
    chains::CHAINS,
    dice::Dice,
    hub, line,
    party::{Party, VALIDATORS},
    world::{TRAITOR, World},
};

/// Blocks read for something to lie about.
const SCAN_MAX: u64 = 1_000;
/// Checkpoints signed twice in one turn.
const CHECKPOINTS_MAX: usize = 2;

pub(crate) async fn run(world: Arc<World>, mut dice: Dice) {
    let signer = hub::signer(TRAITOR);
    loop {
        wait(&world, &mut dice, 2_000, 6_000).await;
        if let Some(fact) = invented(&world, &mut dice).await {
            attest(&world, signer.as_ref(), fact, &mut dice).await;
        }
        for checkpoint in waiting(&world) {
            sign_twice(&world, signer.as_ref(), &checkpoint, &mut dice).await;
        }
    }
}

/// A fact that happened, with another block, another content, or another end.
async fn invented(world: &World, dice: &mut Dice) -> Option<Fact> {
    let chain = world.chain(dice.pick(&CHAINS));
    let scan = chain.sim.reader().scan(ScanCursor { next: 0, parent: None }, SCAN_MAX).await.ok()?;
    let facts: Vec<Fact> = scan.blocks.into_iter().flat_map(|block| block.facts).collect();
    let count = u64::try_from(facts.len()).ok().filter(|count| *count > 0)?;
    let mut fact = facts.into_iter().nth(usize::try_from(dice.below(count)).ok()?)?;
    match (dice.below(3), &mut fact.kind) {
        (0, FactKind::Sent { message, .. }) => message.payload = Bytes::from_static(b"forged"),
        (1, kind) => *kind = FactKind::Delivered(MessageId(B256::from(dice.bytes()))),
        (_, _) => fact.origin.block_hash = B256::from(dice.bytes()),
    }
    Some(fact)
}

async fn attest(world: &Arc<World>, signer: &dyn Signer, fact: Fact, dice: &mut Dice) {
    world.env.fault("false attestation");
    let facts = vec![fact];
    let signature = signer.sign(Attestation::digest(world.hub.hub_id, &facts)).await.expect("a key in memory");
    let attestation = Attestation { validator: signer.address(), facts, signature: signature.to_vec().into() };
    tokio::spawn(line::order(world.clone(), dice.within(1, 2_000), HubTx::Attest(attestation)));
}

/// Checkpoints that wait for their certificate.
fn waiting(world: &World) -> Vec<Checkpoint> {
    let Some(validator) = world.validators().into_iter().next() else { return Vec::new() };
    let store = &validator.store;
    let names = store.uncertified(Height(u64::MAX), CHECKPOINTS_MAX).unwrap_or_default();
    let records = names.into_iter().filter_map(|(height, kind)| store.checkpoint(height, kind).ok().flatten());
    records.map(|record| record.checkpoint).collect()
}

async fn sign_twice(world: &Arc<World>, signer: &dyn Signer, checkpoint: &Checkpoint, dice: &mut Dice) {
    world.env.fault("equivocation");
    let other = Checkpoint { state_root: B256::from(dice.bytes()), ..checkpoint.clone() };
    let (height, kind, validator) = (checkpoint.height, checkpoint.kind, signer.address());
    for to in (0..VALIDATORS).filter(|to| *to != TRAITOR) {
        let shown = if dice.chance(500) { checkpoint } else { &other };
        let signature: Bytes = signer.sign(shown.digest()).await.expect("a key in memory").to_vec().into();
        let share = Share { validator, height, kind, signature };
        line::send_share(world, Party::Validator(TRAITOR), to, &share);
    }
    let certificate = alone(signer, checkpoint).await;
    let certify = HubTx::Certify { height, kind, certificate };
    tokio::spawn(line::order(world.clone(), dice.within(1, 2_000), certify));
}

/// A certificate with the traitor's signature and no other one.
async fn alone(signer: &dyn Signer, checkpoint: &Checkpoint) -> EcdsaCertificate {
    let set = hub::first_set();
    let place = set.members().iter().position(|member| member.address == signer.address()).expect("a member");
    let mut bytes = set.encode(Scheme::Ecdsa);
    bytes.push(1 << place);
    bytes.extend(signer.sign(checkpoint.digest()).await.expect("a key in memory"));
    EcdsaCertificate(bytes.into())
}
