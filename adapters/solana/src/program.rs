//! The program's code and who may replace it: whoever trusts a deployment trusts both.

use infrastrukt_evm::CallError;
use infrastrukt_ports::{Check, CheckStatus, PortError};
use infrastrukt_types::{Account, B256};
use sha2::{Digest, Sha256};
use solana_pubkey::Pubkey;

use crate::{
    address::{account, program_data, pubkey_of},
    chain::SolanaChain,
    rpc::{Commitment, Endpoint},
};

/// Where the loader's account says whether there is an authority, and which.
const AUTHORITY_AT: usize = 12;
/// Where the code begins, whether there is an authority or not.
const CODE_AT: usize = 45;

/// What an operator expects of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpectedProgram {
    /// SHA-256 of its code without the zeros at its end, as `solana-verify` computes it.
    pub code_sha256: Option<B256>,
    /// Who may upgrade it; zero where nobody may.
    pub upgrade_authority: Option<Account>,
}

/// What the loader has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Loaded {
    code_sha256: B256,
    authority: Option<Pubkey>,
}

impl SolanaChain {
    /// Compares code and upgrade authority with what is expected, and shows them where nothing is.
    pub async fn check_program(&self, expected: &ExpectedProgram) -> Vec<Check> {
        let key = program_data(&self.config().program);
        let answer = self.quorum().any(|endpoint| async move { loaded(&endpoint, &key).await }).await;
        match answer {
            Ok(loaded) => vec![code(&loaded, expected), authority(&loaded, expected)],
            Err(error) => {
                let detail = PortError::from(error).message;
                vec![Check { name: "program code".into(), status: CheckStatus::Fail, detail }]
            }
        }
    }
}

async fn loaded(endpoint: &Endpoint, key: &Pubkey) -> Result<Loaded, CallError> {
    let found = endpoint.account(key, Commitment::Confirmed).await?;
    let found = found.and_then(|found| parse(&found.data));
    found.ok_or_else(|| PortError::reject(format!("{key} is no code of an upgradeable program: deploy it")).into())
}

fn parse(data: &[u8]) -> Option<Loaded> {
    let authority = match data.get(AUTHORITY_AT)? {
        0 => None,
        _some => Some(Pubkey::new_from_array(data.get(AUTHORITY_AT + 1..CODE_AT)?.try_into().ok()?)),
    };
    let code = data.get(CODE_AT..)?;
    let end = code.iter().rposition(|byte| *byte != 0)? + 1;
    Some(Loaded { code_sha256: B256::from_slice(&Sha256::digest(&code[..end])), authority })
}

fn code(loaded: &Loaded, expected: &ExpectedProgram) -> Check {
    let found = loaded.code_sha256;
    let (status, detail) = match expected.code_sha256 {
        Some(expected) if expected == found => (CheckStatus::Ok, format!("sha256 {found}, as expected")),
        Some(expected) => (
            CheckStatus::Fail,
            format!(
                "sha256 {found} instead of {expected}: somebody replaced the program; send nothing before you know why"
            ),
        ),
        None => (CheckStatus::Ok, format!("sha256 {found}; program.code_sha256 of the chain's file would compare it")),
    };
    Check { name: "program code".into(), status, detail }
}

fn authority(loaded: &Loaded, expected: &ExpectedProgram) -> Check {
    let found = loaded.authority.map_or(Account::ZERO, |authority| account(&authority));
    let (status, detail) = match expected.upgrade_authority {
        Some(expected) if expected == found => (CheckStatus::Ok, format!("{}, as expected", shown(found))),
        Some(expected) => (
            CheckStatus::Fail,
            format!("{} instead of {}: find out who changed it; send nothing before", shown(found), shown(expected)),
        ),
        None => (
            CheckStatus::Ok,
            format!("{}; program.upgrade_authority of the chain's file would compare it", shown(found)),
        ),
    };
    Check { name: "program upgrades".into(), status, detail }
}

fn shown(authority: Account) -> String {
    if authority.is_zero() { "by nobody".into() } else { format!("by {}", pubkey_of(authority)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &[u8] = b"\x7fELF code";

    fn data(authority: Option<[u8; 32]>) -> Vec<u8> {
        let mut data = vec![3, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, u8::from(authority.is_some())];
        data.extend(authority.unwrap_or_default());
        data.extend(CODE);
        data.extend([0; 100]);
        data
    }

    fn statuses(expected: ExpectedProgram) -> [CheckStatus; 2] {
        let loaded = parse(&data(Some([7; 32]))).expect("is code");
        [code(&loaded, &expected).status, authority(&loaded, &expected).status]
    }

    #[test]
    fn another_code_or_another_authority_is_noticed() {
        let code_sha256 = B256::from_slice(&Sha256::digest(CODE));
        let (right, wrong) = (Account(B256::repeat_byte(7)), Account::ZERO);
        let expect = |code, authority| ExpectedProgram { code_sha256: code, upgrade_authority: authority };
        assert_eq!(statuses(expect(Some(code_sha256), Some(right))), [CheckStatus::Ok; 2]);
        assert_eq!(statuses(expect(None, None)), [CheckStatus::Ok; 2]);
        assert_eq!(statuses(expect(Some(B256::ZERO), Some(right))), [CheckStatus::Fail, CheckStatus::Ok]);
        assert_eq!(statuses(expect(Some(code_sha256), Some(wrong))), [CheckStatus::Ok, CheckStatus::Fail]);
    }

    #[test]
    fn a_program_that_nobody_may_upgrade_says_so() {
        let loaded = parse(&data(None)).expect("is code");
        assert_eq!(loaded.authority, None);
        assert!(authority(&loaded, &ExpectedProgram::default()).detail.contains("nobody"));
        assert_eq!(parse(&[3, 0, 0, 0]), None);
    }
}
