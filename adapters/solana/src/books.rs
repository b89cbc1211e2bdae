//! The books of the chain's token bridge: every route with its totals, and what stands behind it.
//!
//! Nodes tell no state of the past, and no two are at the same slot when they are asked. So k endpoints must agree on the
//! figures, and each shows the clock beside them: all totals only grow, and what was so at two moments was so in
//! between. Routes are never closed, so the program's accounts are all that is looked through.

use borsh::BorshDeserialize;
use infrastrukt_evm::CallError;
use infrastrukt_ports::{BlockRef, BridgeBooks, BridgeRoute, PortError, Remedy, RouteKind, RouteSearch};
use infrastrukt_types::{Account, Amount, B256, ChainId, Timestamp};
use solana_pubkey::Pubkey;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    address::{CLOCK, Gateway, NATIVE, PURSE_BYTES, TOKEN_2022, TOKEN_PROGRAM, account, associated_token, pubkey_of},
    chain::Parts,
    clock::{Clock, latest_time},
    discriminator::{self, Discriminator},
    rpc::{AccountState, Commitment, Endpoint},
    state::{self, GatewayAccount, Route},
};

/// Accounts that one question names beside the clock.
const NAMED_MAX: usize = 99;
/// Routes of one bridge. Only its owner adds any.
const ROUTES_MAX: usize = 1_024;
/// Bytes with which a route says which one it is: the other chain and the token here.
const ROUTE_KEY_BYTES: usize = 40;
/// The kind of a route that locks what leaves.
const LOCK: u8 = 1;
/// Where a mint has its supply.
const SUPPLY_AT: usize = 36;
/// An endpoint whose clock is further behind what is final tells nothing of the present, nor one that is as far ahead of
/// what k endpoints have reached.
const BEHIND_S: u64 = 30;

/// A route with its books.
#[derive(BorshDeserialize, Clone, Debug, PartialEq, Eq)]
struct RouteBooks {
    route: Route,
    sent: u128,
    returned: u128,
    received: u128,
}

impl GatewayAccount for RouteBooks {
    const NAME: &'static str = "Route";
    const DISCRIMINATOR: Discriminator = discriminator::account::ROUTE;
}

/// Accounts as one endpoint had them at one moment.
type Found = BTreeMap<Pubkey, AccountState>;

/// One token of the bridge, with all accounts that its books are in.
#[derive(Clone, Debug)]
struct Token {
    mint: Pubkey,
    routes: Vec<(ChainId, Pubkey)>,
    accounts: Vec<Pubkey>,
}

/// What one endpoint shows: equal where the figures are, whenever it was asked.
#[derive(Clone, Debug)]
struct Shown(BridgeBooks);

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.0.routes == other.0.routes
    }
}

/// The books at the head.
pub(crate) async fn read(parts: &Parts, search: &mut RouteSearch) -> Result<BridgeBooks, PortError> {
    if let Err(error) = find(parts, search).await {
        if error.remedy == Remedy::Halt || search.found.is_empty() {
            return Err(error);
        }
        // Those that are known are compared all the same: anybody can make the search slow.
        tracing::warn!(chain = %parts.config.chain, %error, "token routes are not looked for now");
    }
    let last_final = parts.view.head().await?.into_inner().time;
    let tokens = &tokens(&parts.site.gateway, &search.found);
    // Figures are compared by their time, so that it is not for one endpoint to tell.
    let what = format!("the time of {}", parts.config.chain);
    let latest = parts.quorum.reached(&what, |endpoint| async move { latest_time(&endpoint).await }).await?;
    let between = (last_final, Timestamp(latest));
    let what = format!("the books of the token bridge of {}", parts.config.chain);
    let ask = |endpoint: Arc<Endpoint>| async move { shown(parts, &endpoint, tokens, between).await };
    Ok(parts.quorum.agree_at_head(&what, ask).await?.0)
}

/// Looks for routes that are not known yet.
async fn find(parts: &Parts, search: &mut RouteSearch) -> Result<(), PortError> {
    let (chain, gateway) = (parts.config.chain, parts.site.gateway);
    let bridge = account(&gateway.bridge);
    if search.bridge != bridge {
        *search = RouteSearch { bridge, ..RouteSearch::default() };
    }
    let what = format!("token routes of {chain}");
    let ask = |endpoint: Arc<Endpoint>| async move { listed(&endpoint, &gateway.program).await };
    search.found.extend(parts.quorum.agree_at_head(&what, ask).await?);
    let count = search.found.len();
    if count <= ROUTES_MAX {
        return Ok(());
    }
    Err(PortError::reject(format!(
        "the token bridge of {chain} has {count} routes, and {ROUTES_MAX} are watched at most: raise the bound"
    )))
}

async fn listed(endpoint: &Endpoint, program: &Pubkey) -> Result<BTreeSet<(Account, ChainId)>, CallError> {
    let found = endpoint.owned(program, &RouteBooks::DISCRIMINATOR, ROUTE_KEY_BYTES).await?;
    let key = |data: Vec<u8>| {
        let (chain, token) = <(u64, [u8; 32])>::try_from_slice(&data).ok()?;
        Some((Account(B256::from(token)), ChainId(chain)))
    };
    let keys: Option<BTreeSet<_>> = found.into_iter().map(key).collect();
    keys.ok_or_else(|| CallError::retry("an endpoint lists token routes that are none"))
}

/// Routes by token: one token's books are only told together.
fn tokens(gateway: &Gateway, found: &BTreeSet<(Account, ChainId)>) -> Vec<Token> {
    let mut chains: BTreeMap<Account, Vec<ChainId>> = BTreeMap::new();
    for (token, chain) in found {
        chains.entry(*token).or_default().push(*chain);
    }
    let token = |(token, chains): (Account, Vec<ChainId>)| {
        let mint = pubkey_of(token);
        let routes: Vec<_> = chains.into_iter().map(|chain| (chain, gateway.route(chain, &mint))).collect();
        let mut accounts: Vec<Pubkey> = routes.iter().map(|(_, key)| *key).collect();
        if mint == NATIVE {
            accounts.push(gateway.bridge);
        } else {
            // Which program's token it is, is known only with the mint.
            let vaults = [TOKEN_PROGRAM, TOKEN_2022].map(|program| associated_token(&gateway.bridge, &mint, &program));
            accounts.push(mint);
            accounts.extend(vaults);
        }
        Token { mint, routes, accounts }
    };
    chains.into_iter().map(token).collect()
}

/// As many tokens together as one question can name; at least one group, for the clock's sake.
fn groups(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut groups, mut first, mut named) = (Vec::new(), 0, 0);
    for (at, token) in tokens.iter().enumerate() {
        if named + token.accounts.len() > NAMED_MAX && at > first {
            groups.push(&tokens[first..at]);
            (first, named) = (at, 0);
        }
        named += token.accounts.len();
    }
    groups.push(&tokens[first..]);
    groups
}

/// One endpoint's answer. Groups are read one after the other, within far less time than a message needs to arrive
/// anywhere; the first one's clock stands for all.
async fn shown(
    parts: &Parts,
    endpoint: &Endpoint,
    tokens: &[Token],
    between: (Timestamp, Timestamp),
) -> Result<Shown, CallError> {
    let holds_sol = tokens.iter().any(|token| token.mint == NATIVE);
    let rent = if holds_sol { endpoint.rent_exempt(PURSE_BYTES).await? } else { 0 };
    let (mut clock, mut routes) = (None, Vec::new());
    for group in groups(tokens) {
        let mut keys = vec![CLOCK];
        keys.extend(group.iter().flat_map(|token| &token.accounts));
        let accounts = endpoint.accounts(&keys, Commitment::Confirmed).await?;
        let found: Found = keys.into_iter().zip(accounts).filter_map(|(key, account)| Some((key, account?))).collect();
        clock = clock.or_else(|| Clock::read(found.get(&CLOCK)));
        for token in group {
            routes.extend(token.entries(&parts.site.gateway, &found, rent)?);
        }
    }
    let unclear = || CallError::retry("an endpoint does not show the chain's clock");
    let Clock { slot, time } = clock.ok_or_else(unclear)?;
    check_time(time, between)?;
    // A state has no hash that could be asked for, and nobody compares the books by it.
    let block = BlockRef { number: slot, hash: B256::ZERO, time: Timestamp(time) };
    Ok(Shown(BridgeBooks { block, routes }))
}

/// What is shown is not from long before the last final block, nor from after what k endpoints have reached.
fn check_time(time: u64, (last_final, latest): (Timestamp, Timestamp)) -> Result<(), CallError> {
    if time.saturating_add(BEHIND_S) < last_final.0 {
        return Err(CallError::retry("an endpoint shows a state from before the last final block: it is behind"));
    }
    if time > latest.0.saturating_add(BEHIND_S) {
        return Err(CallError::retry("an endpoint shows a time that too few others have reached"));
    }
    Ok(())
}

impl Token {
    fn entries(&self, gateway: &Gateway, found: &Found, rent: u64) -> Result<Vec<BridgeRoute>, PortError> {
        let reject = |error: state::StateError| PortError::reject(error.to_string());
        let mut entries = Vec::with_capacity(self.routes.len());
        for (remote, key) in &self.routes {
            // It was registered in a block that was abandoned since.
            let Some(account) = found.get(key) else { continue };
            let books: RouteBooks = state::read(&gateway.program, key, account).map_err(reject)?;
            let (kind, wire_unit) = terms(&books.route).ok_or_else(|| {
                PortError::reject(format!(
                    "{key} is no route that a token bridge can have: check the program's address"
                ))
            })?;
            let held = match kind {
                RouteKind::Mint => self.supply(found),
                RouteKind::Lock => self.locked(gateway, found, rent),
            };
            entries.push(BridgeRoute {
                token: Account(B256::from(books.route.token)),
                remote: *remote,
                remote_token: Account(B256::from(books.route.remote_token)),
                kind,
                wire_unit,
                sent: books.sent,
                returned: books.returned,
                received: books.received,
                held: held.map(|units| Amount(u128::from(units))),
            });
        }
        Ok(entries)
    }

    fn supply(&self, found: &Found) -> Option<u64> {
        let mint = found.get(&self.mint)?;
        state::mint(&self.mint, mint).ok()?;
        Some(u64::from_le_bytes(mint.data.get(SUPPLY_AT..)?.first_chunk().copied()?))
    }

    /// What the bridge has of it; of SOL, without the rent of its purse.
    fn locked(&self, gateway: &Gateway, found: &Found, rent: u64) -> Option<u64> {
        if self.mint == NATIVE {
            return Some(found.get(&gateway.bridge)?.lamports.saturating_sub(rent));
        }
        let vault = associated_token(&gateway.bridge, &self.mint, &found.get(&self.mint)?.owner);
        state::token_amount(&vault, found.get(&vault)).ok()
    }
}

/// What a route does, and how many of the token's smallest units one wire unit has.
fn terms(route: &Route) -> Option<(RouteKind, u128)> {
    let kind = match route.kind {
        LOCK => RouteKind::Lock,
        Route::MINT => RouteKind::Mint,
        _unknown => return None,
    };
    let digits = route.local_decimals.checked_sub(route.wire_decimals)?;
    Some((kind, 10u128.checked_pow(u32::from(digits))?))
}

#[cfg(test)]
mod tests;
