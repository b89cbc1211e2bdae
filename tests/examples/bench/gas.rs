//! Gas of every operation. Nonces, escrow and recipients are in use already, as they are for all but the first user.

use anyhow::Result;
use infrastrukt_ports::Action;
use infrastrukt_types::{
    Account, Amount, Bytes, ChainId, DealId, Decision, Leaf, Leg, LegRef, MESSAGE_VERSION, Message, Nonce, Timestamp,
};

use super::{
    chain::{Bench, ESCAPE_WINDOW_S, REMOTE},
    figures,
    report::Report,
};

/// Transactions of each kind; their median counts.
const SAMPLES: usize = 7;
const BATCH: usize = 10;
/// Leaves of the block in whose middle a single delivered message stands.
const BLOCK_LEAVES: u32 = 16;
const HANDLER_GAS: u64 = 100_000;
/// One coin or token.
const AMOUNT: Amount = Amount(1_000_000_000_000_000_000);
const DAY_S: u64 = 24 * 3_600;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    report.gas(figures::SEND, sends(bench).await?, 1)?;
    let mut inbound = Inbound::new(bench).await?;
    report.gas(figures::DELIVER, inbound.singles().await?, 1)?;
    report.gas(figures::DELIVER_BATCH, inbound.batches().await?, BATCH as u64)?;
    let people = bench.people(u8::try_from(BATCH)?).await?;
    let people: Vec<Account> = people.into_iter().map(Account::from).collect();
    let native = Deals { bench, token: Account::ZERO, people: &people };
    let tokens = Deals { bench, token: bench.account(bench.token), people: &people };
    report.gas(figures::LOCK_NATIVE, native.locks().await?, 1)?;
    report.gas(figures::LOCK_TOKEN, tokens.locks().await?, 1)?;
    report.gas(figures::SETTLE_NATIVE, native.settlements().await?, BATCH as u64)?;
    report.gas(figures::SETTLE_TOKEN, tokens.settlements().await?, BATCH as u64)
}

async fn sends(bench: &Bench) -> Result<Vec<u64>> {
    let deadline = Timestamp(bench.now().await? + DAY_S);
    let mut samples = Vec::new();
    for index in 0..=SAMPLES {
        let action = Action::Send {
            target: REMOTE,
            recipient: bench.account(bench.owner),
            gas_limit: HANDLER_GAS,
            deadline,
            payload: Bytes::from(Bench::random("payload", index).to_vec()),
        };
        samples.push(bench.act(&action).await?);
    }
    // The first one begins the nonce's storage slot.
    Ok(samples.split_off(1))
}

/// Messages from the other chain.
struct Inbound<'a> {
    bench: &'a Bench,
    recipients: Vec<Account>,
    deadline: Timestamp,
    nonce: u64,
}

impl<'a> Inbound<'a> {
    async fn new(bench: &'a Bench) -> Result<Self> {
        let recipients = bench.recipients(BATCH).await?.into_iter().map(Account::from).collect();
        let deadline = Timestamp(bench.now().await? + DAY_S);
        let mut inbound = Self { bench, recipients, deadline, nonce: 0 };
        // The first message begins the bitmap's word.
        inbound.single().await?;
        Ok(inbound)
    }

    fn next(&mut self, recipient: usize) -> Message {
        self.nonce += 1;
        Message {
            version: MESSAGE_VERSION,
            source: REMOTE,
            target: ChainId(self.bench.chain_id()),
            nonce: Nonce(self.nonce),
            sender: self.bench.account(self.bench.owner),
            recipient: self.recipients[recipient],
            timestamp: Timestamp(self.deadline.0 - DAY_S),
            gas_limit: HANDLER_GAS,
            deadline: self.deadline,
            payload: Bytes::from(Bench::random("inbound", usize::try_from(self.nonce).unwrap_or(0)).to_vec()),
        }
    }

    /// One message in the middle of a block.
    async fn single(&mut self) -> Result<u64> {
        let message = self.next(0);
        let other = |index| Leaf::Message(infrastrukt_types::MessageId(Bench::random("leaf", index)));
        let mut leaves: Vec<Leaf> = (0..BLOCK_LEAVES as usize).map(other).collect();
        let place = BLOCK_LEAVES / 2 - 1;
        leaves[place as usize] = Leaf::Message(self.bench.message_id(&message));
        let certified = self.bench.hub.certify(&leaves, place, 1, self.deadline.0)?;
        self.bench.act(&Action::Deliver { certified, messages: vec![message] }).await
    }

    async fn singles(&mut self) -> Result<Vec<u64>> {
        let mut samples = Vec::new();
        for _ in 0..SAMPLES {
            samples.push(self.single().await?);
        }
        Ok(samples)
    }

    /// Ten messages to ten recipients, the whole of a block.
    async fn batches(&mut self) -> Result<Vec<u64>> {
        let mut samples = Vec::new();
        for _ in 0..SAMPLES {
            let messages: Vec<Message> = (0..BATCH).map(|recipient| self.next(recipient)).collect();
            let leaves: Vec<Leaf> =
                messages.iter().map(|message| Leaf::Message(self.bench.message_id(message))).collect();
            let certified = self.bench.hub.certify(&leaves, 0, u32::try_from(BATCH)?, self.deadline.0)?;
            samples.push(self.bench.act(&Action::Deliver { certified, messages }).await?);
        }
        Ok(samples)
    }
}

/// Deals of one asset, with one leg each on this chain.
struct Deals<'a> {
    bench: &'a Bench,
    token: Account,
    people: &'a [Account],
}

impl Deals<'_> {
    fn id(&self, what: &str, index: usize) -> DealId {
        DealId(Bench::random(&format!("{what} {}", self.token), index))
    }

    /// A leg to one of the people, whose deadlines follow from the chain's time.
    fn leg(&self, person: usize, now: u64) -> LegRef {
        let person = self.people[person % self.people.len()];
        let leg = Leg {
            chain: ChainId(self.bench.chain_id()),
            escrow: self.bench.account(self.bench.contracts.escrow),
            token: self.token,
            amount: AMOUNT,
            depositor: self.bench.account(self.bench.owner),
            on_commit: person,
            on_abort: self.bench.account(self.bench.owner),
            escape_at: Timestamp(now + 2 * DAY_S),
            escape_window: ESCAPE_WINDOW_S,
            tip: Amount::ZERO,
        };
        LegRef { index: 0, lock_by: Timestamp(now + 3_600), leg }
    }

    /// Locks as the product does: with an allowance of exactly the amount, given in a transaction of its own.
    async fn lock(&self, deal: DealId, leg: LegRef) -> Result<u64> {
        if !self.token.is_zero() {
            let (token, spender, amount) = (self.token, leg.leg.escrow, leg.leg.amount);
            self.bench.act(&Action::Approve { token, spender, amount }).await?;
        }
        self.bench.act(&Action::Lock { deal, leg }).await
    }

    async fn locks(&self) -> Result<Vec<u64>> {
        let now = self.bench.now().await?;
        let mut samples = Vec::new();
        for index in 0..=SAMPLES {
            samples.push(self.lock(self.id("lock", index), self.leg(index, now)).await?);
        }
        // The first one begins the escrow's balance.
        Ok(samples.split_off(1))
    }

    async fn settlements(&self) -> Result<Vec<u64>> {
        let now = self.bench.now().await?;
        let mut samples = Vec::new();
        for sample in 0..SAMPLES {
            let mut settlements = Vec::with_capacity(BATCH);
            for index in 0..BATCH {
                let (deal, leg) = (self.id("settle", sample * BATCH + index), self.leg(index, now));
                self.lock(deal, leg.clone()).await?;
                settlements.push((deal, Decision::Commit, vec![leg]));
            }
            let leaves: Vec<Leaf> =
                settlements.iter().map(|(deal, decision, _)| Leaf::Decision(*deal, *decision)).collect();
            let certified = self.bench.hub.certify(&leaves, 0, u32::try_from(BATCH)?, now)?;
            samples.push(self.bench.act(&Action::Settle { certified, settlements }).await?);
        }
        Ok(samples)
    }
}
