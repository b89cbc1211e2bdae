//! Reading an EVM chain: final blocks completely and in order, and the state that callers ask for.

use alloy::sol_types::SolCall;
use alloy_primitives::{Address, Bytes, U256, hex};
use async_trait::async_trait;
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use infrastrukt_ports::{
    Action, BlockRef, BridgeBooks, ChainReader, Check, LockStatus, ManualCall, PortError, RouteSearch, Scan,
    ScanCursor, ScannedBlock, TokenInfo,
};
use infrastrukt_types::{
    Account, Amount, B256, ChainId, Epoch, Evidence, Fact, Finalized, HubId, LockKey, Nonce, ReceiptEvidence, Timestamp,
};
use serde_json::json;
use std::sync::Arc;

use crate::{
    bindings::{IERC20, IEscrow, IGateway, IVerifier},
    books::BookReader,
    calls::CallContext,
    config::EvmConfig,
    facts::FactDecoder,
    header::{BlockHeader, HeaderSource, check_header},
    health,
    receipts::{self, BlockReceipts},
    rpc::{CallError, Endpoint, Quorum, RpcHeader, RpcReceipt, decode_answer, quantity},
};

/// Blocks whose receipts are fetched at a time.
const RECEIPT_FETCHES: usize = 4;

/// Characters of a token's ticker that are shown.
const SYMBOL_MAX: usize = 16;

/// Decimals of every EVM chain's native coin.
const NATIVE_DECIMALS: u8 = 18;

/// Reads one EVM chain.
pub struct EvmReader {
    config: Arc<EvmConfig>,
    quorum: Arc<Quorum>,
    headers: Arc<dyn HeaderSource>,
    facts: FactDecoder,
    books: BookReader,
    hub: HubId,
    hub_epoch: Option<Epoch>,
}

impl EvmReader {
    /// Reads by the finality of `headers`. `hub` and `hub_epoch` are what the health check compares contracts with.
    pub fn new(
        config: Arc<EvmConfig>,
        quorum: Arc<Quorum>,
        headers: Arc<dyn HeaderSource>,
        facts: FactDecoder,
        hub: HubId,
        hub_epoch: Option<Epoch>,
    ) -> Self {
        let books = BookReader::new(config.clone(), quorum.clone());
        Self { config, quorum, headers, facts, books, hub, hub_epoch }
    }

    /// Headers `first..=top`, each linked to the next up to the agreed `top`.
    async fn linked_headers(&self, first: u64, top: BlockHeader) -> Result<Vec<BlockHeader>, CallError> {
        let (top, below) = (&top, first..top.fields().number);
        self.quorum
            .any(|endpoint| {
                let below = below.clone();
                async move {
                    let calls: Vec<_> =
                        below.map(|number| ("eth_getBlockByNumber", json!([quantity(number), false]))).collect();
                    let headers: Vec<Option<RpcHeader>> = endpoint.batch(&calls).await?;
                    link(&endpoint.host(), headers, top)
                }
            })
            .await
    }

    /// The facts of one block with their evidence, or nothing where it has none.
    async fn read_block(&self, header: &BlockHeader) -> Result<Option<ScannedBlock>, CallError> {
        let receipts = self.quorum.any(|endpoint| async move { fetch_receipts(&endpoint, header).await }).await?;
        let halt = |error: &dyn std::error::Error| CallError::halt(format!("{}: {error}", self.config.chain));
        let number = header.fields().number;
        let mut facts: Vec<Fact> = Vec::new();
        let mut transactions = Vec::new();
        for receipt in receipts.decode().map_err(|error| halt(&error))? {
            let found = self.facts.decode(number, header.hash(), &receipt).map_err(|error| halt(&error))?;
            if !found.is_empty() {
                transactions.push(receipt.tx_index);
                facts.extend(found);
            }
        }
        if facts.is_empty() {
            return Ok(None);
        }
        let evidence = Evidence::Receipts(ReceiptEvidence {
            chain: self.config.chain,
            block_number: number,
            block_hash: header.hash(),
            receipts: receipts.prove(&transactions).map_err(|error| halt(&error))?,
        });
        Ok(Some(ScannedBlock { block: header.block_ref(), facts, evidence }))
    }

    /// What k endpoints agree that a view function answers.
    async fn agreed_answer<C: SolCall + Sync>(&self, to: Address, call: &C) -> Result<Bytes, PortError> {
        let data = &Bytes::from(call.abi_encode());
        let what = format!("{} of {to} on {}", C::SIGNATURE, self.config.chain);
        self.quorum.agree_at_head(&what, |endpoint| async move { endpoint.call(to, data.clone()).await }).await
    }

    async fn agreed_view<C: SolCall + Sync>(&self, to: Address, call: &C) -> Result<C::Return, PortError> {
        decode_answer::<C>(self.config.chain, to, &self.agreed_answer(to, call).await?)
    }

    /// Tickers come as `string`, or as `bytes32` from the oldest tokens.
    async fn symbol(&self, token: Address) -> Result<String, PortError> {
        let data = self.agreed_answer(token, &IERC20::symbolCall {}).await?;
        let text = IERC20::symbolCall::abi_decode_returns(&data)
            .unwrap_or_else(|_| String::from_utf8_lossy(data.get(..32).unwrap_or(&[])).into_owned());
        Ok(text.chars().filter(|c| c.is_ascii_graphic()).take(SYMBOL_MAX).collect())
    }
}

#[async_trait]
impl ChainReader for EvmReader {
    fn chain(&self) -> ChainId {
        self.config.chain
    }

    async fn finalized(&self) -> Result<Finalized<BlockRef>, PortError> {
        Ok(self.headers.finalized_head().await?.map(|header| header.block_ref()))
    }

    async fn scan(&self, cursor: ScanCursor, blocks_max: u64) -> Result<Scan, PortError> {
        let head = self.headers.finalized_head().await?.into_inner();
        let (first, newest) = (cursor.next, head.fields().number);
        let blocks_max = blocks_max.min(self.config.limits.scan_blocks_max);
        if first > newest || blocks_max == 0 {
            return Ok(Scan { blocks: Vec::new(), cursor, head: head.block_ref() });
        }
        let last = newest.min(first.saturating_add(blocks_max - 1));
        let top = self.headers.finalized_header(last).await?.into_inner();
        let headers = self.linked_headers(first, top).await?;
        check_parent(self.config.chain, cursor, &headers)?;
        let parent = headers.last().map(BlockHeader::hash);
        let suspects = headers.iter().filter(|header| self.facts.may_contain(&header.fields().logs_bloom));
        let reads: Vec<BoxFuture<'_, _>> = suspects.map(|header| self.read_block(header).boxed()).collect();
        let blocks: Vec<Option<ScannedBlock>> = stream::iter(reads).buffered(RECEIPT_FETCHES).try_collect().await?;
        metrics::gauge!("infrastrukt_scanned_block", "chain" => self.config.chain.to_string()).set(last as f64);
        Ok(Scan {
            blocks: blocks.into_iter().flatten().collect(),
            cursor: ScanCursor { next: last.saturating_add(1), parent },
            head: head.block_ref(),
        })
    }

    async fn now(&self) -> Result<Timestamp, PortError> {
        let what = format!("the time of {}", self.config.chain);
        let reached = self.quorum.reached(&what, |endpoint| async move { latest_time(&endpoint).await });
        Ok(Timestamp(reached.await?))
    }

    async fn is_consumed(&self, source: ChainId, nonce: Nonce) -> Result<bool, PortError> {
        let call = IGateway::isConsumedCall { source: source.0, nonce: nonce.0 };
        self.agreed_view(self.config.contracts.gateway, &call).await
    }

    async fn is_refunded(&self, target: ChainId, nonce: Nonce) -> Result<bool, PortError> {
        let call = IGateway::isRefundedCall { target: target.0, nonce: nonce.0 };
        self.agreed_view(self.config.contracts.gateway, &call).await
    }

    async fn epoch(&self) -> Result<Epoch, PortError> {
        self.agreed_view(self.config.contracts.verifier, &IVerifier::currentEpochCall {}).await.map(Epoch)
    }

    async fn lock_status(&self, key: LockKey) -> Result<LockStatus, PortError> {
        let lock = self.agreed_view(self.config.contracts.escrow, &IEscrow::locksCall { lockKey: key.0 }).await?;
        match lock.state {
            // A lock that its depositor gave up holds nothing and never will; trying to open it says so.
            IEscrow::LockState::None | IEscrow::LockState::Cancelled => Ok(LockStatus::None),
            IEscrow::LockState::Locked => {
                let requested = lock.escapeRequestedAt;
                Ok(LockStatus::Locked { escape_requested_at: (requested != 0).then_some(Timestamp(requested)) })
            }
            IEscrow::LockState::Released => Ok(LockStatus::Released),
            IEscrow::LockState::Refunded => Ok(LockStatus::Refunded),
            IEscrow::LockState::Escaped => Ok(LockStatus::Escaped),
            // A value that the decoder itself never produces.
            IEscrow::LockState::__Invalid => Err(PortError::halt(format!(
                "the escrow of {} names an unknown state of lock {key}",
                self.config.chain
            ))),
        }
    }

    async fn balance(&self, account: Account, token: Account) -> Result<Amount, PortError> {
        let (account, token) = (evm(account)?, evm(token)?);
        let what = format!("the balance of {account} on {}", self.config.chain);
        amount(self.quorum.reached(&what, |endpoint| async move { held(&endpoint, account, token).await }).await?)
    }

    async fn credit(&self, account: Account, token: Account) -> Result<Amount, PortError> {
        let (escrow, what) =
            (self.config.contracts.escrow, format!("the credit of {account} on {}", self.config.chain));
        let call = &IEscrow::creditsCall { account: evm(account)?, token: evm(token)? };
        amount(self.quorum.reached(&what, |endpoint| async move { endpoint.view(escrow, call).await }).await?)
    }

    async fn token(&self, token: Account) -> Result<TokenInfo, PortError> {
        let token = evm(token)?;
        if token.is_zero() {
            return Ok(TokenInfo { symbol: self.config.native_symbol.clone(), decimals: NATIVE_DECIMALS });
        }
        let decimals = self.agreed_view(token, &IERC20::decimalsCall {}).await?;
        Ok(TokenInfo { symbol: self.symbol(token).await?, decimals })
    }

    fn parse_account(&self, text: &str) -> Result<Account, PortError> {
        parse_account(text).map_err(PortError::reject)
    }

    fn show_account(&self, account: Account) -> String {
        account.to_evm().map_or_else(|_| account.to_string(), |address| address.to_checksum(None))
    }

    fn manual_call(&self, action: &Action) -> Result<ManualCall, PortError> {
        CallContext { chain: self.config.chain, contracts: self.config.contracts, caller: None }.manual(action)
    }

    async fn bridge_books(&self, search: &mut RouteSearch) -> Result<Option<BridgeBooks>, PortError> {
        let last_final = self.headers.finalized_head().await?.into_inner().fields().number;
        self.books.read(last_final, search).await.map(Some)
    }

    async fn check(&self) -> Vec<Check> {
        let mut checks = health::endpoints(&self.config, &self.quorum).await;
        checks.extend(health::contracts(&self.config, &self.quorum, self.hub, self.hub_epoch).await);
        checks
    }

    fn rpc_calls(&self) -> u64 {
        self.quorum.calls()
    }
}

/// Time of the newest block that one endpoint knows.
async fn latest_time(endpoint: &Endpoint) -> Result<u64, CallError> {
    let header: RpcHeader = endpoint.request("eth_getBlockByNumber", json!(["latest", false])).await?;
    Ok(header.inner.timestamp)
}

/// What one endpoint says an account has of a token, or of the native coin where that is zero.
async fn held(endpoint: &Endpoint, account: Address, token: Address) -> Result<U256, CallError> {
    if token.is_zero() {
        return endpoint.request("eth_getBalance", json!([account, "latest"])).await;
    }
    endpoint.view(token, &IERC20::balanceOfCall { account }).await
}

/// Receipts of a block whose trie has the root of its header.
async fn fetch_receipts(endpoint: &Endpoint, header: &BlockHeader) -> Result<BlockReceipts, CallError> {
    let number = header.fields().number;
    let receipts: Option<Vec<RpcReceipt>> = endpoint.request("eth_getBlockReceipts", json!([quantity(number)])).await?;
    let host = endpoint.host();
    let receipts = receipts.ok_or_else(|| CallError::retry(format!("{host} has no receipts of block {number}")))?;
    let lied = |error| CallError::halt(format!("{host} gave false receipts of block {number}: {error}"));
    let encoded: Vec<Bytes> = receipts.iter().map(receipts::encode).collect::<Result<_, _>>().map_err(lied)?;
    BlockReceipts::new(encoded, header.fields().receipts_root).map_err(lied)
}

/// The headers below `top` and `top` itself, if every one is the parent of the next.
fn link(host: &str, below: Vec<Option<RpcHeader>>, top: &BlockHeader) -> Result<Vec<BlockHeader>, CallError> {
    let mut linked = vec![top.clone()];
    let mut child = top.clone();
    for header in below.into_iter().rev() {
        let number = child.fields().number - 1;
        let missing = || CallError::retry(format!("{host} does not have block {number}"));
        let header = check_header(host, header.ok_or_else(missing)?)?;
        if header.hash() != child.fields().parent_hash {
            return Err(CallError::halt(format!(
                "{host} gave block {number} as {}, but final block {} has {} as its parent: it is on another fork or \
                 changed the block",
                header.hash(),
                child.fields().number,
                child.fields().parent_hash
            )));
        }
        linked.push(header.clone());
        child = header;
    }
    linked.reverse();
    Ok(linked)
}

/// A final block never changes: the cursor's last block is the parent of the first new one.
fn check_parent(chain: ChainId, cursor: ScanCursor, headers: &[BlockHeader]) -> Result<(), PortError> {
    let parent: Option<B256> = headers.first().map(|first| first.fields().parent_hash);
    match (cursor.parent, parent) {
        (Some(expected), Some(found)) if expected != found => Err(PortError::halt(format!(
            "final block {} of {chain} changed from {expected} to {found}: finality broke or the endpoints lie; stop and \
             find out which chain is right before anything is resumed",
            cursor.next.saturating_sub(1)
        ))),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn evm(account: Account) -> Result<Address, PortError> {
    account.to_evm().map_err(|error| PortError::reject(error.to_string()))
}

fn amount(value: U256) -> Result<Amount, PortError> {
    let too_large = || PortError::reject(format!("{value} is above 2^128: no such token can be used"));
    value.try_into().map(Amount).map_err(|_| too_large())
}

/// 20 bytes in hex; mixed case must be the right checksum (EIP-55). The wide form of 32 bytes is accepted as well.
pub fn parse_account(text: &str) -> Result<Account, String> {
    let digits = text.strip_prefix("0x").ok_or_else(|| format!("`{text}` is no EVM address: it starts with 0x"))?;
    let bytes = hex::decode(digits).map_err(|_| format!("`{text}` is no EVM address: write 40 hex digits after 0x"))?;
    let account = match bytes.len() {
        20 => Account::from(Address::from_slice(&bytes)),
        32 => Account(B256::from_slice(&bytes)),
        length => return Err(format!("`{text}` has {length} bytes, an EVM address has 20")),
    };
    let address = account.to_evm().map_err(|error| error.to_string())?;
    let mixed = digits.bytes().any(|c| c.is_ascii_lowercase()) && digits.bytes().any(|c| c.is_ascii_uppercase());
    if bytes.len() == 20 && mixed && Address::parse_checksummed(text, None).is_err() {
        return Err(format!("`{text}` has a wrong checksum: copy it again, {address} would be right"));
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_parsed_strictly() {
        let right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        assert!(parse_account(right).is_ok());
        assert!(parse_account(&right.to_lowercase()).is_ok());
        let wrong =
            ["0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x12", "0x"];
        for text in wrong {
            assert!(parse_account(text).is_err(), "{text}");
        }
        let dirty = format!("0x01{}", "00".repeat(31));
        assert!(parse_account(&dirty).is_err());
    }
}
