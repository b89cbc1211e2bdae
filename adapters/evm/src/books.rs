//! The books of the chain's token bridge: every route with its totals, and what stands behind it.
//!
//! The bridge lists its routes nowhere, so they are found by the events of their registration. Routes never change and
//! never go away: the caller keeps what was found in final blocks, and each reading looks through newer blocks only.

use alloy::sol_types::{SolCall, SolEvent};
use alloy_primitives::{Address, Bytes, LogData, U64, U256};
use futures::future::join_all;
use infrastrukt_ports::{BlockRef, BridgeBooks, BridgeRoute, PortError, RouteKind, RouteSearch};
use infrastrukt_types::{Account, AccountError, Amount, ChainId};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    bindings::{IERC20, ITokenBridge},
    config::EvmConfig,
    header::fetch_header,
    rpc::{CallError, Endpoint, Quorum, RETRY_AFTER, RpcLog, decode_answer, quantity},
};

/// Blocks that one question for logs spans: providers refuse more than a few thousand.
const SEARCH_BLOCKS: u64 = 2_000;
/// Questions for logs of final blocks in one reading; the next one goes on from there.
const SEARCHES_MAX: usize = 32;
/// Blocks below the head at which is looked a second time: so far behind no honest endpoint is that counts at all.
const BEHIND_BLOCKS: u64 = 16;
/// Longest that one endpoint may take for the books: none holds up a reading by being slow at every question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// Questions to one endpoint under way at once, where they are asked one by one.
const ASKS_MAX: usize = 16;
/// Routes of one bridge. Only its owner adds any.
const ROUTES_MAX: usize = 1_024;

/// The token here and the chain it travels to: a bridge has one route for both.
type RouteKey = (Address, ChainId);

/// Reads the books of one chain's token bridge.
pub(crate) struct BookReader {
    config: Arc<EvmConfig>,
    quorum: Arc<Quorum>,
}

impl BookReader {
    pub(crate) const fn new(config: Arc<EvmConfig>, quorum: Arc<Quorum>) -> Self {
        Self { config, quorum }
    }

    /// The books at the highest block that k endpoints have reached; `last_final` is the number of a final block. Where
    /// no k agree there, a liar may have raised that block past those who are a moment behind: they know an earlier
    /// one.
    pub(crate) async fn read(&self, last_final: u64, search: &mut RouteSearch) -> Result<BridgeBooks, PortError> {
        let known = &self.final_routes(last_final, search).await?;
        let what = format!("the head of {}", self.config.chain);
        let head = self.quorum.reached(&what, |endpoint| async move { head_of(&endpoint).await }).await?;
        let head = head.max(last_final);
        let earlier = head.saturating_sub(BEHIND_BLOCKS).max(last_final);
        match self.agreed(head, last_final, known).await {
            Err(error) if earlier < head => {
                tracing::debug!(chain = %self.config.chain, %error, earlier, "the head is disputed, looking below it");
                self.agreed(earlier, last_final, known).await
            }
            books => books,
        }
    }

    async fn agreed(&self, block: u64, last_final: u64, known: &BTreeSet<RouteKey>) -> Result<BridgeBooks, PortError> {
        let what = format!("the books of the token bridge in block {block} of {}", self.config.chain);
        let ask = |endpoint: Arc<Endpoint>| async move { self.answer(&endpoint, block, last_final, known).await };
        self.quorum.agree_at_head(&what, ask).await
    }

    async fn answer(
        &self,
        endpoint: &Endpoint,
        block: u64,
        last_final: u64,
        known: &BTreeSet<RouteKey>,
    ) -> Result<BridgeBooks, CallError> {
        let books = self.books_at(endpoint, block, last_final, known);
        tokio::time::timeout(ANSWER_TIMEOUT, books).await.unwrap_or_else(|_| {
            let (host, limit_s) = (endpoint.host(), ANSWER_TIMEOUT.as_secs());
            Err(CallError::retry(format!("{host} took more than {limit_s} s for the books of the token bridge")))
        })
    }

    /// Routes registered in final blocks, once all of them were looked through.
    async fn final_routes(&self, last_final: u64, search: &mut RouteSearch) -> Result<BTreeSet<RouteKey>, PortError> {
        let (chain, bridge) = (self.config.chain, Account::from(self.config.contracts.token_bridge));
        if search.bridge != bridge {
            *search = RouteSearch { bridge, next: self.config.start_block, found: BTreeSet::new() };
        }
        for _ in 0..SEARCHES_MAX {
            let (first, last) = (search.next, last_final.min(search.next.saturating_add(SEARCH_BLOCKS - 1)));
            if first > last {
                break;
            }
            let what = format!("token routes registered in blocks {first} to {last} of {chain}");
            let ask = |endpoint: Arc<Endpoint>| async move { self.registered(&endpoint, first, last).await.map(Some) };
            let found = self.quorum.agree(&what, ask).await?;
            search.found.extend(found.into_iter().map(|(token, remote)| (Account::from(token), remote)));
            search.next = last.saturating_add(1);
        }
        if search.next <= last_final {
            let next = search.next;
            let message = format!("token routes of {chain} are looked for: block {next} of {last_final} is next");
            return Err(PortError::retry(RETRY_AFTER, message));
        }
        if search.found.len() > ROUTES_MAX {
            let count = search.found.len();
            return Err(PortError::reject(format!(
                "the token bridge of {chain} has {count} routes, and {ROUTES_MAX} are watched at most: raise the bound"
            )));
        }
        let key = |(token, remote): &(Account, ChainId)| token.to_evm().map(|token| (token, *remote));
        let keys: Result<_, AccountError> = search.found.iter().map(key).collect();
        keys.map_err(|error| PortError::reject(format!("the stored token routes of {chain} are damaged: {error}")))
    }

    /// What one endpoint knows of routes registered in these blocks.
    async fn registered(&self, endpoint: &Endpoint, first: u64, last: u64) -> Result<BTreeSet<RouteKey>, CallError> {
        if first > last {
            return Ok(BTreeSet::new());
        }
        let bridge = self.config.contracts.token_bridge;
        let filter = json!([{
            "fromBlock": quantity(first),
            "toBlock": quantity(last),
            "address": bridge,
            "topics": [ITokenBridge::RouteRegistered::SIGNATURE_HASH],
        }]);
        let logs: Vec<RpcLog> = endpoint.request("eth_getLogs", filter).await?;
        let host = endpoint.host();
        logs.into_iter().map(|log| registration(bridge, &host, log)).collect()
    }

    /// One endpoint's answer about block `head`.
    async fn books_at(
        &self,
        endpoint: &Endpoint,
        head: u64,
        last_final: u64,
        known: &BTreeSet<RouteKey>,
    ) -> Result<BridgeBooks, CallError> {
        let missing = || CallError::retry(format!("{} does not have block {head}", endpoint.host()));
        let header = fetch_header(endpoint, json!(quantity(head))).await?.ok_or_else(missing)?;
        let block = header.block_ref();
        if block.number != head {
            let (host, given) = (endpoint.host(), block.number);
            return Err(CallError::halt(format!("{host} gave block {given} where block {head} was asked for")));
        }
        // Further back nothing but a stall of finality can hide a route, and what is not final moves nothing elsewhere.
        let newer = last_final.saturating_add(1).max(head.saturating_sub(SEARCH_BLOCKS - 1));
        let mut keys = self.registered(endpoint, newer, head).await?;
        keys.extend(known);
        Ok(BridgeBooks { block, routes: self.routes_at(endpoint, &block, &keys).await? })
    }

    async fn routes_at(
        &self,
        endpoint: &Endpoint,
        block: &BlockRef,
        keys: &BTreeSet<RouteKey>,
    ) -> Result<Vec<BridgeRoute>, CallError> {
        let bridge = self.config.contracts.token_bridge;
        let state = &state_after(block);
        let question = |(token, remote): &RouteKey| {
            let question = ITokenBridge::routeCall { token: *token, chain: remote.0 };
            view_at(bridge, &question, state)
        };
        let questions: Vec<_> = keys.iter().map(question).collect();
        let answers: Vec<Bytes> = endpoint.batch(&questions).await?;
        let entries = keys.iter().zip(&answers).map(|(key, answer)| self.entry(*key, answer));
        let mut routes = entries.collect::<Result<Vec<BridgeRoute>, CallError>>()?;
        let questions = keys.iter().zip(&routes).map(|((token, _), route)| holding(*token, route.kind, bridge, state));
        let questions: Vec<_> = questions.collect();
        for (route, answer) in routes.iter_mut().zip(holdings(endpoint, &questions).await?) {
            route.held = amount(answer);
        }
        Ok(routes)
    }

    /// A route without what stands behind it.
    fn entry(&self, (token, remote): RouteKey, answer: &Bytes) -> Result<BridgeRoute, CallError> {
        let bridge = self.config.contracts.token_bridge;
        let route = decode_answer::<ITokenBridge::routeCall>(self.config.chain, bridge, answer)?;
        let alien = || {
            CallError::Port(PortError::reject(format!(
                "{bridge} keeps no route of {token} to {remote} that a token bridge can have: check its address"
            )))
        };
        let kind = match route.kind {
            ITokenBridge::RouteKind::Lock => RouteKind::Lock,
            ITokenBridge::RouteKind::Mint => RouteKind::Mint,
            ITokenBridge::RouteKind::None | ITokenBridge::RouteKind::__Invalid => return Err(alien()),
        };
        let digits = route.localDecimals.checked_sub(route.wireDecimals).ok_or_else(alien)?;
        Ok(BridgeRoute {
            token: Account::from(token),
            remote,
            remote_token: Account(route.remoteToken),
            kind,
            wire_unit: 10u128.checked_pow(u32::from(digits)).ok_or_else(alien)?,
            sent: route.sent,
            returned: route.returned,
            received: route.received,
            held: None,
        })
    }
}

async fn head_of(endpoint: &Endpoint) -> Result<u64, CallError> {
    let number: U64 = endpoint.request("eth_blockNumber", json!([])).await?;
    Ok(number.to::<u64>())
}

/// The route that a log registers; an endpoint that answers with any other log lies.
fn registration(bridge: Address, host: &str, log: RpcLog) -> Result<RouteKey, CallError> {
    let lied = || CallError::halt(format!("{host} gave a log that registers no token route at {bridge}: replace it"));
    if log.address != bridge {
        return Err(lied());
    }
    let data = LogData::new(log.topics, log.data).ok_or_else(lied)?;
    let event = ITokenBridge::RouteRegistered::decode_log_data_validate(&data).map_err(|_| lied())?;
    Ok((event.token, ChainId(event.chain)))
}

/// Names the state after this very block (EIP-1898). By its number alone, totals and balances could be of two blocks
/// where the head is replaced between two questions, and would not add up.
fn state_after(block: &BlockRef) -> Value {
    json!({ "blockHash": block.hash, "requireCanonical": true })
}

/// The question what stands behind a route.
fn holding(token: Address, kind: RouteKind, bridge: Address, state: &Value) -> (&'static str, Value) {
    match kind {
        RouteKind::Mint => view_at(token, &IERC20::totalSupplyCall {}, state),
        RouteKind::Lock if token.is_zero() => ("eth_getBalance", json!([bridge, state])),
        RouteKind::Lock => view_at(token, &IERC20::balanceOfCall { account: bridge }, state),
    }
}

fn view_at<C: SolCall>(to: Address, call: &C, state: &Value) -> (&'static str, Value) {
    let data = Bytes::from(call.abi_encode());
    ("eth_call", json!([{ "to": to, "data": data }, state]))
}

/// What stands behind routes, as an endpoint answers. A token whose code fails spoils a batch: then each is asked about
/// by itself, so that it hides no other, and `null` stands for an answer that there is none of.
async fn holdings(endpoint: &Endpoint, questions: &[(&'static str, Value)]) -> Result<Vec<Value>, CallError> {
    match endpoint.batch(questions).await {
        Ok(answers) => return Ok(answers),
        Err(CallError::Reverted(_) | CallError::Refused { .. }) => {}
        Err(error @ CallError::Port(_)) => return Err(error),
    }
    let mut answers = Vec::with_capacity(questions.len());
    for together in questions.chunks(ASKS_MAX) {
        let asked: Vec<_> = together.iter().map(|question| holding_alone(endpoint, question)).collect();
        for answer in join_all(asked).await {
            answers.push(answer?);
        }
    }
    Ok(answers)
}

async fn holding_alone(endpoint: &Endpoint, (method, params): &(&'static str, Value)) -> Result<Value, CallError> {
    match endpoint.request(method, params.clone()).await {
        Err(CallError::Reverted(_) | CallError::Refused { .. }) => Ok(Value::Null),
        answer => answer,
    }
}

fn amount(answer: Value) -> Option<Amount> {
    let held: U256 = serde_json::from_value(answer).ok()?;
    Some(Amount(u128::try_from(held).unwrap_or(u128::MAX)))
}
