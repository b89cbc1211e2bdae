//! Rotations, and approvals of token programs.

use infrastrukt_evm::CallError;
use infrastrukt_ports::{CertifiedLeaves, PortError};
use infrastrukt_types::{Account, Amount, B256, Epoch, Leaf, Timestamp};

use super::{Draft, Group, Planner};
use crate::{
    address::{associated_token, pubkey_of},
    instruction::approve,
};

impl Planner<'_> {
    /// Hands over to the next epoch. Its members are published with the first certificate that they sign.
    pub(super) async fn rotate(
        &self,
        certified: &CertifiedLeaves,
        (epoch, valset_hash, expires_at): (u64, B256, Timestamp),
    ) -> Result<Draft, CallError> {
        let leaf = Leaf::Rotate { epoch: Epoch(epoch), valset_hash, expires_at };
        let certificate = self.site.certificate(certified, &[leaf])?;
        let mut groups = self.prelude(&certificate).await?;
        let by = (certificate.epoch, certificate.key);
        let next = (epoch, valset_hash.0, expires_at.0);
        groups.push(Group::whole(self.site.gateway.rotate(self.payer, by, next, &certificate.tree.one(0))));
        Ok(Draft { groups, ..Draft::default() })
    }

    /// Lets somebody take tokens. The gateway itself needs no approval: whoever locks or bridges signs for it.
    pub(super) async fn approve(&self, token: Account, spender: Account, amount: Amount) -> Result<Draft, CallError> {
        let spender = pubkey_of(spender);
        let Some((mint, token_program)) = self.token(pubkey_of(token)).await? else {
            return Err(PortError::reject("approve names a token; the native coin needs none").into());
        };
        let units =
            || PortError::reject(format!("the amount of {amount} is above 2^64 - 1, the most that Solana counts"));
        let amount = u64::try_from(amount.0).map_err(|_| units())?;
        let source = associated_token(&self.payer, &mint, &token_program);
        Ok(Group::whole(approve(token_program, source, spender, self.payer, amount)).into())
    }
}
