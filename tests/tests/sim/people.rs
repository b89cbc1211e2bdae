//! Users: they send messages and make deals, sign with their own keys, and look after their own locks. Their wallets
//! forget nothing and offer every transaction until a block takes it.

use infrastrukt_api::{DealTerms, LegTerms};
use infrastrukt_ports::{Action, CertifiedLeaves, LockStatus};
use infrastrukt_relayer::pipeline::hub::HubError;
use infrastrukt_sim::{PoolError, SimChain, SimTx, sim_account};
use infrastrukt_types::{Account, Amount, B256, ChainId, DealCancel, DealId, Decision, LegRef, Timestamp};
use std::sync::Arc;

use crate::{
    caller::Caller,
    chains::{Chain, GAS_PRICE, LEFT, RIGHT},
    dice::Dice,
    hub,
    market::Trade,
    party::{Life, Party, VALIDATORS},
    script::{Bargain, Letter},
    world::World,
};

/// Pause between two looks of a wallet at its transactions.
const PUSH_MS: u64 = 3_000;
/// Pause between two looks at a lock.
const LOOK_MS: u64 = 4_000;
/// Pause before the same is tried again.
const AGAIN_MS: u64 = 2_000;
/// Pause before a second transaction is made for the same purpose.
const REPEAT_MS: u64 = 40_000;
/// Seconds behind `lock_by` after which a lock that is not there never comes.
const LATE_S: u64 = 20;
/// Seconds the parties take for locking.
const LOCK_WITHIN_S: u64 = 35;
/// Quotes asked for, and offers of each, before a deal is given up.
const QUOTES_MAX: u32 = 4;
const OFFERS_MAX: u32 = 5;
/// What a leg is worth, and its part for whoever settles.
const AMOUNT: Amount = Amount(1_000_000);
const TIP: Amount = Amount(1_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Person {
    Alice,
    Bob,
}

impl Person {
    pub(crate) const ALL: [Self; 2] = [Self::Alice, Self::Bob];

    const fn key(self) -> u8 {
        match self {
            Self::Alice => VALIDATORS,
            Self::Bob => VALIDATORS + 1,
        }
    }

    pub(crate) fn account(self) -> Account {
        hub::signer(self.key()).address().into()
    }

    /// Whom this one deals with.
    const fn other(self) -> Self {
        match self {
            Self::Alice => Self::Bob,
            Self::Bob => Self::Alice,
        }
    }

    /// Where this person is paid.
    pub(crate) fn purse(self) -> Account {
        sim_account(match self {
            Self::Alice => "alice's purse",
            Self::Bob => "bob's purse",
        })
    }
}

/// One person's transactions on one chain.
pub(crate) struct Wallet {
    chain: SimChain,
    account: Account,
    txs: Vec<SimTx>,
}

impl Wallet {
    pub(crate) fn new(chain: SimChain, account: Account) -> Self {
        Self { chain, account, txs: Vec::new() }
    }

    pub(crate) fn act(&mut self, value: Amount, action: Action) {
        let nonce = self.txs.len() as u64;
        self.txs.push(SimTx { from: self.account, nonce, gas_price: GAS_PRICE, value, action });
        self.push();
    }

    fn taken(&self) -> usize {
        usize::try_from(self.chain.inspect(|state| state.nonce(self.account))).expect("as many as there are")
    }

    /// Offers again what is in no block, for more where that is asked.
    pub(crate) fn push(&mut self) {
        let taken = self.taken();
        for tx in self.txs.iter_mut().skip(taken) {
            if let Err(PoolError::Underpriced { required }) = self.chain.broadcast(tx.clone()) {
                tx.gas_price = required;
                // Whatever is wrong with it now, it comes again with the next look.
                let _ = self.chain.broadcast(tx.clone());
            }
        }
    }

    /// True once everything is in a block.
    pub(crate) fn is_done(&self) -> bool {
        self.taken() >= self.txs.len()
    }
}

/// Sets everybody to work.
pub(crate) fn begin(world: &Arc<World>, mut dice: Dice) {
    tokio::spawn(push(world.clone()));
    for letter in world.script.letters.clone() {
        tokio::spawn(send(world.clone(), letter, dice.fork()));
    }
    for bargain in world.script.bargains.clone() {
        tokio::spawn(trade(world.clone(), bargain, dice.fork()));
    }
}

async fn push(world: Arc<World>) {
    loop {
        world.env.time.sleep_ms(PUSH_MS).await;
        world.market.push();
    }
}

async fn send(world: Arc<World>, letter: Letter, mut dice: Dice) {
    world.env.time.sleep_ms(letter.at_ms).await;
    let chain = world.chain(letter.from);
    let target = if letter.from == LEFT { RIGHT } else { LEFT };
    let now = chain.now().await;
    let deadline = letter.lives_s.map_or(Timestamp(0), |lives_s| now.plus(lives_s));
    let fee = chain.sim.inspect(|state| state.gateway.quote(target)).expect("a known target");
    let (recipient, payload) = (letter.shop.account(), dice.bytes().to_vec().into());
    let action = Action::Send { target, recipient, gas_limit: 50_000, deadline, payload };
    world.env.act("send", &[letter.from.0]);
    world.market.act(letter.from, letter.sender, fee, action);
}

fn caller(world: &Arc<World>) -> Caller {
    Caller::new(world.clone(), Party::People, Life::default())
}

async fn trade(world: Arc<World>, bargain: Bargain, mut dice: Dice) {
    world.env.time.sleep_ms(bargain.at_ms).await;
    if let Some(trade) = register(&world, &bargain, &mut dice).await {
        world.env.act("registered", &[u64::from(trade.id.0[0])]);
        world.market.note(trade.clone());
        let mut legs = Vec::new();
        for (index, (person, lock_ms)) in (0u8..).zip(Person::ALL.into_iter().zip(bargain.locks_ms)) {
            let leg = trade.deal.leg_ref(index).expect("a deal of two");
            legs.push(tokio::spawn(look_after(world.clone(), trade.id, leg, person, lock_ms)));
        }
        if bargain.is_cancelled {
            cancel(&world, &trade).await;
        }
        for leg in legs {
            // A task that panicked was counted where it did.
            let _ = leg.await;
        }
    }
    world.market.deal_ended();
}

fn terms(world: &World, bargain: &Bargain, nonce: B256) -> DealTerms {
    let leg = |chain: ChainId, from: Person, to: Person, token: Account| LegTerms {
        chain,
        token,
        amount: AMOUNT,
        depositor: from.account(),
        on_commit: to.purse(),
        on_abort: from.account(),
        tip: TIP,
    };
    let token = if bargain.is_gold { world.chain(RIGHT).gold } else { Account::ZERO };
    let legs =
        vec![leg(LEFT, Person::Alice, Person::Bob, Account::ZERO), leg(RIGHT, Person::Bob, Person::Alice, token)];
    DealTerms { nonce, lock_within_s: LOCK_WITHIN_S, legs }
}

/// Has a deal registered. A registration whose answer is lost is offered again.
async fn register(world: &Arc<World>, bargain: &Bargain, dice: &mut Dice) -> Option<Trade> {
    let (caller, time) = (caller(world), &world.env.time);
    for _ in 0..QUOTES_MAX {
        let nonce = B256::from(dice.bytes());
        let Ok(deal) = caller.quote_deal(terms(world, bargain, nonce)).await else {
            time.sleep_ms(AGAIN_MS).await;
            continue;
        };
        for _ in 0..OFFERS_MAX {
            match caller.register_deal(deal.clone()).await {
                Ok(id) => return Some(Trade { id, deal }),
                Err(HubError::Refused(_)) => break,
                Err(HubError::Busy(_) | HubError::Unreachable(_)) => time.sleep_ms(AGAIN_MS).await,
            }
        }
    }
    None
}

async fn cancel(world: &Arc<World>, trade: &Trade) {
    let digest = DealCancel::digest(world.hub.hub_id, trade.id);
    let mut signatures = Vec::new();
    for person in Person::ALL {
        let signature = hub::signer(person.key()).sign(digest).await.expect("a key in memory");
        signatures.push(signature.to_vec().into());
    }
    let cancel = DealCancel { deal: trade.id, signatures };
    let caller = caller(world);
    for _ in 0..OFFERS_MAX {
        match caller.cancel_deal(cancel.clone()).await {
            Ok(()) | Err(HubError::Refused(_)) => return,
            Err(HubError::Busy(_) | HubError::Unreachable(_)) => world.env.time.sleep_ms(AGAIN_MS).await,
        }
    }
}

/// Locks a leg and stays until nothing can happen to it any more: asks for the timer refund as soon as the escrow
/// grants it, and carries over a settlement that its payee has seen on the other chain.
async fn look_after(world: Arc<World>, id: DealId, leg: LegRef, person: Person, lock_ms: Option<u64>) {
    let time = &world.env.time;
    if let Some(lock_ms) = lock_ms {
        time.sleep_ms(lock_ms).await;
        lock(&world, id, &leg, person);
    }
    let (chain, key) = (world.chain(leg.leg.chain), leg.lock_key(id));
    let mut next_ms = 0;
    loop {
        time.sleep_ms(LOOK_MS).await;
        let now = chain.now().await;
        let requested_at = match chain.lock(key).await {
            LockStatus::None if is_never_locked(&world, chain, &leg, person, now) => return,
            LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped if world.is_calm() => return,
            LockStatus::None | LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped => continue,
            LockStatus::Locked { escape_requested_at } => escape_requested_at,
        };
        if now < leg.leg.escape_at || time.now_ms() < next_ms {
            continue;
        }
        // The payee's turn comes first.
        let deed = match carried_over(&world, id, &leg) {
            Some(action) => Some((person.other(), action)),
            None => escape(id, &leg, requested_at, now).map(|action| (person, action)),
        };
        if let Some((person, action)) = deed {
            world.env.act(action.name(), &[chain.id.0]);
            world.market.act(chain.id, person, Amount::ZERO, action);
            next_ms = time.now_ms() + REPEAT_MS;
        }
    }
}

/// The next step of the timer refund, where it is time for it.
fn escape(deal: DealId, leg: &LegRef, requested_at: Option<Timestamp>, now: Timestamp) -> Option<Action> {
    let leg = leg.clone();
    match requested_at {
        None => Some(Action::RequestEscape { deal, leg }),
        Some(at) if now >= at.plus(leg.leg.escape_window) => Some(Action::ExecuteEscape { deal, leg }),
        Some(_) => None,
    }
}

fn lock(world: &World, id: DealId, leg: &LegRef, person: Person) {
    let (chain, terms) = (leg.leg.chain, &leg.leg);
    world.env.act("lock", &[chain.0]);
    let mut value = terms.amount;
    if !terms.token.is_zero() {
        let approve = Action::Approve { token: terms.token, spender: terms.escrow, amount: terms.amount };
        world.market.act(chain, person, Amount::ZERO, approve);
        value = Amount::ZERO;
    }
    world.market.act(chain, person, value, Action::Lock { deal: id, leg: leg.clone() });
}

fn is_never_locked(world: &World, chain: &Chain, leg: &LegRef, person: Person, now: Timestamp) -> bool {
    world.is_calm() && now > leg.lock_by.plus(LATE_S) && world.market.is_done(chain.id, person)
}

/// The settlement of a leg that is still locked when escapes open, by the certificate that settled the other leg of its
/// deal, where that is public. With a living hub and relayer it must never be needed.
fn carried_over(world: &World, id: DealId, leg: &LegRef) -> Option<Action> {
    let here = leg.leg.chain;
    let other = world.chains.iter().find(|other| other.id != here)?;
    let (certified, settlements) = published(other, id)?;
    if !world.hub_is_gone() {
        world.env.violation(format!("deal {id} is settled on {}, but not on {here} when its escapes open", other.id));
    }
    let mine = |(deal, decision, _): (DealId, Decision, Vec<LegRef>)| {
        let legs = if deal == id { vec![leg.clone()] } else { Vec::new() };
        (deal, decision, legs)
    };
    Some(Action::Settle { certified, settlements: settlements.into_iter().map(mine).collect() })
}

type Settlement = (DealId, Decision, Vec<LegRef>);

/// A COMMIT of this deal as it stands in a transaction of a chain.
fn published(chain: &Chain, id: DealId) -> Option<(CertifiedLeaves, Vec<Settlement>)> {
    let blocks = chain.sim.blocks();
    let done = blocks.iter().flat_map(|block| block.txs.iter().zip(&block.receipts));
    done.filter(|(_, receipt)| receipt.revert.is_none()).find_map(|(tx, _)| match &tx.action {
        Action::Settle { certified, settlements } => {
            let commits = |(deal, decision, _): &Settlement| *deal == id && *decision == Decision::Commit;
            settlements.iter().any(commits).then(|| (certified.clone(), settlements.clone()))
        }
        Action::Deliver { .. }
        | Action::Expire { .. }
        | Action::Refund { .. }
        | Action::Rotate { .. }
        | Action::Send { .. }
        | Action::Bridge { .. }
        | Action::Approve { .. }
        | Action::Lock { .. }
        | Action::RequestEscape { .. }
        | Action::ExecuteEscape { .. }
        | Action::WithdrawCredit { .. } => None,
    })
}
