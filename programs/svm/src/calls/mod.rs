//! Every instruction, with its accounts as an honest caller names them. Tests bend what comes out of here.

mod admin;
mod bridge;
mod escrow;
mod messages;
mod verifier;

pub use admin::*;
pub use bridge::*;
pub use escrow::*;
pub use messages::*;
pub use verifier::*;

use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

use crate::{
    data::Data,
    pda::{self, PROGRAM, SYSTEM},
};

/// Accounts of an instruction under construction, in order.
#[derive(Default)]
struct Accounts(Vec<AccountMeta>);

impl Accounts {
    fn add(mut self, key: Address, is_signer: bool, is_writable: bool) -> Self {
        self.0.push(AccountMeta { pubkey: key, is_signer, is_writable });
        self
    }

    fn read(self, key: Address) -> Self {
        self.add(key, false, false)
    }

    fn write(self, key: Address) -> Self {
        self.add(key, false, true)
    }

    fn signer(self, key: Address) -> Self {
        self.add(key, true, false)
    }

    fn payer(self, key: Address) -> Self {
        self.add(key, true, true)
    }

    fn system(self) -> Self {
        self.read(SYSTEM)
    }

    /// What an instruction needs that reports events.
    fn events(self) -> Self {
        self.read(pda::event_authority()).read(PROGRAM)
    }

    fn call(self, data: Data) -> Instruction {
        Instruction { program_id: PROGRAM, accounts: self.0, data: data.0 }
    }
}

/// One thing wrong with an instruction.
pub trait Bend: Sized {
    /// Names `other` wherever `account` stood.
    #[must_use]
    fn substitute(self, account: Address, other: Address) -> Self;
    /// Takes the signature of an account away.
    #[must_use]
    fn unsigned(self, account: Address) -> Self;
    /// Names an account for reading only.
    #[must_use]
    fn read_only(self, account: Address) -> Self;
    /// Leaves the last bytes of the data out.
    #[must_use]
    fn cut(self, bytes: usize) -> Self;
    /// Leaves the last accounts out.
    #[must_use]
    fn without_last(self, accounts: usize) -> Self;
}

impl Bend for Instruction {
    fn substitute(mut self, account: Address, other: Address) -> Self {
        change(&mut self, account, |meta| meta.pubkey = other);
        self
    }

    fn unsigned(mut self, account: Address) -> Self {
        change(&mut self, account, |meta| meta.is_signer = false);
        self
    }

    fn read_only(mut self, account: Address) -> Self {
        change(&mut self, account, |meta| meta.is_writable = false);
        self
    }

    fn cut(mut self, bytes: usize) -> Self {
        self.data.truncate(self.data.len() - bytes);
        self
    }

    fn without_last(mut self, accounts: usize) -> Self {
        self.accounts.truncate(self.accounts.len() - accounts);
        self
    }
}

/// Changes an account wherever it stands.
fn change(call: &mut Instruction, account: Address, change: impl Fn(&mut AccountMeta)) {
    let mut is_named = false;
    for meta in call.accounts.iter_mut().filter(|meta| meta.pubkey == account) {
        change(meta);
        is_named = true;
    }
    assert!(is_named, "{account} is not among the accounts");
}
