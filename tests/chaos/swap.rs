//! Swaps of the load: registered with the hub through its interface, and each known by its lock keys.

use std::sync::Arc;

use alloy::primitives::{Address, B256, keccak256};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{chain::Chain, deal::Deal, dice::Dice, rpc::Rpc, side::Side};

/// Swaps registered at a time: each call waits for a block of the hub.
const REGISTER_AT_ONCE: usize = 16;
/// Wei of a leg: distinct sums, so that a payment to the wrong account cannot pass for the right one.
const AMOUNT_WEI: std::ops::Range<u64> = 1_000_000_000_000..1_000_000_000_000_000;
/// A leg's tip is one part of so many.
const TIP_PART: u64 = 1_000;

/// How much time a swap's parties have, and whether both come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Both lock, with time enough for anything that happens to the hub: it must commit.
    Patient,
    /// Only one locks: it must abort.
    Half,
    /// Both try to lock in little time, part of which the hub may be dead: one end or the other, but one.
    Hurried,
}

impl Kind {
    const fn lock_within_s(self) -> u64 {
        match self {
            Self::Patient => 3_000,
            Self::Half => 12,
            Self::Hurried => 15,
        }
    }
}

/// One swap.
#[derive(Clone, Debug)]
pub(crate) struct Swap {
    pub(crate) id: B256,
    pub(crate) deal: Deal,
    pub(crate) kind: Kind,
    /// Lock keys of the legs, in order.
    pub(crate) keys: [B256; 2],
    /// Which leg is locked first, or alone.
    pub(crate) first: usize,
}

/// What a swap of two native legs is asked for with.
#[derive(Clone, Debug)]
struct Wish {
    kind: Kind,
    first: usize,
    terms: Value,
    nonce: B256,
}

/// Whose money is swapped: the depositor on each chain.
pub(crate) struct Parties<'a> {
    pub(crate) chains: &'a [Arc<Chain>; 2],
    pub(crate) depositors: [Address; 2],
}

impl Parties<'_> {
    /// Each leg pays to accounts that never had anything: their balances say what became of it.
    fn wish(&self, dice: &mut Dice, kind: Kind) -> Wish {
        let nonce = dice.word();
        let payee = |leg: usize, word: &str| Address::from_word(keccak256(format!("{nonce} {leg} {word}"))).into_word();
        let legs: Vec<Value> = Side::BOTH
            .iter()
            .map(|side| {
                let (leg, amount) = (side.place(), dice.number(AMOUNT_WEI));
                json!({
                    "chain": side.id(), "token": B256::ZERO, "amount": amount.to_string(),
                    "depositor": self.depositors[leg].into_word(), "tip": (amount / TIP_PART).to_string(),
                    "on_commit": payee(leg, "commit"), "on_abort": payee(leg, "abort"),
                })
            })
            .collect();
        let terms = json!({ "nonce": nonce, "lock_within_s": kind.lock_within_s(), "legs": legs });
        Wish { kind, first: dice.place(2), terms, nonce }
    }

    /// Registers so many swaps: one in ten has one party only, one in ten is in a hurry.
    pub(crate) async fn register(&self, hub: &Hub, dice: &mut Dice, count: usize) -> Result<Vec<Swap>> {
        let kind = |index: usize| match index % 10 {
            0 => Kind::Half,
            1 => Kind::Hurried,
            _ => Kind::Patient,
        };
        let wishes: Vec<Wish> = (0..count).map(|index| self.wish(dice, kind(index))).collect();
        let escrows = self.chains.each_ref().map(|chain| chain.escrow.into_word());
        let mut swaps: Vec<(usize, Swap)> = Vec::with_capacity(count);
        for chunk in wishes.chunks(REGISTER_AT_ONCE) {
            let mut calls = JoinSet::new();
            for wish in chunk.iter().cloned() {
                let (hub, nth) = (hub.clone(), swaps.len() + calls.len());
                calls.spawn(async move { register(hub, wish, escrows).await.map(|swap| (nth, swap)) });
            }
            while let Some(swap) = calls.join_next().await {
                swaps.push(swap??);
            }
        }
        // In the order of the wishes, whoever was answered first.
        swaps.sort_by_key(|(nth, _)| *nth);
        Ok(swaps.into_iter().map(|(_, swap)| swap).collect())
    }
}

/// The hub as any client sees it.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    pub(crate) rpc: Rpc,
    pub(crate) id: B256,
}

/// Nothing the hub answers is believed that can be computed here.
async fn register(hub: Hub, wish: Wish, escrows: [B256; 2]) -> Result<Swap> {
    let deal: Deal = serde_json::from_value(hub.rpc.ask("hub_quoteDeal", json!([wish.terms])).await?)?;
    ensure!(deal.nonce == wish.nonce && deal.legs.len() == 2, "asked for {}, quoted {deal:?}", wish.terms);
    for (index, (leg, asked)) in deal.legs.iter().zip(wish.terms["legs"].as_array().context("legs")?).enumerate() {
        let mut given = serde_json::to_value(leg)?;
        let computed = given.as_object_mut().context("a leg is an object")?;
        for field in ["escrow", "escape_at", "escape_window"] {
            computed.remove(field);
        }
        ensure!(given == *asked && leg.escrow == escrows[index], "asked for {asked}, quoted {leg:?}");
    }
    let id = deal.id(hub.id)?;
    let given: B256 = serde_json::from_value(hub.rpc.ask("hub_registerDeal", json!([deal])).await?)?;
    ensure!(given == id, "the deal {id} was registered as {given}");
    let keys = [deal.lock_key(id, 0)?, deal.lock_key(id, 1)?];
    Ok(Swap { id, deal, kind: wish.kind, keys, first: wish.first })
}
