//! Addresses that the program derives.

use solana_address::Address;

use crate::wire::Word;

/// The program, on development networks.
pub const PROGRAM: Address = Address::from_str_const("4Kpiu7PNcHtFEpgAu5tkqsPB7whtMAsDbN9m1jUPR3tQ");
/// The system program.
pub const SYSTEM: Address = Address::new_from_array([0; 32]);
/// SOL where a token is named.
pub const SOL: Word = [0; 32];

/// Replay bits of messages that were delivered or expired.
pub const CONSUMED: u8 = 0;
/// Replay bits of messages that were refunded.
pub const REFUNDED: u8 = 1;
/// Nonces in a page.
pub const PAGE_NONCES: u64 = 8_192;

/// Whose money a purse holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purse {
    /// Locks and credits of deals.
    Escrow,
    /// What the token routes hold.
    Bridge,
}

impl Purse {
    /// Its byte in seeds and accounts.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Escrow => 0,
            Self::Bridge => 1,
        }
    }

    /// Its address.
    pub fn address(self) -> Address {
        match self {
            Self::Escrow => escrow(),
            Self::Bridge => bridge(),
        }
    }
}

/// The address of some seeds, and its bump.
pub fn derive(seeds: &[&[u8]]) -> (Address, u8) {
    Address::find_program_address(seeds, &PROGRAM)
}

fn pda(seeds: &[&[u8]]) -> Address {
    derive(seeds).0
}

/// Who may do what, and until when.
pub fn config() -> Address {
    pda(&[b"config"])
}

/// The purse of the escrow, which is the escrow of legs.
pub fn escrow() -> Address {
    pda(&[b"escrow"])
}

/// The purse of the bridge, which is the peer of other bridges.
pub fn bridge() -> Address {
    pda(&[b"bridge"])
}

/// The purse of the fees.
pub fn fees() -> Address {
    pda(&[b"fees"])
}

/// What signs events.
pub fn event_authority() -> Address {
    pda(&[b"__event_authority"])
}

/// An epoch's set.
pub fn epoch(number: u64) -> Address {
    pda(&[b"epoch", &number.to_le_bytes()])
}

/// What is known of a checkpoint.
pub fn checkpoint(digest: &Word) -> Address {
    pda(&[b"checkpoint", digest])
}

/// Another chain.
pub fn target(chain: u64) -> Address {
    pda(&[b"target", &chain.to_le_bytes()])
}

/// The replay bits around a nonce.
pub fn page(kind: u8, chain: u64, nonce: u64) -> Address {
    pda(&[b"page", &[kind], &chain.to_le_bytes(), &(nonce / PAGE_NONCES).to_le_bytes()])
}

/// A message that waits for its recipient.
pub fn inbox(id: &Word) -> Address {
    pda(&[b"inbox", id])
}

/// The news for a sender that its message expired.
pub fn notice(id: &Word) -> Address {
    pda(&[b"notice", id])
}

/// A lock.
pub fn lock(key: &Word) -> Address {
    pda(&[b"lock", key])
}

/// What a purse owes somebody.
pub fn credit(purse: Purse, account: &Word, token: &Word) -> Address {
    pda(&[b"credit", &[purse.byte()], account, token])
}

/// A token that the program knows.
pub fn asset(mint: &Word) -> Address {
    pda(&[b"asset", mint])
}

/// A token's way to a chain.
pub fn route(chain: u64, mint: &Word) -> Address {
    pda(&[b"route", &chain.to_le_bytes(), mint])
}

/// Which token here a remote token is.
pub fn pair(chain: u64, remote_token: &Word) -> Address {
    pda(&[b"pair", &chain.to_le_bytes(), remote_token])
}
