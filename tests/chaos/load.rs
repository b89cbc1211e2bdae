//! The load: messages both ways and swaps, from users who speak to the chains directly and never give up.

use std::sync::Arc;

use alloy::primitives::{U256, keccak256};
use anyhow::Result;

use super::{
    abi,
    chain::Chain,
    dice::Dice,
    lie::Forgery,
    side::Side,
    swap::{Hub, Kind, Parties, Swap},
    wallet::{Order, Wallet},
};

/// Published keys: 0 to 3 are the devnet's people and its relayer, 9 deployed.
const MESSENGERS: [u32; 2] = [5, 6];
const DEPOSITORS: [u32; 2] = [7, 8];
/// Gas for the handler of a message: enough for the inbox.
const HANDLER_GAS: u64 = 100_000;
const SEND_GAS: u64 = 150_000;
const LOCK_GAS: u64 = 200_000;
const PAYLOAD_BYTES: usize = 32;
/// Parts of the load that is sent while blows fall.
const PARTS: u64 = 20;

/// Everything users do.
pub(crate) struct Load {
    chains: [Arc<Chain>; 2],
    hub: Hub,
    messengers: [Wallet; 2],
    depositors: [Wallet; 2],
    /// Price of a message that leaves each chain.
    pub(crate) fees: [U256; 2],
    /// Messages sent from each chain so far.
    pub(crate) sent: [u64; 2],
    /// All swaps so far.
    pub(crate) swaps: Vec<Swap>,
    seed: u64,
}

/// The part of a round's load that is sent while blows fall.
pub(crate) struct Second {
    /// Messages each way that are left, and how many of them go at a time.
    messages: u64,
    at_a_time: u64,
    locks: Vec<(Side, Order)>,
}

impl Load {
    pub(crate) async fn new(chains: [Arc<Chain>; 2], hub: Hub, seed: u64) -> Result<Self> {
        let (messengers, depositors) = (wallets(&chains, MESSENGERS).await?, wallets(&chains, DEPOSITORS).await?);
        let fees = [fee(&chains[0]).await?, fee(&chains[1]).await?];
        Ok(Self { messengers, depositors, fees, sent: [0; 2], swaps: Vec::new(), seed, hub, chains })
    }

    /// Registers a round's swaps, sends the first half of everything, and keeps the other half for later. Of every
    /// second swap that half is its second leg.
    pub(crate) async fn begin(&mut self, dice: &mut Dice, messages: u64, swaps: usize) -> Result<Second> {
        let parties =
            Parties { chains: &self.chains, depositors: self.depositors.each_ref().map(|wallet| wallet.address()) };
        let fresh = parties.register(&self.hub, dice, swaps).await?;
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for (index, swap) in fresh.iter().enumerate() {
            now.push(self.lock(swap, swap.first)?);
            match swap.kind {
                Kind::Half => {}
                Kind::Patient | Kind::Hurried if index.is_multiple_of(2) => now.push(self.lock(swap, 1 - swap.first)?),
                Kind::Patient | Kind::Hurried => later.push(self.lock(swap, 1 - swap.first)?),
            }
        }
        self.swaps.extend(fresh);
        self.lock_all(now).await?;
        self.send(messages / 4).await?;
        let left = messages / 2 - messages / 4;
        Ok(Second { messages: left, at_a_time: left.div_ceil(PARTS), locks: later })
    }

    /// Sends a part of the other half, and all its locks: whatever is struck, something is always under way.
    pub(crate) async fn go_on(&mut self, second: &mut Second) -> Result<()> {
        let count = second.at_a_time.min(second.messages);
        second.messages -= count;
        self.lock_all(std::mem::take(&mut second.locks)).await?;
        self.send(count).await
    }

    /// Sends what is left of the other half.
    pub(crate) async fn finish(&mut self, second: Second) -> Result<()> {
        self.lock_all(second.locks).await?;
        self.send(second.messages).await
    }

    fn lock(&self, swap: &Swap, leg: usize) -> Result<(Side, Order)> {
        let side = Side::BOTH[leg];
        let call = abi::lockCall { dealId: swap.id, place: swap.deal.leg_ref(leg)? };
        let amount = U256::from(swap.deal.legs[leg].amount);
        Ok((side, Order::new(self.chains[leg].escrow, amount, &call, LOCK_GAS)))
    }

    async fn lock_all(&mut self, locks: Vec<(Side, Order)>) -> Result<()> {
        for side in Side::BOTH {
            let orders = locks.iter().filter(|(at, _)| *at == side).map(|(_, order)| order.clone()).collect();
            self.depositors[side.place()].send(orders).await?;
        }
        Ok(())
    }

    /// So many messages each way.
    async fn send(&mut self, each_way: u64) -> Result<()> {
        for side in Side::BOTH {
            let (from, to) = (&self.chains[side.place()], &self.chains[side.other().place()]);
            let mut orders = Vec::new();
            for _ in 0..each_way {
                self.sent[side.place()] += 1;
                let payload = keccak256(format!("{} {side} {}", self.seed, self.sent[side.place()]));
                let call = abi::sendCall {
                    target: to.id,
                    recipient: to.inbox.into_word(),
                    gasLimit: HANDLER_GAS,
                    deadline: 0,
                    payload: payload.to_vec().into(),
                };
                orders.push(Order::new(from.gateway, self.fees[side.place()], &call, SEND_GAS));
            }
            self.messengers[side.place()].send(orders).await?;
        }
        Ok(())
    }

    /// Shows the chains what they have not taken for good; returns how many transactions that are.
    pub(crate) async fn push(&mut self) -> usize {
        let mut open = 0;
        for wallet in self.messengers.iter_mut().chain(&mut self.depositors) {
            open += wallet.push().await;
        }
        open
    }

    /// The lock on this side that would let a newest swap commit whose party there never comes; of another swap where
    /// there is none.
    pub(crate) fn forgery(&self, side: Side) -> Option<Forgery> {
        let waits = |swap: &&Swap| swap.kind == Kind::Half && swap.first != side.place();
        let swap = self.swaps.iter().rev().find(waits).or(self.swaps.last())?;
        let index = u8::try_from(side.place()).ok()?;
        Some(Forgery { deal: swap.id, key: swap.keys[side.place()], index })
    }

    /// What is not final, for people.
    pub(crate) fn waits_for(&self) -> Vec<String> {
        self.messengers.iter().chain(&self.depositors).filter_map(Wallet::waits_for).collect()
    }
}

async fn wallets([eth, bsc]: &[Arc<Chain>; 2], indices: [u32; 2]) -> Result<[Wallet; 2]> {
    Ok([Wallet::open(eth.clone(), indices[0]).await?, Wallet::open(bsc.clone(), indices[1]).await?])
}

async fn fee(chain: &Chain) -> Result<U256> {
    let query = abi::quoteCall {
        target: chain.side.other().id(),
        gasLimit: HANDLER_GAS,
        payloadLength: U256::from(PAYLOAD_BYTES),
    };
    Ok(chain.call(chain.gateway, &query).await?.feeWei)
}
