//! Reading a Solana chain: final blocks completely and in order, and the state that callers ask for.

use async_trait::async_trait;
use infrastrukt_evm::CallError;
use infrastrukt_ports::{
    Action, BlockRef, BridgeBooks, ChainReader, Check, LockStatus, ManualCall, PortError, RouteSearch, Scan,
    ScanCursor, ScannedBlock, TokenInfo,
};
use infrastrukt_types::{Account, Amount, ChainId, Epoch, Finalized, LockKey, Nonce, Timestamp};
use solana_pubkey::Pubkey;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    address::{self, NATIVE, PURSE_BYTES, PageKind, Purse, TOKEN_PROGRAM, associated_token, pubkey_of},
    block::Block,
    books,
    chain::Parts,
    clock::latest_time,
    health, plan,
    rpc::{Commitment, Endpoint},
    state::{self, Config, Credit, GatewayAccount, Lock, StateError},
    verifier,
};

/// Characters of a token's ticker that are shown.
const SYMBOL_MAX: usize = 16;

/// Characters of its mint that stand for a token without ticker.
const SHORT_MINT: usize = 8;

/// Decimals of SOL.
const NATIVE_DECIMALS: u8 = 9;

/// Token programs of mints that are remembered, for calls by hand.
const MINTS_MAX: usize = 4_096;

/// Reads one Solana chain.
pub struct SolanaReader {
    parts: Arc<Parts>,
    /// Token programs of mints that were asked for.
    mints: Mutex<BTreeMap<[u8; 32], Pubkey>>,
}

impl SolanaReader {
    pub(crate) fn new(parts: Arc<Parts>) -> Self {
        Self { parts, mints: Mutex::default() }
    }

    fn scanned(&self, block: &Block) -> Result<Option<ScannedBlock>, PortError> {
        let halt = |error: &dyn std::error::Error| PortError::halt(format!("{}: {error}", self.parts.config.chain));
        let facts = self.parts.facts.block(block).map_err(|error| halt(&error))?;
        if facts.is_empty() {
            return Ok(None);
        }
        let evidence = verifier::evidence(&self.parts, block).map_err(|error| halt(&error))?;
        let block = BlockRef { number: block.slot, hash: block.hash, time: block.time };
        Ok(Some(ScannedBlock { block, facts, evidence }))
    }

    /// An account of the gateway at the head, as k endpoints agree on it.
    async fn agreed<T: GatewayAccount + Clone + PartialEq>(&self, key: Pubkey) -> Result<Option<T>, PortError> {
        let program = self.parts.site.gateway.program;
        let what = format!("{} {key} on {}", T::NAME, self.parts.config.chain);
        let agreed = self.parts.quorum.agree_at_head(&what, |endpoint| async move {
            let account = endpoint.account(&key, Commitment::Confirmed).await?;
            let read = account.map(|account| state::read::<T>(&program, &key, &account)).transpose();
            read.map_err(|error| CallError::from(unreadable(error)))
        });
        agreed.await
    }

    async fn mint(&self, token: Pubkey) -> Result<state::Mint, PortError> {
        let what = format!("the token {token} on {}", self.parts.config.chain);
        let agreed = self.parts.quorum.agree_at_head(&what, |endpoint| async move {
            let keys = [token, address::metadata(&token)];
            let accounts = endpoint.accounts(&keys, Commitment::Confirmed).await?;
            let [Some(account), beside] = accounts.as_slice() else {
                return Err(PortError::reject(format!("{token} is no token: there is no such account")).into());
            };
            let mut mint = state::mint(&token, account).map_err(|error| CallError::from(unreadable(error)))?;
            let beside = beside.as_ref().filter(|account| account.owner == address::METADATA);
            mint.symbol = mint.symbol.or_else(|| state::metadata_symbol(&beside?.data));
            Ok(mint)
        });
        let mint = agreed.await?;
        self.remember(token, mint.token_program);
        Ok(mint)
    }

    fn remember(&self, mint: Pubkey, token_program: Pubkey) {
        let mut mints = self.mints.lock().unwrap_or_else(PoisonError::into_inner);
        if mints.len() >= MINTS_MAX {
            mints.pop_first();
        }
        mints.insert(mint.to_bytes(), token_program);
    }

    /// The token program of a mint, the first one where it was never asked for.
    fn token_program(&self, mint: &Pubkey) -> Pubkey {
        let mints = self.mints.lock().unwrap_or_else(PoisonError::into_inner);
        mints.get(&mint.to_bytes()).copied().unwrap_or(TOKEN_PROGRAM)
    }

    /// Whether a page says so of a message.
    async fn noted(&self, kind: PageKind, chain: ChainId, nonce: Nonce) -> Result<bool, PortError> {
        let (program, key) = (self.parts.site.gateway.program, self.parts.site.gateway.page(kind, chain, nonce));
        let what = format!("what became of message {nonce} of {chain} on {}", self.parts.config.chain);
        let agreed = self.parts.quorum.agree_at_head(&what, |endpoint| async move {
            let page = endpoint.account(&key, Commitment::Confirmed).await?;
            state::bit(&program, &key, page.as_ref(), nonce).map_err(|error| CallError::from(unreadable(error)))
        });
        agreed.await
    }
}

#[async_trait]
impl ChainReader for SolanaReader {
    fn chain(&self) -> ChainId {
        self.parts.config.chain
    }

    async fn finalized(&self) -> Result<Finalized<BlockRef>, PortError> {
        self.parts.view.head().await
    }

    async fn scan(&self, mut cursor: ScanCursor, blocks_max: u64) -> Result<Scan, PortError> {
        if cursor.parent.is_none() {
            // Nothing before it can be ours, and nodes that keep few blocks could not show it.
            cursor.next = cursor.next.max(self.parts.config.start_slot);
        }
        let head = self.parts.view.head().await?.into_inner();
        let blocks_max = blocks_max.min(self.parts.config.limits.scan_slots_max);
        if cursor.next > head.number || blocks_max == 0 {
            return Ok(Scan { blocks: Vec::new(), cursor, head });
        }
        let last = head.number.min(cursor.next.saturating_add(blocks_max - 1));
        let stretch = self.parts.view.stretch(cursor.next, last, cursor.parent).await?;
        let blocks = stretch.blocks.iter().filter_map(|block| self.scanned(block).transpose());
        let blocks: Vec<ScannedBlock> = blocks.collect::<Result<_, _>>()?;
        metrics::gauge!("infrastrukt_scanned_block", "chain" => self.parts.config.chain.to_string()).set(last as f64);
        Ok(Scan { blocks, cursor: ScanCursor { next: last.saturating_add(1), parent: stretch.tip }, head })
    }

    async fn now(&self) -> Result<Timestamp, PortError> {
        let what = format!("the time of {}", self.parts.config.chain);
        let reached = self.parts.quorum.reached(&what, |endpoint| async move { latest_time(&endpoint).await });
        Ok(Timestamp(reached.await?))
    }

    async fn is_consumed(&self, source: ChainId, nonce: Nonce) -> Result<bool, PortError> {
        self.noted(PageKind::Consumed, source, nonce).await
    }

    async fn is_refunded(&self, target: ChainId, nonce: Nonce) -> Result<bool, PortError> {
        self.noted(PageKind::Refunded, target, nonce).await
    }

    async fn epoch(&self) -> Result<Epoch, PortError> {
        let gateway = &self.parts.site.gateway;
        let config: Option<Config> = self.agreed(gateway.config).await?;
        let missing = || PortError::reject(format!("{} was never initialised: do that first", gateway.program));
        Ok(Epoch(config.ok_or_else(missing)?.current_epoch))
    }

    async fn lock_status(&self, key: LockKey) -> Result<LockStatus, PortError> {
        let lock: Option<Lock> = self.agreed(self.parts.site.gateway.lock(key)).await?;
        let Some(Lock { state, escape_requested_at, .. }) = lock else { return Ok(LockStatus::None) };
        match state {
            1 => {
                let requested = (escape_requested_at != 0).then_some(Timestamp(escape_requested_at));
                Ok(LockStatus::Locked { escape_requested_at: requested })
            }
            2 => Ok(LockStatus::Released),
            3 => Ok(LockStatus::Refunded),
            4 => Ok(LockStatus::Escaped),
            // A lock that its depositor gave up holds nothing and never will; trying to open it says so.
            5 => Ok(LockStatus::None),
            unknown => Err(PortError::halt(format!(
                "the escrow of {} has lock {key} in state {unknown}, which this version does not know",
                self.parts.config.chain
            ))),
        }
    }

    async fn balance(&self, account: Account, token: Account) -> Result<Amount, PortError> {
        let (owner, mint) = (pubkey_of(account), pubkey_of(token));
        let what = format!("the balance of {owner} on {}", self.parts.config.chain);
        let gateway = &self.parts.site.gateway;
        let reached = if mint == NATIVE {
            let is_purse = [gateway.escrow, gateway.bridge, gateway.fees].contains(&owner);
            let ask = |endpoint: Arc<Endpoint>| async move { lamports(&endpoint, &owner, is_purse).await };
            self.parts.quorum.reached(&what, ask).await?
        } else {
            let holding = associated_token(&owner, &mint, &self.mint(mint).await?.token_program);
            let ask = |endpoint: Arc<Endpoint>| async move { units(&endpoint, &holding).await };
            self.parts.quorum.reached(&what, ask).await?
        };
        Ok(Amount(u128::from(reached)))
    }

    /// What either purse owes: the escrow for legs, the bridge for transfers that came back.
    async fn credit(&self, account: Account, token: Account) -> Result<Amount, PortError> {
        let (owner, gateway) = (pubkey_of(account), self.parts.site.gateway);
        let keys = Purse::ALL.map(|purse| gateway.credit(purse, &owner, &pubkey_of(token)));
        let what = format!("the credit of {owner} on {}", self.parts.config.chain);
        let ask = |endpoint: Arc<Endpoint>| async move { owed(&endpoint, &gateway.program, &keys).await };
        Ok(Amount(self.parts.quorum.reached(&what, ask).await?))
    }

    async fn token(&self, token: Account) -> Result<TokenInfo, PortError> {
        let mint = pubkey_of(token);
        if mint == NATIVE {
            return Ok(TokenInfo { symbol: self.parts.config.native_symbol.clone(), decimals: NATIVE_DECIMALS });
        }
        let found = self.mint(mint).await?;
        let symbol = found.symbol.unwrap_or_else(|| mint.to_string().chars().take(SHORT_MINT).collect());
        Ok(TokenInfo { symbol: symbol.chars().take(SYMBOL_MAX).collect(), decimals: found.decimals })
    }

    fn parse_account(&self, text: &str) -> Result<Account, PortError> {
        address::parse_account(text).map_err(PortError::reject)
    }

    fn show_account(&self, account: Account) -> String {
        pubkey_of(account).to_string()
    }

    fn manual_call(&self, action: &Action) -> Result<ManualCall, PortError> {
        plan::manual(&self.parts.site, action, &|mint| self.token_program(mint))
    }

    async fn bridge_books(&self, search: &mut RouteSearch) -> Result<Option<BridgeBooks>, PortError> {
        books::read(&self.parts, search).await.map(Some)
    }

    async fn check(&self) -> Vec<Check> {
        let mut checks = health::endpoints(&self.parts).await;
        checks.extend(health::gateway(&self.parts).await);
        checks
    }

    fn rpc_calls(&self) -> u64 {
        self.parts.quorum.calls()
    }
}

/// What one endpoint says an account has of SOL; a purse, without its own rent.
async fn lamports(endpoint: &Endpoint, key: &Pubkey, is_purse: bool) -> Result<u64, CallError> {
    let found = endpoint.account(key, Commitment::Confirmed).await?;
    let lamports = found.map_or(0, |account| account.lamports);
    let rent = if is_purse && lamports > 0 { endpoint.rent_exempt(PURSE_BYTES).await? } else { 0 };
    Ok(lamports.saturating_sub(rent))
}

/// What one endpoint says a token account holds.
async fn units(endpoint: &Endpoint, holding: &Pubkey) -> Result<u64, CallError> {
    let found = endpoint.account(holding, Commitment::Confirmed).await?;
    Ok(state::token_amount(holding, found.as_ref()).map_err(unreadable)?)
}

/// What one endpoint says these credits come to.
async fn owed(endpoint: &Endpoint, program: &Pubkey, credits: &[Pubkey]) -> Result<u128, CallError> {
    let mut owed = 0;
    for (key, found) in credits.iter().zip(endpoint.accounts(credits, Commitment::Confirmed).await?) {
        let Some(found) = found else { continue };
        let credit: Credit = state::read(program, key, &found).map_err(unreadable)?;
        owed += u128::from(credit.amount);
    }
    Ok(owed)
}

/// Another program or version at a known address: the request is for something that is not here.
fn unreadable(error: StateError) -> PortError {
    PortError::reject(error.to_string())
}
