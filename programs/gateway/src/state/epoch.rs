use anchor_lang::prelude::*;
use infrastrukt_core::valset::{Members, MEMBER_BYTES};

use crate::{
    addresses::{self, Placed, EPOCH_SEED},
    errors::{ensure, GatewayError},
};

/// One validator set's term. The members, once published, follow the fields as raw bytes, so that instructions that do
/// not judge signatures never read them.
#[account]
#[derive(InitSpace)]
pub struct Epoch {
    /// From 1.
    pub number: u64,
    /// Names the set.
    pub valset_hash: [u8; 32],
    /// When the next epoch took over, Unix seconds; 0 while this one is current.
    pub retired_at: u64,
    /// Last second at which the set can certify anything.
    pub expires_at: u64,
    /// Members published; 0 before.
    pub count: u16,
    /// Of its address.
    pub bump: u8,
}

impl Placed for Epoch {
    fn address(&self) -> Pubkey {
        addresses::of(&[EPOCH_SEED, &self.number.to_le_bytes()], self.bump)
    }
}

impl Epoch {
    /// Bytes before the members.
    pub const HEAD: usize = 8 + Self::INIT_SPACE;

    /// Bytes of the account with `count` members.
    pub fn space(count: usize) -> usize {
        Self::HEAD + count * MEMBER_BYTES
    }

    /// The members in the account's data; refused before they are published.
    pub fn members<'a>(&self, data: &'a [u8]) -> Result<Members<'a>> {
        ensure!(self.count != 0, GatewayError::InvalidValidatorSet);
        let members = data.get(Self::HEAD..Self::space(usize::from(self.count)));
        Ok(Members::stored(members.ok_or(GatewayError::InvalidValidatorSet)?))
    }

    /// Refuses after the set has lost all power.
    pub fn require_alive(&self, now: u64) -> Result<()> {
        ensure!(now <= self.expires_at, GatewayError::ExpiredEpoch);
        Ok(())
    }

    /// Refuses unless the set speaks now, for leaves of every kind but decisions.
    pub fn require_current(&self, now: u64) -> Result<()> {
        self.require_alive(now)?;
        ensure!(self.retired_at == 0, GatewayError::RetiredEpoch);
        Ok(())
    }

    /// Refuses unless the set's decisions count: of the current epoch, or of a retired one for `grace` seconds.
    pub fn require_deciding(&self, now: u64, grace: u64) -> Result<()> {
        self.require_alive(now)?;
        let is_counted = self.retired_at == 0 || now <= self.retired_at.saturating_add(grace);
        ensure!(is_counted, GatewayError::RetiredEpoch);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(retired_at: u64) -> Epoch {
        Epoch { number: 1, valset_hash: [1; 32], retired_at, expires_at: 1_000, count: 0, bump: 255 }
    }

    #[test]
    fn a_set_speaks_until_it_expires_or_is_retired() {
        assert!(epoch(0).require_current(1_000).is_ok());
        assert!(epoch(0).require_current(1_001).is_err());
        assert!(epoch(500).require_current(500).is_err());
    }

    #[test]
    fn decisions_of_a_retired_set_count_for_the_grace_and_never_after_its_expiry() {
        assert!(epoch(0).require_deciding(1_000, 10).is_ok());
        assert!(epoch(500).require_deciding(510, 10).is_ok());
        assert!(epoch(500).require_deciding(511, 10).is_err());
        assert!(epoch(500).require_deciding(1_001, 1_000).is_err());
        assert!(epoch(500).require_deciding(900, u64::MAX).is_ok());
    }

    #[test]
    fn members_are_read_only_when_they_are_published_and_whole() {
        let mut epoch = epoch(0);
        let data = vec![3; Epoch::space(2)];
        assert!(epoch.members(&data).is_err());
        epoch.count = 2;
        assert_eq!(epoch.members(&data).map(|members| members.count()).ok(), Some(2));
        epoch.count = 3;
        assert!(epoch.members(&data).is_err());
    }
}
