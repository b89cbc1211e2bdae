//! A chain as relayer and users see it.

use async_trait::async_trait;
use infrastrukt_types::{Account, Amount, B256, ChainId, Epoch, Evidence, Fact, Finalized, LockKey, Nonce, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Action, BridgeBooks, ManualCall, PortError, RouteSearch, SubmissionKey, SubmissionState};

/// A block by number, hash and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRef {
    /// Number (slot on Solana).
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Chain time.
    pub time: Timestamp,
}

/// Where reading goes on: everything below `next` was read, and its last block had `parent` as hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanCursor {
    /// First block not read yet.
    pub next: u64,
    /// Hash of block `next - 1`; `None` before the first read.
    pub parent: Option<B256>,
}

/// A block that contains facts. Blocks without facts are not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedBlock {
    /// The block.
    pub block: BlockRef,
    /// Its facts, in order, complete.
    pub facts: Vec<Fact>,
    /// Evidence of all of them, for validators.
    pub evidence: Evidence,
}

/// What a scan found, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Blocks with facts, ascending.
    pub blocks: Vec<ScannedBlock>,
    /// To be stored together with what was found.
    pub cursor: ScanCursor,
    /// The final head at the time of the scan.
    pub head: BlockRef,
}

/// A lock as its escrow has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockStatus {
    /// Never locked.
    None,
    /// Locked; an escape may have been requested at this chain time.
    Locked {
        /// When the escape was requested.
        escape_requested_at: Option<Timestamp>,
    },
    /// Paid to `on_commit`.
    Released,
    /// Paid to `on_abort` under a certificate.
    Refunded,
    /// Paid to `on_abort` by the timer.
    Escaped,
}

/// A token as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Ticker.
    pub symbol: String,
    /// Decimals of its smallest unit.
    pub decimals: u8,
}

/// Outcome of one health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// Works, but needs attention.
    Warn,
    /// Does not work.
    Fail,
}

/// One health check with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// Outcome.
    pub status: CheckStatus,
    /// What was found, and the remedy where it is not `Ok`. Never a secret.
    pub detail: String,
}

/// Reads one chain. Emits final facts only, completely and in order.
#[async_trait]
pub trait ChainReader: Send + Sync {
    /// The chain.
    fn chain(&self) -> ChainId;

    /// The last final block by the chain's own rule.
    async fn finalized(&self) -> Result<Finalized<BlockRef>, PortError>;

    /// Reads final blocks from the cursor on, at most `blocks_max`. Returns the same cursor where nothing new is final.
    /// `Halt` where a final block changed or a provider withheld or invented an event.
    async fn scan(&self, cursor: ScanCursor, blocks_max: u64) -> Result<Scan, PortError>;

    /// Chain time at the head, final or not: what contracts compare deadlines with.
    async fn now(&self) -> Result<Timestamp, PortError>;

    /// True when the message can never be delivered here again: delivered or expired. Reads the head.
    async fn is_consumed(&self, source: ChainId, nonce: Nonce) -> Result<bool, PortError>;

    /// True when the message that left here for `target` was given back to its sender. Reads the head.
    async fn is_refunded(&self, target: ChainId, nonce: Nonce) -> Result<bool, PortError>;

    /// The epoch whose validator set certifies here. Reads the head.
    async fn epoch(&self) -> Result<Epoch, PortError>;

    /// The state of a lock. Reads the head.
    async fn lock_status(&self, key: LockKey) -> Result<LockStatus, PortError>;

    /// An account's balance of a token (zero account: native coin).
    async fn balance(&self, account: Account, token: Account) -> Result<Amount, PortError>;

    /// What the escrow owes an account.
    async fn credit(&self, account: Account, token: Account) -> Result<Amount, PortError>;

    /// Symbol and decimals of a token (zero account: native coin).
    async fn token(&self, token: Account) -> Result<TokenInfo, PortError>;

    /// Reads an account in the chain's own notation.
    fn parse_account(&self, text: &str) -> Result<Account, PortError>;

    /// Writes an account in the chain's own notation.
    fn show_account(&self, account: Account) -> String;

    /// What a person needs to do the action by hand.
    fn manual_call(&self, action: &Action) -> Result<ManualCall, PortError>;

    /// The books of the hub's token bridge at one recent block, final or not, as a quorum of endpoints agrees on them.
    /// `None` where the chain has no token bridge. `Retry` while routes of old blocks are still being looked for:
    /// `search` goes on from where the last reading left it.
    async fn bridge_books(&self, search: &mut RouteSearch) -> Result<Option<BridgeBooks>, PortError>;

    /// Endpoints, chain id, contracts, clock.
    async fn check(&self) -> Vec<Check>;

    /// Calls made to endpoints so far, for the metric of calls per message.
    fn rpc_calls(&self) -> u64;
}

/// What one turn of a writer's upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Transactions broadcast again unchanged.
    pub rebroadcast: u32,
    /// Transactions replaced by a better-paying one.
    pub bumped: u32,
    /// Nonce gaps filled.
    pub gaps_healed: u32,
    /// Submissions that became final (executed or reverted).
    pub finished: u32,
    /// Submissions not final yet.
    pub open: u32,
}

/// Writes to one chain with one key. Persists the signed transaction before it broadcasts it.
#[async_trait]
pub trait ChainWriter: Send + Sync {
    /// The chain.
    fn chain(&self) -> ChainId;

    /// The account that pays and signs.
    fn account(&self) -> Account;

    /// Simulates, signs, stores and broadcasts. The same key again changes nothing. `Reject` where the chain says that
    /// the action cannot succeed (the text names the contract's typed error), before anything is spent.
    async fn submit(&self, key: SubmissionKey, action: &Action) -> Result<(), PortError>;

    /// How far a submission is.
    async fn state(&self, key: SubmissionKey) -> Result<SubmissionState, PortError>;

    /// Broadcasts again, bumps fees, heals nonce gaps, re-checks receipts until final. To be called regularly and once
    /// after a restart, before anything new is submitted.
    async fn tick(&self) -> Result<TickReport, PortError>;
}
