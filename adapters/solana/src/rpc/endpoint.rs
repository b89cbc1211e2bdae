//! One JSON-RPC endpoint: its genesis checked before the first answer counts, every answer within bounds.

use base64::{Engine, prelude::BASE64_STANDARD};
use infrastrukt_evm::{CallError, EndpointUrl, Voter};
use infrastrukt_ports::PortError;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_rpc_client::{nonblocking::rpc_client::RpcClient, rpc_client::RpcClientConfig};
use solana_rpc_client_api::{
    client_error::{Error as ClientError, ErrorKind},
    request::{RpcError, RpcRequest},
};
use solana_signature::Signature;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::OnceCell;

use super::{
    sender::{BoundedSender, Meter},
    wire::{Contextual, WireAccount, WireBlock, WireBlockhash, WireFee, WireOwned, WireSimulation, WireStatus},
};
use crate::config::SolanaConfig;

/// How long to wait before an endpoint that failed is asked again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Characters of a node's own words that are repeated to people.
const NODE_MESSAGE_MAX: usize = 200;

/// Characters of a genesis hash that name a chain in CAIP-2.
const REFERENCE_LEN: usize = 32;

/// Newest version of transactions whose layout is known here. A block with a newer one is refused by the node, so that
/// reading stops rather than misses something.
const TRANSACTION_VERSION_MAX: u8 = 1;

/// Accounts that one request may name.
const ACCOUNTS_MAX: usize = 100;

/// How settled an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commitment {
    /// The newest block the node has, which may be abandoned.
    Processed,
    /// Voted for by two thirds of the stake.
    Confirmed,
    /// Rooted by two thirds of the stake.
    Finalized,
}

impl Commitment {
    const fn word(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        }
    }
}

/// An account as a node has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountState {
    pub(crate) lamports: u64,
    pub(crate) owner: Pubkey,
    pub(crate) data: Vec<u8>,
    pub(crate) executable: bool,
}

/// What became of a transaction, as far as a node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    /// The slot whose block holds it.
    pub(crate) slot: u64,
    /// True where it failed there.
    pub(crate) failed: bool,
}

/// What a transaction would do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Simulation {
    /// Why it would fail.
    pub(crate) error: Option<Value>,
    /// Compute units it used.
    pub(crate) units: u64,
    /// What the programs logged, for people only.
    pub(crate) logs: Vec<String>,
}

/// One node, or whatever answers for it.
pub struct Endpoint {
    url: EndpointUrl,
    reference: String,
    client: RpcClient,
    sender: BoundedSender,
    meter: Arc<Meter>,
    genesis_checked: OnceCell<()>,
    finalized_seen: AtomicU64,
}

impl Voter for Endpoint {
    fn host(&self) -> String {
        self.url.host()
    }

    fn calls(&self) -> u64 {
        self.meter.calls()
    }
}

impl Endpoint {
    /// Prepares an endpoint of a validated configuration; nothing is sent yet.
    pub fn new(url: EndpointUrl, config: &SolanaConfig) -> Result<Self, PortError> {
        let meter = Arc::<Meter>::default();
        let sender = BoundedSender::new(url.clone(), config.chain, &config.limits, meter.clone())
            .map_err(|error| PortError::reject("cannot set up an HTTPS client").caused_by(error.without_url()))?;
        let client = RpcClient::new_sender(sender.clone(), RpcClientConfig::default());
        let reference = config.genesis_reference().to_owned();
        let (genesis_checked, finalized_seen) = (OnceCell::new(), AtomicU64::new(0));
        Ok(Self { url, reference, client, sender, meter, genesis_checked, finalized_seen })
    }

    /// Refuses an endpoint of another chain, once, before anything it says is used.
    pub async fn check_genesis(&self) -> Result<(), CallError> {
        self.genesis_checked
            .get_or_try_init(|| async {
                let genesis: String = self.exchange(RpcRequest::GetGenesisHash, json!([])).await?;
                if genesis.get(..REFERENCE_LEN) == Some(self.reference.as_str()) {
                    return Ok(());
                }
                Err(CallError::halt(format!(
                    "{} serves the chain of genesis {}, not solana:{}: correct the endpoint in the chain's configuration",
                    self.host(),
                    bounded(&genesis),
                    self.reference
                )))
            })
            .await?;
        Ok(())
    }

    /// The last slot that this endpoint calls final.
    pub(crate) async fn finalized_slot(&self) -> Result<u64, CallError> {
        let slot = self.slot(Commitment::Finalized).await?;
        self.finalized_seen.fetch_max(slot, Ordering::Relaxed);
        Ok(slot)
    }

    /// True where the endpoint has called this slot final, asked for only as often as needed.
    pub(crate) async fn has_finalized(&self, slot: u64) -> Result<bool, CallError> {
        Ok(self.finalized_seen.load(Ordering::Relaxed) >= slot || self.finalized_slot().await? >= slot)
    }

    /// The newest slot.
    pub(crate) async fn slot(&self, commitment: Commitment) -> Result<u64, CallError> {
        self.ask(RpcRequest::GetSlot, json!([{ "commitment": commitment.word() }])).await
    }

    /// Final slots with a block, from `first` to `last`, both included.
    pub(crate) async fn slots(&self, first: u64, last: u64) -> Result<Vec<u64>, CallError> {
        let finalized = json!({ "commitment": Commitment::Finalized.word() });
        let slots: Vec<u64> = self.ask(RpcRequest::GetBlocks, json!([first, last, finalized])).await?;
        // A node leaves out what it does not keep any more, and says so only when it is asked for that.
        if slots.first() != Some(&first) {
            let kept: u64 = self.ask(RpcRequest::GetFirstAvailableBlock, json!([])).await?;
            if first < kept {
                let host = self.host();
                return Err(CallError::retry(format!(
                    "{host} keeps no blocks before slot {kept}, and slot {first} was asked for: add an endpoint that \
                     keeps more"
                )));
            }
        }
        let ascending = slots.windows(2).all(|pair| pair[0] < pair[1]);
        let inside = slots.iter().all(|slot| (first..=last).contains(slot));
        if ascending && inside {
            return Ok(slots);
        }
        Err(CallError::halt(format!("{} names slots outside of {first} to {last} or out of order", self.host())))
    }

    /// The final block of a slot, all its transactions with their inner instructions.
    pub(crate) async fn block(&self, slot: u64) -> Result<Option<WireBlock>, CallError> {
        self.block_with(slot, "full").await
    }

    /// The final block of a slot with the signatures of its transactions only.
    pub(crate) async fn block_signatures(&self, slot: u64) -> Result<Option<WireBlock>, CallError> {
        self.block_with(slot, "signatures").await
    }

    /// The final block of a slot without its transactions.
    pub(crate) async fn block_header(&self, slot: u64) -> Result<Option<WireBlock>, CallError> {
        self.block_with(slot, "none").await
    }

    async fn block_with(&self, slot: u64, details: &str) -> Result<Option<WireBlock>, CallError> {
        let config = json!({
            "commitment": Commitment::Finalized.word(), "encoding": "json", "transactionDetails": details,
            "rewards": false, "maxSupportedTransactionVersion": TRANSACTION_VERSION_MAX,
        });
        self.ask_much(RpcRequest::GetBlock, json!([slot, config])).await
    }

    /// Number of blocks up to the newest one; skipped slots do not count.
    pub(crate) async fn block_height(&self, commitment: Commitment) -> Result<u64, CallError> {
        self.ask(RpcRequest::GetBlockHeight, json!([{ "commitment": commitment.word() }])).await
    }

    /// A hash for new transactions, and the height after which they are void.
    pub(crate) async fn blockhash(&self) -> Result<(Hash, u64), CallError> {
        let confirmed = json!([{ "commitment": Commitment::Confirmed.word() }]);
        let answer: Contextual<WireBlockhash> = self.ask(RpcRequest::GetLatestBlockhash, confirmed).await?;
        let hash = answer.value.blockhash.parse().map_err(|_| self.nonsense("a block hash"))?;
        Ok((hash, answer.value.last_valid_block_height))
    }

    /// What became of a transaction, old ones included.
    pub(crate) async fn status(&self, signature: &Signature) -> Result<Option<Status>, CallError> {
        let params = json!([[signature.to_string()], { "searchTransactionHistory": true }]);
        let answer: Contextual<Vec<Option<WireStatus>>> = self.ask(RpcRequest::GetSignatureStatuses, params).await?;
        let [status] = <[Option<WireStatus>; 1]>::try_from(answer.value).map_err(|_| self.nonsense("one status"))?;
        Ok(status.map(|status| Status { slot: status.slot, failed: status.err.is_some() }))
    }

    /// An account, if there is one.
    pub(crate) async fn account(
        &self,
        key: &Pubkey,
        commitment: Commitment,
    ) -> Result<Option<AccountState>, CallError> {
        Ok(self.accounts(std::slice::from_ref(key), commitment).await?.pop().flatten())
    }

    /// Several accounts at one moment, in the order of `keys`.
    pub(crate) async fn accounts(
        &self,
        keys: &[Pubkey],
        commitment: Commitment,
    ) -> Result<Vec<Option<AccountState>>, CallError> {
        if keys.is_empty() || keys.len() > ACCOUNTS_MAX {
            let count = keys.len();
            return Err(
                PortError::reject(format!("{count} accounts asked for: 1 to {ACCOUNTS_MAX} are possible")).into()
            );
        }
        let names: Vec<String> = keys.iter().map(Pubkey::to_string).collect();
        let params = json!([names, { "encoding": "base64", "commitment": commitment.word() }]);
        let answer: Contextual<Vec<Option<WireAccount>>> = self.ask(RpcRequest::GetMultipleAccounts, params).await?;
        if answer.value.len() != keys.len() {
            return Err(self.nonsense("as many accounts as were asked for"));
        }
        answer.value.into_iter().map(|account| account.map(|account| self.account_state(account)).transpose()).collect()
    }

    /// Of every account of a program whose data begins with `prefix`, the `length` bytes after it.
    pub(crate) async fn owned(
        &self,
        program: &Pubkey,
        prefix: &[u8],
        length: usize,
    ) -> Result<Vec<Vec<u8>>, CallError> {
        let params = json!([program.to_string(), {
            "encoding": "base64", "commitment": Commitment::Confirmed.word(),
            "filters": [{ "memcmp": { "offset": 0, "bytes": bs58::encode(prefix).into_string() } }],
            "dataSlice": { "offset": prefix.len(), "length": length },
        }]);
        let found: Vec<WireOwned> = self.ask_much(RpcRequest::GetProgramAccounts, params).await?;
        found.into_iter().map(|owned| Ok(self.account_state(owned.account)?.data)).collect()
    }

    fn account_state(&self, account: WireAccount) -> Result<AccountState, CallError> {
        let data = BASE64_STANDARD.decode(&account.data.0).map_err(|_| self.nonsense("an account's data"))?;
        let owner = account.owner.parse().map_err(|_| self.nonsense("an account's owner"))?;
        Ok(AccountState { lamports: account.lamports, owner, data, executable: account.executable })
    }

    /// Offers a signed transaction. It was simulated before, and is sent again here, not by the node.
    pub(crate) async fn send(&self, raw: &[u8]) -> Result<(), CallError> {
        let config = json!({ "encoding": "base64", "skipPreflight": true, "maxRetries": 0 });
        let _signature: String =
            self.ask(RpcRequest::SendTransaction, json!([BASE64_STANDARD.encode(raw), config])).await?;
        Ok(())
    }

    /// Runs a transaction on the newest block, whatever block hash and signature it carries.
    pub(crate) async fn simulate(&self, raw: &[u8]) -> Result<Simulation, CallError> {
        let config = json!({
            "encoding": "base64", "sigVerify": false, "replaceRecentBlockhash": true,
            "commitment": Commitment::Processed.word(),
        });
        let params = json!([BASE64_STANDARD.encode(raw), config]);
        let answer: Contextual<WireSimulation> = self.ask(RpcRequest::SimulateTransaction, params).await?;
        let WireSimulation { err, logs, units_consumed } = answer.value;
        Ok(Simulation { error: err, units: units_consumed.unwrap_or(0), logs: logs.unwrap_or_default() })
    }

    /// What transactions that write these accounts paid of late, in micro-lamports for a compute unit.
    pub(crate) async fn recent_fees(&self, writable: &[Pubkey]) -> Result<Vec<u64>, CallError> {
        let names: Vec<String> = writable.iter().map(Pubkey::to_string).collect();
        let fees: Vec<WireFee> = self.ask(RpcRequest::GetRecentPrioritizationFees, json!([names])).await?;
        Ok(fees.into_iter().map(|fee| fee.prioritization_fee).collect())
    }

    /// Lamports that an account of this many bytes needs so as to stay.
    pub(crate) async fn rent_exempt(&self, bytes: usize) -> Result<u64, CallError> {
        self.ask(RpcRequest::GetMinimumBalanceForRentExemption, json!([bytes])).await
    }

    async fn ask<R: DeserializeOwned>(&self, request: RpcRequest, params: Value) -> Result<R, CallError> {
        self.check_genesis().await?;
        self.exchange(request, params).await
    }

    /// The same for answers that may be long, past the client, which makes a tree of any answer first.
    async fn ask_much<R: DeserializeOwned>(&self, request: RpcRequest, params: Value) -> Result<R, CallError> {
        self.check_genesis().await?;
        self.sender.ask(request, params).await.map_err(|error| self.failure(request, error))
    }

    async fn exchange<R: DeserializeOwned>(&self, request: RpcRequest, params: Value) -> Result<R, CallError> {
        self.client.send(request, params).await.map_err(|error| self.failure(request, error))
    }

    /// Nothing of what a node says is judged by its words; they are only repeated, shortened.
    fn failure(&self, request: RpcRequest, error: ClientError) -> CallError {
        let host = self.host();
        let what = match *error.kind {
            ErrorKind::RpcError(RpcError::RpcResponseError { code, message, .. }) => {
                return CallError::Refused { host, code, message: bounded(&message) };
            }
            ErrorKind::Reqwest(error) if error.is_timeout() => "did not answer in time".into(),
            ErrorKind::Reqwest(_) => "cannot be reached".into(),
            ErrorKind::SerdeJson(error) => {
                format!("answered with something that is no such answer ({:?})", error.classify())
            }
            ErrorKind::Custom(text) => text,
            other => format!("failed: {}", bounded(&other.to_string())),
        };
        let delay = self.meter.take_delay().max(RETRY_AFTER);
        CallError::Port(PortError::retry(delay, format!("{host} {what} ({request})")))
    }

    fn nonsense(&self, expected: &str) -> CallError {
        CallError::retry(format!("{} was asked for {expected} and gave something else", self.host()))
    }
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NODE_MESSAGE_MAX).collect()
}
