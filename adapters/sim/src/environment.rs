//! Accounts with a will of their own: what they do is not part of the hub's state and survives a reorg.

use infrastrukt_types::{Account, Bytes};
use std::collections::{BTreeMap, BTreeSet};

/// What a recipient contract does with a message, or with the news that its own message expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// Takes it.
    Accepts,
    /// Reverts with these bytes.
    Reverts(Bytes),
    /// Uses all gas it is given and fails.
    BurnsGas,
}

/// Everyone outside the hub's contracts. An account without an entry has no code.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Contracts.
    pub recipients: BTreeMap<Account, Recipient>,
    /// Accounts that revert when they are paid.
    pub refusing_payees: BTreeSet<Account>,
    /// Accounts whose transactions no block takes.
    pub censored: BTreeSet<Account>,
}
