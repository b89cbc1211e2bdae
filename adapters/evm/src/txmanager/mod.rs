//! Transactions that survive a crash: stored before they are broadcast, watched until they are final.
//!
//! One wallet has one queue of nonces. A submission takes the next nonce, and its signed bytes, nonce and hash are on
//! disk before any node sees them. [`tick`](tick) then keeps every open one alive: it sends the same bytes again, pays
//! more when a transaction is stuck, fills gaps, and believes a receipt only once its block is final. Which of these is
//! due is decided from nonces, receipts and block numbers; what a node says about a refusal is never read.
//!
//! No single endpoint is believed where it could cost money. A nonce beyond the wallet's own, a receipt, and a revert
//! that is blamed on the call count once k endpoints give them. A call is made anew at another nonce only as the module
//! `settle` says: nodes forget receipts, so that none is there does not show that nothing was executed.

mod broadcast;
mod fees;
mod foreign;
mod plan;
mod records;
mod settle;
mod state;
mod tick;
mod upkeep;
mod view;
mod writer;

pub use records::TX_COLUMNS;
pub use writer::EvmWriter;
