//! Where the fields of mints and token accounts are, the same for both token programs.

use anchor_lang::prelude::*;

use super::{ASSOCIATED, TOKEN_2022};
use crate::errors::{ensure, GatewayError};

const HOLDING_BYTES: usize = 165;
const MINT_BYTES: usize = 82;
const MULTISIG_BYTES: usize = 355;
/// After the base of either, padded to the longer, comes the kind of account, and after that its extensions.
const KIND_AT: usize = 165;
const KIND_MINT: u8 = 1;
const KIND_HOLDING: u8 = 2;
/// Where extensions begin.
pub(super) const EXTENSIONS_AT: usize = 166;

/// A token account: whose tokens, of which mint, how many.
pub struct Holding {
    /// Of what.
    pub mint: Pubkey,
    /// Whose.
    pub owner: Pubkey,
    /// How many.
    pub amount: u64,
}

impl Holding {
    /// Reads an initialised token account of this token program.
    pub fn read(account: &AccountInfo<'_>, token_program: &Pubkey) -> Result<Self> {
        ensure!(account.owner == token_program, GatewayError::WrongToken);
        let data = account.try_borrow_data()?;
        let is_whole = data.len() == HOLDING_BYTES || is_extended(&data, token_program, KIND_HOLDING);
        // State: 0 is not initialised, 2 is frozen.
        ensure!(is_whole && data[108] != 0, GatewayError::WrongToken);
        Ok(Self { mint: key(&data, 0)?, owner: key(&data, 32)?, amount: number(&data, 64)? })
    }
}

/// What matters of a mint.
pub struct MintView {
    /// Who can mint.
    pub authority: Option<Pubkey>,
    /// How many there are.
    pub supply: u64,
    /// Of its amounts.
    pub decimals: u8,
    /// Who can freeze accounts.
    pub freeze_authority: Option<Pubkey>,
}

impl MintView {
    /// Reads an initialised mint of this token program.
    pub fn read(account: &AccountInfo<'_>, token_program: &Pubkey) -> Result<Self> {
        ensure!(account.owner == token_program, GatewayError::WrongToken);
        let data = account.try_borrow_data()?;
        let is_whole = data.len() == MINT_BYTES || is_extended(&data, token_program, KIND_MINT);
        ensure!(is_whole && data[45] == 1, GatewayError::WrongToken);
        Ok(Self {
            authority: optional_key(&data, 0)?,
            supply: number(&data, 36)?,
            decimals: data[44],
            freeze_authority: optional_key(&data, 46)?,
        })
    }
}

/// The associated token account of `owner`.
pub fn associated(owner: &Pubkey, token_program: &Pubkey, mint: &Pubkey) -> Pubkey {
    let seeds = [owner.as_ref(), token_program.as_ref(), mint.as_ref()];
    Pubkey::find_program_address(&seeds, &ASSOCIATED).0
}

fn is_extended(data: &[u8], token_program: &Pubkey, kind: u8) -> bool {
    token_program == &TOKEN_2022 && data.len() != MULTISIG_BYTES && data.get(KIND_AT) == Some(&kind)
}

fn key(data: &[u8], at: usize) -> Result<Pubkey> {
    let bytes = data.get(at..).and_then(|rest| rest.first_chunk::<32>());
    Ok(Pubkey::new_from_array(*bytes.ok_or(GatewayError::WrongToken)?))
}

/// A key behind a u32 that says whether there is one.
fn optional_key(data: &[u8], at: usize) -> Result<Option<Pubkey>> {
    let tag = data.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(GatewayError::WrongToken)?;
    if *tag == [0; 4] {
        return Ok(None);
    }
    Ok(Some(key(data, at + 4)?))
}

fn number(data: &[u8], at: usize) -> Result<u64> {
    let bytes = data.get(at..).and_then(|rest| rest.first_chunk::<8>());
    Ok(u64::from_le_bytes(*bytes.ok_or(GatewayError::WrongToken)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TOKEN;

    fn with_account<T>(owner: &Pubkey, data: &mut [u8], read: impl FnOnce(&AccountInfo<'_>) -> T) -> T {
        let (key, mut lamports) = (Pubkey::new_from_array([9; 32]), 1);
        read(&AccountInfo::new(&key, false, false, &mut lamports, data, owner, false))
    }

    fn is_holding(owner: &Pubkey, data: &[u8]) -> bool {
        with_account(owner, &mut data.to_vec(), |account| Holding::read(account, owner).is_ok())
    }

    fn is_mint(owner: &Pubkey, data: &[u8]) -> bool {
        with_account(owner, &mut data.to_vec(), |account| MintView::read(account, owner).is_ok())
    }

    fn account(bytes: usize, kind: u8) -> Vec<u8> {
        let mut data = vec![1; bytes];
        if let Some(place) = data.get_mut(KIND_AT) {
            *place = kind;
        }
        data
    }

    #[test]
    fn mints_and_token_accounts_are_never_taken_for_each_other() {
        assert!(is_holding(&TOKEN, &account(165, 0)));
        assert!(is_mint(&TOKEN, &account(82, 0)));
        assert!(!is_holding(&TOKEN, &account(82, 0)));
        assert!(!is_mint(&TOKEN, &account(165, 0)));
        assert!(is_holding(&TOKEN_2022, &account(170, KIND_HOLDING)));
        assert!(is_mint(&TOKEN_2022, &account(200, KIND_MINT)));
        assert!(!is_holding(&TOKEN_2022, &account(170, KIND_MINT)));
        assert!(!is_mint(&TOKEN_2022, &account(200, KIND_HOLDING)));
    }

    #[test]
    fn only_the_newer_program_extends_accounts_and_multisigs_are_neither() {
        assert!(!is_holding(&TOKEN, &account(170, KIND_HOLDING)));
        assert!(!is_mint(&TOKEN, &account(170, KIND_MINT)));
        assert!(!is_holding(&TOKEN_2022, &account(355, KIND_HOLDING)));
        assert!(!is_mint(&TOKEN_2022, &account(355, KIND_MINT)));
    }

    #[test]
    fn accounts_that_are_not_initialised_or_of_another_owner_are_refused() {
        assert!(!is_holding(&TOKEN, &[0; 165]));
        assert!(!is_mint(&TOKEN, &[0; 82]));
        let foreign = with_account(&crate::ID, &mut account(165, 0), |info| Holding::read(info, &TOKEN).is_ok());
        assert!(!foreign);
    }

    #[test]
    fn fields_are_where_the_token_programs_put_them() {
        let mut data = vec![0; 165];
        data[..32].fill(1);
        data[32..64].fill(2);
        data[64..72].copy_from_slice(&77u64.to_le_bytes());
        data[108] = 1;
        with_account(&TOKEN, &mut data, |account| {
            let holding = Holding::read(account, &TOKEN).expect("the account is well formed");
            assert_eq!(holding.mint, Pubkey::new_from_array([1; 32]));
            assert_eq!(holding.owner, Pubkey::new_from_array([2; 32]));
            assert_eq!(holding.amount, 77);
        });
        let mut data = vec![0; 82];
        data[0] = 1;
        data[4..36].fill(3);
        data[36..44].copy_from_slice(&55u64.to_le_bytes());
        (data[44], data[45]) = (6, 1);
        with_account(&TOKEN, &mut data, |account| {
            let mint = MintView::read(account, &TOKEN).expect("the mint is well formed");
            assert_eq!(mint.authority, Some(Pubkey::new_from_array([3; 32])));
            assert_eq!((mint.supply, mint.decimals, mint.freeze_authority), (55, 6, None));
        });
    }
}
