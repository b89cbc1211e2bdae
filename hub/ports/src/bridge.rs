//! A token bridge's books, as whoever watches over them reads them.

use infrastrukt_types::{Account, Amount, ChainId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::BlockRef;

/// What becomes of a token that leaves over a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// It is at home here: locked when it leaves, released when it returns.
    Lock,
    /// It stands for a remote one: burned when it goes home, minted when it arrives.
    Mint,
}

/// One token's route to one other chain. Totals are in wire units and only grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeRoute {
    /// The token here (zero account: native coin).
    pub token: Account,
    /// The other chain.
    pub remote: ChainId,
    /// Its counterpart there.
    pub remote_token: Account,
    /// Whether it is locked or minted here.
    pub kind: RouteKind,
    /// The token's smallest units in one wire unit.
    pub wire_unit: u128,
    /// Ever sent from here, what came back since it expired included.
    pub sent: u128,
    /// Of that, given back here since it expired.
    pub returned: u128,
    /// Ever released or minted here for what arrived.
    pub received: u128,
    /// The bridge's balance of a locked token, or the supply of a minted one, in its smallest unit. Where several
    /// routes lock one token, the whole balance stands with each. What is above 2^128 - 1 counts as that. `None` where
    /// the token itself does not tell.
    pub held: Option<Amount>,
}

/// All routes of a chain's token bridge at one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeBooks {
    /// The block, final or not.
    pub block: BlockRef,
    /// The routes, each once.
    pub routes: Vec<BridgeRoute>,
}

/// How far the routes of a bridge were looked for, and which were found. Whoever asks for the books keeps it, over
/// restarts as well: a bridge lists its routes nowhere, and looking through all its blocks again takes the longer, the
/// older it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSearch {
    /// The bridge. What was found for another one does not count.
    pub bridge: Account,
    /// First block that was not looked through yet.
    pub next: u64,
    /// Routes registered below it: the token here, and the other chain.
    pub found: BTreeSet<(Account, ChainId)>,
}
