//! The judge: reads both chains by itself and says what is wrong. It asks neither hub nor relayer anything, sees no
//! proxy, and shares no code with them.

use std::{slice, sync::Arc};

use alloy::{
    primitives::{Address, U256, hex},
    sol_types::SolCall,
};
use anyhow::Result;
use serde_json::{Value, json};

use super::{
    abi,
    chain::{Chain, encoded},
    ledger::Ledger,
    load::Load,
    rpc::{quantity, text, wide},
    side::Side,
    swap::{Kind, Swap},
};

/// Violations that are told in full.
const TOLD_MAX: usize = 20;

/// States of a lock as the escrow numbers them.
const NONE: u8 = 0;
const RELEASED: u8 = 2;
const REFUNDED: u8 = 3;

/// Reads and judges.
#[derive(Debug)]
pub(crate) struct Judge {
    ledgers: [Ledger; 2],
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    /// Messages that arrived as they should.
    pub(crate) messages: usize,
    pub(crate) committed: usize,
    pub(crate) aborted: usize,
    pub(crate) violations: Vec<String>,
}

/// One leg as its chain has it.
#[derive(Clone, Copy, Debug)]
struct LegState {
    state: u8,
    /// What the payees of COMMIT and of ABORT have.
    paid: [U256; 2],
}

impl Verdict {
    /// A failure with the reasons, if there are any.
    pub(crate) fn check(&self) -> Result<()> {
        let told = self.violations.iter().take(TOLD_MAX).cloned().collect::<Vec<_>>().join("\n  ");
        anyhow::ensure!(self.violations.is_empty(), "{} violations:\n  {told}", self.violations.len());
        Ok(())
    }

    fn wrong(&mut self, what: String) {
        self.violations.push(what);
    }
}

impl Judge {
    pub(crate) fn new(chains: &[Arc<Chain>; 2]) -> Self {
        Self { ledgers: chains.each_ref().map(|chain| Ledger::new(chain.clone())) }
    }

    /// Reads on to the newest final blocks.
    pub(crate) async fn read_on(&mut self) -> Result<()> {
        for ledger in &mut self.ledgers {
            ledger.read_on().await?;
        }
        Ok(())
    }

    /// Messages that are sent and not delivered, and locks that are not settled.
    pub(crate) fn under_way(&self) -> [usize; 2] {
        let messages = Side::BOTH.map(|side| {
            let (from, to) = (&self.ledgers[side.place()], &self.ledgers[side.other().place()]);
            from.sent.keys().filter(|id| !to.delivered.contains_key(*id)).count()
        });
        [messages[0] + messages[1], self.ledgers[0].unsettled() + self.ledgers[1].unsettled()]
    }

    /// Judges what was read, for these swaps and all messages. Nothing may be under way any more.
    pub(crate) async fn verdict(&self, load: &Load, swaps: &[Swap]) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        for side in Side::BOTH {
            self.messages(&mut verdict, side, load);
        }
        let states = [self.legs(Side::Eth, swaps).await?, self.legs(Side::Bsc, swaps).await?];
        for (index, swap) in swaps.iter().enumerate() {
            self.swap(&mut verdict, swap, [states[0][index], states[1][index]]);
        }
        for side in Side::BOTH {
            self.accounts(&mut verdict, side, load).await?;
        }
        Ok(verdict)
    }

    /// Nothing lost, nothing doubled, nothing invented, nothing changed on the way.
    fn messages(&self, verdict: &mut Verdict, side: Side, load: &Load) {
        let (from, to) = (&self.ledgers[side.place()], &self.ledgers[side.other().place()]);
        let mut nonces = from.nonces.clone();
        nonces.sort_unstable();
        if nonces != (1..=load.sent[side.place()]).collect::<Vec<u64>>() {
            let (found, asked) = (nonces.len(), load.sent[side.place()]);
            verdict.wrong(format!("{asked} messages were sent from {side}, and {found} stand in its blocks"));
        }
        for (id, letter) in &from.sent {
            let (delivered, received) = (to.delivered.get(id), to.received.get(id));
            if delivered == Some(&1) && received.is_some_and(|received| received.as_slice() == slice::from_ref(letter))
            {
                verdict.messages += 1;
            } else {
                verdict.wrong(format!(
                    "message {id} from {side} was delivered {delivered:?} times and received as {received:?}"
                ));
            }
        }
        let invented = to.delivered.keys().chain(to.received.keys()).filter(|id| !from.sent.contains_key(*id));
        for id in invented {
            verdict.wrong(format!("message {id} arrived at {} and was never sent", side.other()));
        }
        verdict.violations.extend(from.odd.iter().map(|odd| format!("on {side}: {odd}")));
    }

    /// One side's leg of every swap: the state of its lock and what its payees have.
    async fn legs(&self, side: Side, swaps: &[Swap]) -> Result<Vec<LegState>> {
        let ledger = &self.ledgers[side.place()];
        let (chain, block) = (&ledger.chain, quantity(ledger.last()));
        let mut calls: Vec<(&str, Value)> = Vec::with_capacity(3 * swaps.len());
        for swap in swaps {
            let call = encoded(&abi::locksCall { lockKey: swap.keys[side.place()] });
            calls.push(("eth_call", json!([{ "to": chain.escrow, "data": call }, block])));
            let payees: [Address; 2] = swap.deal.legs[side.place()].payees();
            calls.extend(payees.map(|payee| ("eth_getBalance", json!([payee, block]))));
        }
        let answers = chain.node.ask_all(&calls).await?.into_iter().collect::<Result<Vec<Value>>>()?;
        let (answers, _) = answers.as_chunks::<3>();
        answers
            .iter()
            .map(|answer| -> Result<LegState> {
                let lock = abi::locksCall::abi_decode_returns(&hex::decode(text(&answer[0])?)?)?;
                Ok(LegState { state: lock.state, paid: [wide(&answer[1])?, wide(&answer[2])?] })
            })
            .collect()
    }

    /// All released or all refunded, each to the account that its depositor named, once, and to the last unit.
    fn swap(&self, verdict: &mut Verdict, swap: &Swap, legs: [LegState; 2]) {
        let (id, kind, states) = (swap.id, swap.kind, legs.map(|leg| leg.state));
        let locked = Side::BOTH.map(|side| self.ledgers[side.place()].locked.get(&swap.keys[side.place()]).copied());
        let commits = states == [RELEASED; 2];
        let aborts = locked.map(|times| if times.is_some() { REFUNDED } else { NONE });
        if !commits && states != aborts {
            verdict.wrong(format!("deal {id} is half settled: locks {locked:?}, states {states:?}"));
        }
        let both = locked == [Some(1); 2];
        let must = match kind {
            Kind::Patient => both && commits,
            // A lock that was taken back by its chain may be too late the second time.
            Kind::Half => !commits && locked[1 - swap.first].is_none(),
            Kind::Hurried => true,
        };
        if !must || locked.iter().flatten().any(|times| *times != 1) {
            verdict.wrong(format!("deal {id} ({kind:?}) ended with locks {locked:?} and states {states:?}"));
        }
        for (index, leg) in legs.iter().enumerate() {
            let terms = &swap.deal.legs[index];
            let payout = U256::from(terms.amount - terms.tip);
            let due = match leg.state {
                RELEASED => [payout, U256::ZERO],
                REFUNDED => [U256::ZERO, payout],
                _ => [U256::ZERO; 2],
            };
            let settled = self.ledgers[index].settled.get(&swap.keys[index]);
            let once = settled.map_or(0, Vec::len) == usize::from(locked[index].is_some());
            if leg.paid != due || !once || settled.is_some_and(|settled| settled.contains(&!commits)) {
                verdict.wrong(format!("leg {index} of deal {id}: {leg:?}, due {due:?}, settled {settled:?}"));
            }
        }
        if commits { verdict.committed += 1 } else { verdict.aborted += 1 }
    }

    /// The escrow holds what is locked and nothing else; the gateway holds one fee a message.
    async fn accounts(&self, verdict: &mut Verdict, side: Side, load: &Load) -> Result<()> {
        let ledger = &self.ledgers[side.place()];
        let (chain, block) = (&ledger.chain, quantity(ledger.last()));
        let calls = [chain.escrow, chain.gateway].map(|of| ("eth_getBalance", json!([of, block])));
        let answers = chain.node.ask_all(&calls).await?.into_iter().collect::<Result<Vec<Value>>>()?;
        let (escrow, gateway) = (wide(&answers[0])?, wide(&answers[1])?);
        let open = self.open_amount(side, &load.swaps);
        if escrow != open {
            verdict.wrong(format!("the escrow of {side} has {escrow}, and {open} is locked in it"));
        }
        let fees = load.fees[side.place()] * U256::from(ledger.sent.len());
        if gateway != fees {
            verdict.wrong(format!("the gateway of {side} has {gateway}, and its fees are {fees}"));
        }
        Ok(())
    }

    /// What is locked and not settled.
    fn open_amount(&self, side: Side, swaps: &[Swap]) -> U256 {
        let ledger = &self.ledgers[side.place()];
        let is_open = |swap: &&Swap| {
            let key = &swap.keys[side.place()];
            ledger.locked.contains_key(key) && !ledger.settled.contains_key(key)
        };
        swaps.iter().filter(is_open).map(|swap| U256::from(swap.deal.legs[side.place()].amount)).sum()
    }
}
