//! Offers the hub evidence that is almost true, and certificates that are not.

use infrastrukt_ports::{ChainReader, ScanCursor};
use infrastrukt_types::{B256, Bytes, CheckpointKind, EcdsaCertificate, Evidence, Height};
use std::sync::Arc;

use super::wait;
use crate::{
    caller::Caller,
    chains::{CHAINS, Chain},
    dice::Dice,
    party::{Life, Party},
    world::World,
};

/// Blocks read for something to forge.
const SCAN_MAX: u64 = 1_000;

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    let caller = Caller::new(world.clone(), Party::People, Life::default());
    loop {
        wait(&world, &mut dice, 1_000, 5_000).await;
        if let Some(evidence) = forged(world.chain(dice.pick(&CHAINS)), &mut dice).await {
            world.env.fault("forged evidence");
            // It may be refused or dropped; it must not be believed.
            let _ = caller.submit_evidence(vec![evidence]).await;
        }
        world.env.fault("forged certificate");
        let (height, kind) = (Height(dice.within(1, 60)), dice.pick(&CheckpointKind::ALL));
        let _ = caller.submit_certificate(height, kind, EcdsaCertificate(dice.bytes().to_vec().into())).await;
    }
}

/// Evidence of a block with one thing changed.
async fn forged(chain: &Chain, dice: &mut Dice) -> Option<Evidence> {
    let scan = chain.sim.reader().scan(ScanCursor { next: 0, parent: None }, SCAN_MAX).await.ok()?;
    let count = u64::try_from(scan.blocks.len()).ok().filter(|count| *count > 0)?;
    let at = usize::try_from(dice.below(count)).ok()?;
    let Evidence::Receipts(mut evidence) = scan.blocks.into_iter().nth(at)?.evidence;
    let receipt = evidence.receipts.first_mut()?;
    match dice.below(5) {
        0 => evidence.block_hash = B256::from(dice.bytes()),
        1 => evidence.block_number += dice.within(1, 3),
        2 => receipt.tx_index += 1,
        3 => {
            let mut bytes = receipt.receipt.to_vec();
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            receipt.receipt = bytes.into();
        }
        _ => receipt.nodes.push(Bytes::from(dice.bytes().to_vec())),
    }
    Some(Evidence::Receipts(evidence))
}
