//! Accounts in the notation of their kind, without a connection.

use infrastrukt_ports::PortError;
use infrastrukt_types::Account;

use crate::Kind;

/// Reads an account in a kind's notation.
pub fn parse_account(kind: Kind, text: &str) -> Result<Account, PortError> {
    match kind {
        Kind::Evm => infrastrukt_evm::parse_account(text).map_err(PortError::reject),
        Kind::Solana => infrastrukt_solana::parse_account(text).map_err(PortError::reject),
    }
}

/// Writes an account in a kind's notation; in 32 bytes where it has none there.
pub fn show_account(kind: Kind, account: Account) -> String {
    match kind {
        Kind::Evm => account.to_evm().map_or_else(|_| account.to_string(), |address| address.to_string()),
        Kind::Solana => infrastrukt_solana::pubkey_of(account).to_string(),
    }
}
