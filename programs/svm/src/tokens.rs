//! Mints and token accounts of both token programs, hostile ones included, written as the token programs store them.

use solana_account::Account;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::{Chain, SYSTEM, key_named};

/// The first token program.
pub const TOKEN_LEGACY: Address = Address::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// The one with extensions.
pub const TOKEN_2022: Address = Address::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
const ASSOCIATED: Address = Address::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

const MINT_BYTES: usize = 82;
/// Where the account type stands, after the longest account without extensions.
const TYPE_AT: usize = 165;
const TYPE_MINT: u8 = 1;
const FROZEN: u8 = 2;

/// A mint and its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRef {
    /// The mint.
    pub mint: Address,
    /// The program that it belongs to.
    pub program: Address,
}

/// What a Token-2022 mint may do to those who hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Keeps a part of every transfer.
    TransferFee,
    /// Can be closed, and made anew as something else.
    CloseAuthority,
    /// Holds balances that nobody sees.
    ConfidentialTransfer,
    /// Every new account is frozen.
    DefaultFrozen,
    /// Stays where it is.
    NonTransferable,
    /// Shows more than there is as time goes on.
    InterestBearing,
    /// Somebody may move everybody's.
    PermanentDelegate,
    /// A program of the issuer's decides on every transfer.
    TransferHook,
    /// Points to its name and picture.
    MetadataPointer,
    /// Shows a multiple of what there is.
    ScaledUiAmount,
    /// Somebody may stop all transfers.
    Pausable,
}

impl Extension {
    /// Every extension that the tests know.
    pub const ALL: [Self; 11] = [
        Self::TransferFee,
        Self::CloseAuthority,
        Self::ConfidentialTransfer,
        Self::DefaultFrozen,
        Self::NonTransferable,
        Self::InterestBearing,
        Self::PermanentDelegate,
        Self::TransferHook,
        Self::MetadataPointer,
        Self::ScaledUiAmount,
        Self::Pausable,
    ];

    /// Its number in the token program, and what it holds where `authority` has every power.
    fn entry(self, authority: &Address) -> (u16, Vec<u8>) {
        let power: &[u8] = authority.as_ref();
        match self {
            Self::TransferFee => (1, [power, power, &[0; 8], &fee(0), &fee(0)].concat()),
            Self::CloseAuthority => (3, power.to_vec()),
            Self::ConfidentialTransfer => (4, [power, &[1], &[0; 32]].concat()),
            Self::DefaultFrozen => (6, vec![FROZEN]),
            Self::NonTransferable => (9, Vec::new()),
            Self::InterestBearing => (10, [power, &[0; 20]].concat()),
            Self::PermanentDelegate => (12, power.to_vec()),
            Self::TransferHook => (14, [power, &[0; 32]].concat()),
            Self::MetadataPointer => (18, [power, power].concat()),
            Self::ScaledUiAmount => (25, [power, &1f64.to_le_bytes(), &[0; 8], &1f64.to_le_bytes()].concat()),
            Self::Pausable => (26, [power, &[0]].concat()),
        }
    }
}

/// One percent, at most 5,000 units, from an epoch on.
fn fee(epoch: u64) -> Vec<u8> {
    [&epoch.to_le_bytes()[..], &5_000u64.to_le_bytes(), &100u16.to_le_bytes()].concat()
}

/// What a mint is made of.
#[derive(Clone, Copy, Debug)]
pub struct MintArgs<'a> {
    /// Who may make more.
    pub mint_authority: Option<Address>,
    /// Who may freeze.
    pub freeze_authority: Option<Address>,
    /// Decimals.
    pub decimals: u8,
    /// Units that there are.
    pub supply: u64,
    /// What it may do, in Token-2022.
    pub extensions: &'a [Extension],
}

impl MintArgs<'_> {
    /// A mint of the issuer's, who may freeze as well.
    pub fn of(decimals: u8) -> Self {
        let issuer = Some(issuer().pubkey());
        Self { mint_authority: issuer, freeze_authority: issuer, decimals, supply: 0, extensions: &[] }
    }
}

/// Who issues tokens here.
pub fn issuer() -> Keypair {
    key_named("issuer")
}

/// The associated account of an owner.
pub fn associated(owner: &Address, token: TokenRef) -> Address {
    Address::find_program_address(&[owner.as_ref(), token.program.as_ref(), token.mint.as_ref()], &ASSOCIATED).0
}

/// Makes the associated account of an owner unless it is there.
pub fn open_associated(payer: Address, owner: Address, token: TokenRef) -> Instruction {
    let accounts = vec![
        AccountMeta::new(payer, true),
        AccountMeta::new(associated(&owner, token), false),
        AccountMeta::new_readonly(owner, false),
        AccountMeta::new_readonly(token.mint, false),
        AccountMeta::new_readonly(SYSTEM, false),
        AccountMeta::new_readonly(token.program, false),
    ];
    Instruction { program_id: ASSOCIATED, accounts, data: vec![1] }
}

fn mint_data(args: &MintArgs<'_>) -> Vec<u8> {
    let option = |key: Option<Address>| match key {
        Some(key) => [&1u32.to_le_bytes()[..], &key.to_bytes()].concat(),
        None => vec![0; 36],
    };
    let mut data = option(args.mint_authority);
    data.extend(args.supply.to_le_bytes());
    data.extend([args.decimals, 1]);
    data.extend(option(args.freeze_authority));
    assert_eq!(data.len(), MINT_BYTES, "a mint has this size");
    if !args.extensions.is_empty() {
        data.resize(TYPE_AT, 0);
        data.push(TYPE_MINT);
    }
    for extension in args.extensions {
        let (number, value) = extension.entry(&issuer().pubkey());
        data.extend(number.to_le_bytes());
        data.extend(u16::try_from(value.len()).expect("extensions are short").to_le_bytes());
        data.extend(value);
    }
    data
}

impl Chain {
    /// Puts a mint there.
    pub fn put_mint(&mut self, name: &str, program: Address, args: &MintArgs<'_>) -> TokenRef {
        let token = TokenRef { mint: key_named(name).pubkey(), program };
        let data = mint_data(args);
        let account = Account { lamports: self.rent(data.len()), data, owner: program, ..Account::default() };
        self.put(token.mint, account);
        token
    }

    /// Makes an owner's associated account.
    pub fn open_account(&mut self, owner: Address, token: TokenRef) -> Address {
        let payer = self.payer.pubkey();
        self.done(&[open_associated(payer, owner, token)], &[]);
        associated(&owner, token)
    }

    /// Mints to an account, by the issuer.
    pub fn mint_to(&mut self, token: TokenRef, account: Address, amount: u64) {
        let data = [&[7][..], &amount.to_le_bytes()].concat();
        self.by_issuer(token, vec![AccountMeta::new(token.mint, false), AccountMeta::new(account, false)], data);
    }

    /// Freezes an account, by the issuer.
    pub fn freeze(&mut self, token: TokenRef, account: Address) {
        self.by_issuer(
            token,
            vec![AccountMeta::new(account, false), AccountMeta::new_readonly(token.mint, false)],
            vec![10],
        );
    }

    /// Thaws an account, by the issuer.
    pub fn thaw(&mut self, token: TokenRef, account: Address) {
        self.by_issuer(
            token,
            vec![AccountMeta::new(account, false), AccountMeta::new_readonly(token.mint, false)],
            vec![11],
        );
    }

    /// Lets an associated account of Token-2022 take nothing that no memo comes before.
    pub fn demand_memos(&mut self, address: Address) {
        let mut account = self.account(&address).expect("it was opened");
        // Extension 8, of one byte, switched on.
        account.data.extend([8, 0, 1, 0, 1]);
        account.lamports = self.rent(account.data.len());
        self.put(address, account);
    }

    fn by_issuer(&mut self, token: TokenRef, mut accounts: Vec<AccountMeta>, data: Vec<u8>) {
        let issuer = issuer();
        accounts.push(AccountMeta::new_readonly(issuer.pubkey(), true));
        self.done(&[Instruction { program_id: token.program, accounts, data }], &[&issuer]);
    }

    /// Units in a token account; zero where there is none.
    pub fn tokens(&self, account: &Address) -> u64 {
        self.account(account).map_or(0, |account| number(&account.data[64..72]))
    }

    /// Units that there are.
    pub fn supply(&self, token: TokenRef) -> u64 {
        self.account(&token.mint).map_or(0, |account| number(&account.data[36..44]))
    }
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}

/// Gives an associated account away: the legacy program lets its owner do that.
pub fn give_account_away(owner: &Address, token: TokenRef, new_owner: &Address) -> Instruction {
    let accounts = vec![AccountMeta::new(associated(owner, token), false), AccountMeta::new_readonly(*owner, true)];
    let data = [&[6, 2, 1][..], &new_owner.to_bytes()].concat();
    Instruction { program_id: token.program, accounts, data }
}

/// Closes a token account of its owner's.
pub fn close_account(account: Address, destination: Address, owner: Address, token: TokenRef) -> Instruction {
    let accounts = vec![
        AccountMeta::new(account, false),
        AccountMeta::new(destination, false),
        AccountMeta::new_readonly(owner, true),
    ];
    Instruction { program_id: token.program, accounts, data: vec![9] }
}

/// Moves tokens between accounts.
pub fn transfer(from: Address, to: Address, owner: Address, token: TokenRef, amount: u64) -> Instruction {
    let accounts =
        vec![AccountMeta::new(from, false), AccountMeta::new(to, false), AccountMeta::new_readonly(owner, true)];
    Instruction { program_id: token.program, accounts, data: [&[3][..], &amount.to_le_bytes()].concat() }
}
