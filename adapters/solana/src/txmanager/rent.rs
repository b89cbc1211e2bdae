//! Rent that comes back. Whoever brings a certificate pays for the account that counts its signatures, about as much as
//! four hundred transactions; the program gives it back an hour later to a call that anyone may make. Such calls go
//! along in transactions that are made anyway, where there is room.

use infrastrukt_types::B256;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{planned::Planned, writer::SolanaWriter};
use crate::{
    discriminator::instruction::VERIFY_CHECKPOINT,
    errors,
    plan::{TRANSACTION_BYTES_MAX, message, unsigned},
    rpc::{Commitment, Endpoint},
    state::{self, Checkpoint},
};

/// Seconds after which the program gives rent back, and some more for the clocks of both sides.
const DUE_AFTER_S: u64 = 3_600 + 600;

/// Accounts that one transaction closes at most.
const CLOSED_MAX: usize = 3;

/// Where an instruction that counts signatures names the account it counts in.
const CHECKPOINT_AT: usize = 3;

impl SolanaWriter {
    /// The same transaction with calls behind it that bring rent back, if it would still succeed.
    pub(super) async fn with_rent(&self, endpoint: &Endpoint, planned: Planned) -> Planned {
        let due = match self.due(&planned.instructions).await {
            Some(due) if !due.is_empty() => due,
            Some(_) | None => return planned,
        };
        for count in (1..=due.len()).rev() {
            let mut instructions = planned.instructions.clone();
            let calls = due[..count].iter().map(|key| self.parts.site.gateway.close_checkpoint(*key, self.wallet()));
            instructions.extend(calls);
            if let Some(units) = self.units(endpoint, &instructions).await {
                return Planned { instructions, units, closes: due[..count].to_vec(), ..planned };
            }
        }
        planned
    }

    /// Accounts of this wallet that can be closed and that the transaction does not need. What k endpoints say is not
    /// there any more is forgotten.
    async fn due(&self, instructions: &[Instruction]) -> Option<Vec<Pubkey>> {
        let now = now_s();
        // Elsewhere each time, so that young ones do not keep old ones from being seen.
        let from = u8::try_from(now % 256).unwrap_or(0);
        let keys = self.records.rent_before(now.saturating_sub(DUE_AFTER_S), from, CLOSED_MAX).ok()?;
        if keys.is_empty() {
            return None;
        }
        let (asked, what) = (&keys, format!("accounts of {} that hold rent", self.wallet()));
        let ask = |endpoint: Arc<Endpoint>| async move { endpoint.accounts(asked, Commitment::Finalized).await };
        let accounts = self.parts.quorum.agree_at_head(&what, ask).await.ok()?;
        let mut due = Vec::new();
        for (key, account) in keys.into_iter().zip(accounts) {
            let program = &self.parts.site.gateway.program;
            let read = account.and_then(|account| state::read::<Checkpoint>(program, &key, &account).ok());
            match read.filter(|checkpoint| checkpoint.payer == self.wallet().to_bytes()) {
                Some(_) if is_named(instructions, &key) => {}
                Some(_) => due.push(key),
                None => self.records.forget_rent(&key).ok()?,
            }
        }
        Some(due)
    }

    /// Compute units of a transaction that fits and would succeed.
    async fn units(&self, endpoint: &Endpoint, instructions: &[Instruction]) -> Option<u64> {
        let limits = (self.parts.config.limits.units_max, u64::MAX);
        let message = message(&self.wallet(), instructions, limits, Hash::default())?;
        let raw = unsigned(&message);
        if raw.len() > TRANSACTION_BYTES_MAX {
            return None;
        }
        let simulation = endpoint.simulate(&raw).await.ok()?;
        errors::judge(&simulation, &[], &self.parts.site.gateway.program).ok()?;
        Some(simulation.units)
    }
}

/// The account that a transaction opens for a certificate, if it brings one.
pub(super) fn opened(instructions: &[Instruction]) -> Option<B256> {
    let brings = instructions.iter().find(|instruction| instruction.data.starts_with(&VERIFY_CHECKPOINT))?;
    brings.accounts.get(CHECKPOINT_AT).map(|account| B256::from(account.pubkey.to_bytes()))
}

/// Seconds since the Unix epoch.
pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn is_named(instructions: &[Instruction], key: &Pubkey) -> bool {
    instructions.iter().flat_map(|instruction| &instruction.accounts).any(|account| account.pubkey == *key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        address::Gateway,
        instruction::{Header, LeafProof},
    };
    use infrastrukt_types::{Checkpoint as Certified, CheckpointKind, Epoch, Height, HubId, Timestamp};

    #[test]
    fn what_a_certificate_opens_is_told_apart_from_what_it_is_used_by() {
        let gateway = Gateway::new(Pubkey::new_from_array([7; 32]));
        let (payer, checkpoint) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
        let certified = Certified {
            hub_id: HubId(B256::ZERO),
            kind: CheckpointKind::Rotation,
            epoch: Epoch(1),
            valset_hash: B256::ZERO,
            height: Height(1),
            time: Timestamp(1),
            outbox_root: B256::repeat_byte(3),
            state_root: B256::ZERO,
        };
        let verify = gateway.verify_checkpoint(payer, (1, checkpoint), &Header::from(&certified), &[1]);
        let proof = LeafProof { count: 1, index: 0, nodes: Vec::new() };
        let rotate = gateway.rotate(payer, (1, checkpoint), (2, [4; 32], 9), &proof);
        assert_eq!(opened(&[verify.clone(), rotate.clone()]), Some(B256::from(checkpoint.to_bytes())));
        assert_eq!(opened(std::slice::from_ref(&rotate)), None);
        assert!(is_named(&[rotate], &checkpoint) && !is_named(&[verify], &gateway.escrow));
    }
}
