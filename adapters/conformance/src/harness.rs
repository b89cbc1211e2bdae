//! What a case needs from a chain: connections to it, and power over its blocks, its time and its money.

use async_trait::async_trait;
use infrastrukt_ports::{ChainReader, ChainWriter, FactVerifier, ManualCall, TokenInfo};
use infrastrukt_types::{Account, Amount, ChainId, HubId, keccak256};
use std::sync::Arc;

use crate::Failure;

/// Who acts in a case. Each has its own key, and from the start at least 10^6 units of the world's token and native
/// coin for 10^6 times the [native unit](World::native_unit) beside all the fees of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// Sends messages and locks legs.
    Alice,
    /// Her counterparty.
    Bob,
    /// Carries certificates.
    Relayer,
}

impl Party {
    /// All parties.
    pub const ALL: [Self; 3] = [Self::Alice, Self::Bob, Self::Relayer];
}

/// Where the cases play. Messages come from and go to `peer`, which need not exist beyond being registered.
#[derive(Clone, Debug)]
pub struct World {
    /// The hub whose certificates count.
    pub hub_id: HubId,
    /// The chain under test.
    pub chain: ChainId,
    /// A chain that its gateway knows.
    pub peer: ChainId,
    /// The gateway under test.
    pub gateway: Account,
    /// The gateway it believes to be on `peer`.
    pub peer_gateway: Account,
    /// The escrow under test.
    pub escrow: Account,
    /// The token bridge, where the chain has one: every action must then be possible by hand, `Bridge` included.
    pub token_bridge: Option<Account>,
    /// An honest token.
    pub token: Account,
    /// How that token calls itself.
    pub token_info: TokenInfo,
    /// Native coin that cases pay to new accounts comes in multiples of this: 1, or the least that such an account may
    /// hold where the chain charges rent.
    pub native_unit: u128,
    /// A recipient that accepts every message.
    pub recipient: Account,
    /// A recipient that refuses every message.
    pub failing_recipient: Account,
    /// What a recipient needs at most to do its part.
    pub gas_limit: u64,
    /// First block that may contain facts.
    pub start: u64,
    /// The escrow's shortest escape window in seconds; escape cases wait that long in chain time.
    pub escape_window: u64,
}

/// One fresh chain with the hub's contracts on it. Its verifier starts at epoch 1 with the set of
/// [`TestValidators`](crate::TestValidators), which lasts for a year of chain time.
///
/// The chain makes blocks only when it is told to, and those of its first blocks that are not final are empty.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Where the case plays.
    fn world(&self) -> &World;

    /// The party's account.
    fn account(&self, party: Party) -> Account;

    /// A new reader, as after a restart.
    async fn reader(&self) -> Result<Arc<dyn ChainReader>, Failure>;

    /// The party's writer over its durable store, as after a restart. The one from the call before is used no more.
    async fn writer(&self, party: Party) -> Result<Arc<dyn ChainWriter>, Failure>;

    /// A new verifier, as after a restart.
    async fn verifier(&self) -> Result<Arc<dyn FactVerifier>, Failure>;

    /// Makes blocks with what is in the pool.
    async fn mine(&self, blocks: u64) -> Result<(), Failure>;

    /// Makes blocks until all that were there before are final.
    async fn finalize(&self) -> Result<(), Failure>;

    /// Moves chain time forward and makes a block at the new time. What was final stays final.
    async fn advance(&self, seconds: u64) -> Result<(), Failure>;

    /// Replaces the last `depth` blocks, none of them final, by other blocks without their transactions.
    async fn reorg(&self, depth: u64) -> Result<(), Failure>;

    /// The chain forgets all transactions that are in no block, as though their broadcast had never happened.
    async fn lose_pending(&self) -> Result<(), Failure>;

    /// Gives an account units of a token (zero account: native coin).
    async fn fund(&self, account: Account, token: Account, amount: Amount) -> Result<(), Failure>;

    /// Does what a person does with a [`ManualCall`]: sends its data and value as they are, and makes a block. No code
    /// of the adapter under test takes part.
    async fn call_by_hand(&self, party: Party, call: &ManualCall) -> Result<(), Failure>;

    /// An account that nobody used before, the same for the same name.
    fn fresh_account(&self, name: &str) -> Account {
        let mut bytes = keccak256(name.as_bytes());
        bytes[..12].fill(0);
        Account(bytes)
    }
}
