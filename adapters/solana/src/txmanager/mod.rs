//! Transactions that survive a crash: stored before they are sent, watched until they are final or can never land.
//!
//! A signed Solana transaction names a recent block hash and is void once the chain is 150 blocks past it. So one
//! submission has at most one transaction that can still land: its bytes are on disk before any node sees them, the very
//! same bytes are sent again and again, and another one is signed only when k endpoints agree that the chain's *final*
//! height is past the last one at which these bytes counted, and that they are in no block. What would be done twice
//! ([`state::is_once`]: a message sent, tokens bridged) needs more: the final blocks of that time are looked through as
//! well, since nodes forget statuses.
//!
//! An outcome is believed from the final block that holds the transaction, as k endpoints agree on it. An action that
//! needs several transactions sends the next one when the one before is final; what remains is planned anew each time.

mod broadcast;
mod expiry;
mod fees;
mod planned;
mod records;
mod rent;
mod settle;
mod state;
mod tick;
mod writer;

pub use records::TX_COLUMNS;
pub use writer::SolanaWriter;
