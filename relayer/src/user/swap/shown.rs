//! A deal as people read it.

use infrastrukt_types::{Account, Amount, Deal, Leg, Timestamp};
use serde::Serialize;

use super::super::{Chain, NATIVE, Network};

/// A deal with names and whole coins.
#[derive(Clone, Debug, Serialize)]
pub struct ShownDeal {
    /// Last second to lock, in chain time.
    pub lock_by: Timestamp,
    /// Last second to decide COMMIT, in hub time.
    pub decide_by: Timestamp,
    /// Last second at which a COMMIT can be signed, in hub time.
    pub sign_by: Timestamp,
    /// Its legs, in order.
    pub legs: Vec<ShownLeg>,
}

/// A leg with names and whole coins.
#[derive(Clone, Debug, Serialize)]
pub struct ShownLeg {
    /// Place in the deal.
    pub index: u8,
    /// Chain.
    pub chain: String,
    /// Symbol of the token, or its account where the chain does not answer.
    pub token: String,
    /// Amount in whole coins, or in units with the word `units` where the chain does not answer.
    pub amount: String,
    /// Part of the amount for whoever settles.
    pub tip: String,
    /// What is left of the amount for whoever is paid.
    pub net: String,
    /// Who locks.
    pub from: String,
    /// Who is paid on COMMIT.
    pub to: String,
    /// Who is paid on ABORT.
    pub refund_to: String,
    /// Chain time from which the timer refund may be requested.
    pub escape_at: Timestamp,
    /// Seconds from that request to the refund.
    pub escape_window_s: u64,
}

/// Shows a deal. Chains that do not answer are shown in raw units, since a status must not need them.
pub async fn show_deal(network: &Network, deal: &Deal) -> ShownDeal {
    let mut legs = Vec::with_capacity(deal.legs.len());
    for (index, leg) in (0u8..).zip(&deal.legs) {
        legs.push(show_leg(network, index, leg).await);
    }
    ShownDeal { lock_by: deal.lock_by, decide_by: deal.decide_by, sign_by: deal.sign_by, legs }
}

async fn show_leg(network: &Network, index: u8, leg: &Leg) -> ShownLeg {
    let (token, decimals) = match network.chain(leg.chain) {
        Ok(chain) => token_of(network, chain, leg.token).await,
        Err(_) => (raw_token(leg.token), None),
    };
    ShownLeg {
        index,
        chain: network.chain_name(leg.chain),
        token,
        amount: show_amount(leg.amount, decimals),
        tip: show_amount(leg.tip, decimals),
        net: show_amount(net(leg), decimals),
        from: network.show_account(leg.depositor, leg.chain),
        to: network.show_account(leg.on_commit, leg.chain),
        refund_to: network.show_account(leg.on_abort, leg.chain),
        escape_at: leg.escape_at,
        escape_window_s: leg.escape_window,
    }
}

/// What a leg pays: the tip is part of its amount. A tip above the amount, which no hub takes, leaves nothing.
pub(super) fn net(leg: &Leg) -> Amount {
    leg.amount.checked_sub(leg.tip).unwrap_or(Amount::ZERO)
}

async fn token_of(network: &Network, chain: &Chain, token: Account) -> (String, Option<u8>) {
    match network.token_info(chain, token).await {
        Ok(info) => (info.symbol, Some(info.decimals)),
        Err(_) if token.is_zero() => (raw_token(token), None),
        Err(_) => (chain.reader().show_account(token), None),
    }
}

fn raw_token(token: Account) -> String {
    if token.is_zero() { NATIVE.into() } else { token.to_string() }
}

fn show_amount(amount: Amount, decimals: Option<u8>) -> String {
    match decimals {
        Some(decimals) => amount.show(decimals),
        None => format!("{amount} units"),
    }
}
