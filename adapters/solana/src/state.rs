//! Accounts of the gateway program and of token programs, as far as they are read here.

use borsh::BorshDeserialize;
use infrastrukt_types::{Address, Nonce, Scheme, Validator, ValidatorSet};
use solana_pubkey::Pubkey;

use crate::{
    address::{PAGE_NONCES, TOKEN_2022, TOKEN_PROGRAM},
    discriminator::{self, Discriminator},
    rpc::AccountState,
};

/// Members of a set whose account is read at most.
const MEMBERS_MAX: u16 = 32;

/// Bytes of a page before its bits: discriminator, kind, bump, padding, chain, index.
const PAGE_HEAD: usize = 8 + 1 + 1 + 6 + 8 + 8;

/// Offset of the amount in a token account, and of the decimals in a mint.
const TOKEN_AMOUNT_AT: usize = 64;
const MINT_DECIMALS_AT: usize = 44;

/// Bytes of a mint or token account up to which it has no extensions, and where those begin.
const MINT_LEN: usize = 82;
const EXTENSIONS_AT: usize = 166;
/// The extension that holds a token's name and ticker.
const METADATA_EXTENSION: u16 = 19;

/// Why an account is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StateError {
    #[error("{key} belongs to {owner}, not to {expected}: the address or the program is another one")]
    Owner { key: Pubkey, owner: Pubkey, expected: Pubkey },
    #[error("{0} is no {1} of this version of the gateway")]
    Malformed(Pubkey, &'static str),
}

/// An account of the gateway with its own discriminator and fields.
pub(crate) trait GatewayAccount: BorshDeserialize {
    const NAME: &'static str;
    const DISCRIMINATOR: Discriminator;
}

macro_rules! gateway_account {
    ($name:ident, $discriminator:ident) => {
        impl GatewayAccount for $name {
            const NAME: &'static str = stringify!($name);
            const DISCRIMINATOR: Discriminator = discriminator::account::$discriminator;
        }
    };
}

/// Settings.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) hub_id: [u8; 32],
    pub(crate) chain: u64,
    pub(crate) owner: [u8; 32],
    pub(crate) recovery_owner: [u8; 32],
    pub(crate) guardian: [u8; 32],
    pub(crate) grace: u64,
    pub(crate) min_escape_window: u64,
    pub(crate) max_lock_horizon: u64,
    pub(crate) current_epoch: u64,
    pub(crate) min_validators: u16,
    pub(crate) paused: u8,
}

/// The term of one validator set; its members follow, once they were published.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct EpochHead {
    pub(crate) number: u64,
    pub(crate) valset_hash: [u8; 32],
    pub(crate) retired_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) count: u16,
    pub(crate) bump: u8,
}

/// A checkpoint whose certificate was counted, in part or whole.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) digest: [u8; 32],
    pub(crate) kind: u8,
    pub(crate) epoch: u64,
    pub(crate) height: u64,
    pub(crate) time: u64,
    pub(crate) outbox_root: [u8; 32],
    pub(crate) signed_weight: u128,
    pub(crate) signed: u32,
    pub(crate) verified: bool,
    pub(crate) opened_at: u64,
    pub(crate) payer: [u8; 32],
    pub(crate) bump: u8,
}

/// Another chain.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) chain: u64,
    pub(crate) gateway: [u8; 32],
    pub(crate) bridge_peer: [u8; 32],
    pub(crate) nonce: u64,
    pub(crate) max_gas_limit: u32,
    pub(crate) max_payload: u16,
    pub(crate) flags: u8,
    pub(crate) base_fee: u64,
    pub(crate) fee_per_gas_micro: u64,
    pub(crate) valid_until: u64,
    pub(crate) bump: u8,
}

/// A locked leg.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) state: u8,
    pub(crate) bump: u8,
    pub(crate) escape_requested_at: u64,
}

/// What is owed to somebody.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credit {
    pub(crate) purse: u8,
    pub(crate) bump: u8,
    pub(crate) account: [u8; 32],
    pub(crate) token: [u8; 32],
    pub(crate) amount: u64,
    pub(crate) payer: [u8; 32],
}

/// A token that the gateway knows.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asset {
    pub(crate) mint: [u8; 32],
    pub(crate) token_program: [u8; 32],
    pub(crate) decimals: u8,
    pub(crate) bump: u8,
    pub(crate) escrow_vault: [u8; 32],
    pub(crate) bridge_vault: [u8; 32],
}

/// A token's way to another chain; its books follow.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) chain: u64,
    pub(crate) token: [u8; 32],
    pub(crate) remote_token: [u8; 32],
    pub(crate) kind: u8,
    pub(crate) local_decimals: u8,
    pub(crate) wire_decimals: u8,
    pub(crate) bump: u8,
    pub(crate) receive_gas: u64,
}

/// The token here that belongs to one elsewhere.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) token: [u8; 32],
}

gateway_account!(Pair, PAIR);
gateway_account!(Config, CONFIG);
gateway_account!(EpochHead, EPOCH);
gateway_account!(Checkpoint, CHECKPOINT);
gateway_account!(Target, TARGET);
gateway_account!(Lock, LOCK);
gateway_account!(Credit, CREDIT);
gateway_account!(Asset, ASSET);
gateway_account!(Route, ROUTE);

impl Route {
    /// The kind of a route that mints what arrives.
    pub(crate) const MINT: u8 = 2;
}

/// An epoch with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub(crate) head: EpochHead,
    /// `None` until somebody published them.
    pub(crate) set: Option<ValidatorSet>,
}

/// A token's decimals and where its ticker may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mint {
    pub(crate) token_program: Pubkey,
    pub(crate) decimals: u8,
    /// The ticker, where the mint itself has one.
    pub(crate) symbol: Option<String>,
}

/// Reads an account of the gateway.
pub(crate) fn read<T: GatewayAccount>(program: &Pubkey, key: &Pubkey, account: &AccountState) -> Result<T, StateError> {
    let mut fields = fields(program, key, account, T::DISCRIMINATOR, T::NAME)?;
    T::deserialize(&mut fields).map_err(|_| StateError::Malformed(*key, T::NAME))
}

/// Reads an epoch with its members.
pub(crate) fn read_epoch(program: &Pubkey, key: &Pubkey, account: &AccountState) -> Result<Epoch, StateError> {
    let malformed = || StateError::Malformed(*key, EpochHead::NAME);
    let mut rest = fields(program, key, account, EpochHead::DISCRIMINATOR, EpochHead::NAME)?;
    let head = EpochHead::deserialize(&mut rest).map_err(|_| malformed())?;
    if head.count > MEMBERS_MAX {
        return Err(malformed());
    }
    let mut members = Vec::with_capacity(usize::from(head.count));
    for _ in 0..head.count {
        let (address, weight) = <([u8; 20], [u8; 8])>::deserialize(&mut rest).map_err(|_| malformed())?;
        members.push(Validator { address: Address::from(address), weight: u64::from_be_bytes(weight) });
    }
    if members.is_empty() {
        return Ok(Epoch { head, set: None });
    }
    let set = ValidatorSet::try_from(members).map_err(|_| malformed())?;
    if set.hash(Scheme::Ecdsa).0 != head.valset_hash {
        return Err(malformed());
    }
    Ok(Epoch { head, set: Some(set) })
}

/// Whether the bit of a nonce is set in its page. A page that is not there has none set.
pub(crate) fn bit(
    program: &Pubkey,
    key: &Pubkey,
    page: Option<&AccountState>,
    nonce: Nonce,
) -> Result<bool, StateError> {
    let Some(account) = page else { return Ok(false) };
    fields(program, key, account, discriminator::account::PAGE, "Page")?;
    let at = nonce.0 % PAGE_NONCES;
    let byte = usize::try_from(at / 8).ok().and_then(|at| account.data.get(PAGE_HEAD + at));
    let byte = byte.ok_or(StateError::Malformed(*key, "Page"))?;
    Ok(byte & (1 << (at % 8)) != 0)
}

/// The amount in a token account; nothing where there is none.
pub(crate) fn token_amount(key: &Pubkey, account: Option<&AccountState>) -> Result<u64, StateError> {
    let Some(account) = account else { return Ok(0) };
    if account.owner != TOKEN_PROGRAM && account.owner != TOKEN_2022 {
        return Ok(0);
    }
    let bytes = account.data.get(TOKEN_AMOUNT_AT..TOKEN_AMOUNT_AT + 8).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u64::from_le_bytes).ok_or(StateError::Malformed(*key, "token account"))
}

/// A mint of either token program.
pub(crate) fn mint(key: &Pubkey, account: &AccountState) -> Result<Mint, StateError> {
    let malformed = || StateError::Malformed(*key, "mint");
    let token_program = account.owner;
    if (token_program != TOKEN_PROGRAM && token_program != TOKEN_2022) || account.data.len() < MINT_LEN {
        return Err(malformed());
    }
    let decimals = account.data.get(MINT_DECIMALS_AT).copied().ok_or_else(malformed)?;
    Ok(Mint { token_program, decimals, symbol: own_symbol(&account.data) })
}

/// The ticker in a mint's own metadata: a list of type, length and value.
fn own_symbol(mint: &[u8]) -> Option<String> {
    let mut rest = mint.get(EXTENSIONS_AT..)?;
    while let [k0, k1, l0, l1, tail @ ..] = rest {
        let (kind, length) = (u16::from_le_bytes([*k0, *k1]), usize::from(u16::from_le_bytes([*l0, *l1])));
        let value = tail.get(..length)?;
        if kind == METADATA_EXTENSION {
            // Update authority and mint, then name and ticker.
            return text_after(value.get(64..)?);
        }
        rest = &tail[length..];
    }
    None
}

/// The ticker in a Metaplex account: a key byte, update authority and mint, then name and ticker.
pub(crate) fn metadata_symbol(data: &[u8]) -> Option<String> {
    text_after(data.get(65..)?)
}

/// The second of two strings, each after its length.
fn text_after(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    let _name = String::deserialize(&mut rest).ok()?;
    let symbol = String::deserialize(&mut rest).ok()?;
    let symbol: String = symbol.chars().filter(char::is_ascii_graphic).collect();
    (!symbol.is_empty()).then_some(symbol)
}

fn fields<'a>(
    program: &Pubkey,
    key: &Pubkey,
    account: &'a AccountState,
    discriminator: Discriminator,
    name: &'static str,
) -> Result<&'a [u8], StateError> {
    if account.owner != *program {
        return Err(StateError::Owner { key: *key, owner: account.owner, expected: *program });
    }
    account.data.strip_prefix(&discriminator).ok_or(StateError::Malformed(*key, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Pubkey = Pubkey::new_from_array([7; 32]);
    const KEY: Pubkey = Pubkey::new_from_array([8; 32]);

    fn account(discriminator: Discriminator, fields: &[u8]) -> AccountState {
        let data = [discriminator.as_slice(), fields].concat();
        AccountState { lamports: 1, owner: PROGRAM, data, executable: false }
    }

    #[test]
    fn accounts_of_others_are_refused() {
        let mut lock = account(discriminator::account::LOCK, &[1, 255, 9, 0, 0, 0, 0, 0, 0, 0]);
        let read_lock = |lock: &AccountState| read::<Lock>(&PROGRAM, &KEY, lock);
        assert_eq!(read_lock(&lock), Ok(Lock { state: 1, bump: 255, escape_requested_at: 9 }));
        lock.owner = KEY;
        assert!(matches!(read_lock(&lock), Err(StateError::Owner { .. })));
        let other = account(discriminator::account::CREDIT, &[0; 200]);
        assert_eq!(read_lock(&other), Err(StateError::Malformed(KEY, "Lock")));
        assert_eq!(read_lock(&account(discriminator::account::LOCK, &[1])), Err(StateError::Malformed(KEY, "Lock")));
    }

    #[test]
    fn bits_are_found_where_the_program_sets_them() {
        let mut page = account(discriminator::account::PAGE, &[0; 24 + 1024]);
        assert_eq!(page.data.len(), 1056);
        page.data[PAGE_HEAD + 2] = 0b0000_1000;
        let is_set = |nonce| bit(&PROGRAM, &KEY, Some(&page), Nonce(nonce)).expect("reads");
        assert!(is_set(19) && is_set(8_192 + 19));
        assert!(!is_set(18) && !is_set(20) && !is_set(0) && !is_set(8_191));
        assert_eq!(bit(&PROGRAM, &KEY, None, Nonce(19)), Ok(false));
    }

    #[test]
    fn an_epoch_must_have_the_hash_of_its_members() {
        let members = vec![Validator { address: Address::repeat_byte(1), weight: 5 }];
        let set = ValidatorSet::try_from(members).expect("is a set");
        let head = |hash: [u8; 32], count: u16| {
            let numbers = [1u64.to_le_bytes(), 0u64.to_le_bytes(), 9u64.to_le_bytes()];
            [numbers[0].as_slice(), &hash, &numbers[1], &numbers[2], &count.to_le_bytes(), &[255]].concat()
        };
        let members = &set.encode(Scheme::Ecdsa)[3..];
        let read = |fields: &[u8]| read_epoch(&PROGRAM, &KEY, &account(discriminator::account::EPOCH, fields));
        let hash = set.hash(Scheme::Ecdsa).0;
        let full = read(&[head(hash, 1).as_slice(), members].concat()).expect("reads");
        assert_eq!((full.head.expires_at, full.set), (9, Some(set)));
        assert_eq!(read(&head(hash, 0)).expect("reads").set, None);
        assert!(read(&[head([3; 32], 1).as_slice(), members].concat()).is_err());
        assert!(read(&head(hash, 1)).is_err());
    }

    #[test]
    fn tickers_are_found_in_the_mint_and_beside_it() {
        let text = |text: &str| {
            let length = u32::try_from(text.len()).expect("is short").to_le_bytes();
            [length.as_slice(), text.as_bytes()].concat()
        };
        let words = [text("Development"), text("DEV\0\0")].concat();
        let mut data = vec![0; EXTENSIONS_AT];
        data[MINT_DECIMALS_AT] = 6;
        data.extend([3, 0, 1, 0, 7]);
        let length = u16::try_from(64 + words.len()).expect("short").to_le_bytes();
        data.extend([[19, 0], length].concat());
        data.extend([[0; 64].as_slice(), &words].concat());
        let account = AccountState { lamports: 1, owner: TOKEN_2022, data, executable: false };
        let found = mint(&KEY, &account).expect("reads");
        assert_eq!((found.decimals, found.symbol.as_deref()), (6, Some("DEV")));
        assert_eq!(metadata_symbol(&[[4; 65].as_slice(), &words].concat()).as_deref(), Some("DEV"));
    }
}
