//! The chain's clock, as its own account shows it.

use infrastrukt_evm::CallError;

use crate::{
    address::CLOCK,
    rpc::{AccountState, Commitment, Endpoint},
};

/// Where the clock has its Unix time.
const TIME_AT: usize = 32;

/// A moment of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) slot: u64,
    /// Unix time in seconds.
    pub(crate) time: u64,
}

impl Clock {
    /// Reads the clock's account; `None` where there is none, or it is no clock.
    pub(crate) fn read(account: Option<&AccountState>) -> Option<Self> {
        let data = &account?.data;
        let slot = u64::from_le_bytes(data.first_chunk().copied()?);
        let time = i64::from_le_bytes(data.get(TIME_AT..)?.first_chunk().copied()?);
        Some(Self { slot, time: u64::try_from(time).ok()? })
    }
}

/// Time of the newest block that one endpoint knows.
pub(crate) async fn latest_time(endpoint: &Endpoint) -> Result<u64, CallError> {
    let clock = endpoint.account(&CLOCK, Commitment::Processed).await?;
    let missing = || CallError::retry("an endpoint does not show the chain's clock");
    Ok(Clock::read(clock.as_ref()).ok_or_else(missing)?.time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_pubkey::Pubkey;

    #[test]
    fn slot_and_time_stand_apart() {
        let numbers = [7u64, 1, 2, 3, 1_800_000_000];
        let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let mut clock = AccountState { lamports: 1, owner: Pubkey::default(), data, executable: false };
        assert_eq!(Clock::read(Some(&clock)), Some(Clock { slot: 7, time: 1_800_000_000 }));
        clock.data.pop();
        assert_eq!(Clock::read(Some(&clock)), None);
        assert_eq!(Clock::read(None), None);
    }
}
