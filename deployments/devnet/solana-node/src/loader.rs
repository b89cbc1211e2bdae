//! Accounts of a program as the upgradeable loader (loader v3) keeps them: a program account that names a data account,
//! and the data account with slot, authority and ELF. Layout: bincode of `UpgradeableLoaderState`.

use solana_address::Address;

/// The upgradeable loader, which owns both accounts.
pub(crate) const UPGRADEABLE_LOADER: Address = Address::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");

const STATE_PROGRAM: u32 = 2;
const STATE_PROGRAM_DATA: u32 = 3;
/// Bytes ahead of the ELF: state, slot, whether there is an authority, authority.
const METADATA_BYTES: usize = 4 + 8 + 1 + 32;
/// The most an account holds.
const MAX_ACCOUNT_BYTES: usize = 10 * 1024 * 1024;

/// The largest ELF that an account takes.
pub(crate) const MAX_ELF_BYTES: usize = MAX_ACCOUNT_BYTES - METADATA_BYTES;

/// Address of the account that holds the program's ELF.
pub(crate) fn data_address(program: &Address) -> Address {
    Address::find_program_address(&[program.as_ref()], &UPGRADEABLE_LOADER).0
}

/// Content of the program account.
pub(crate) fn program_content(data_address: &Address) -> Vec<u8> {
    [STATE_PROGRAM.to_le_bytes().as_slice(), data_address.as_array()].concat()
}

/// Content of the data account of a program that was deployed in slot 0. Without an authority its place stays, as the
/// loader leaves it when a program is made final.
pub(crate) fn data_content(authority: Option<&Address>, elf: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(METADATA_BYTES + elf.len());
    content.extend_from_slice(&STATE_PROGRAM_DATA.to_le_bytes());
    content.extend_from_slice(&0_u64.to_le_bytes());
    content.push(u8::from(authority.is_some()));
    content.extend_from_slice(authority.unwrap_or(&Address::default()).as_array());
    content.extend_from_slice(elf);
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elf_begins_where_the_loader_looks_for_it() {
        let authority = Address::new_from_array([7; 32]);
        for (given, flag, bytes) in [(Some(&authority), 1, [7; 32]), (None, 0, [0; 32])] {
            let content = data_content(given, b"\x7fELF");
            assert_eq!(content[..12], [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            assert_eq!(content[12], flag);
            assert_eq!(content[13..45], bytes);
            assert_eq!(&content[45..], b"\x7fELF");
        }
    }

    #[test]
    fn the_program_account_names_its_data_account() {
        let data = data_address(&Address::new_from_array([1; 32]));
        let content = program_content(&data);
        assert_eq!(content.len(), 36);
        assert_eq!(content[..4], [2, 0, 0, 0]);
        assert_eq!(content[4..], data.to_bytes());
    }
}
