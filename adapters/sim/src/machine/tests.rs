//! Random actions on few accounts, legs and messages: what fails changes nothing, and the escrow always holds what it
//! owes.

use infrastrukt_conformance::TestValidators;
use infrastrukt_ports::{Action, LockStatus, TokenInfo};
use infrastrukt_types::{
    Account, Amount, B256, Bytes, ChainId, CheckpointKind, DealId, Decision, HubId, Leaf, Leg, LegRef, MESSAGE_VERSION,
    Message, Nonce, Route, Timestamp, keccak256,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{Around, State};
use crate::{Environment, Recipient, SimChain, SimClock, SimConfig, TokenKind, sim_account};

const HERE: ChainId = ChainId(900);
const PEER: ChainId = ChainId(901);
const HUB: HubId = HubId(B256::repeat_byte(0x42));
const START: Timestamp = Timestamp(1_800_000_000);
const SEEDS: u64 = 24;
const STEPS: usize = 250;
const NAMES: [&str; 4] = ["alice", "bob", "carol", "grumpy"];

struct World {
    rng: StdRng,
    tokens: [Account; 2],
    legs: Vec<(DealId, LegRef)>,
    messages: Vec<Message>,
}

fn pick<T: Clone>(rng: &mut StdRng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())].clone()
}

impl World {
    fn new(seed: u64, chain: &SimChain) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let info = TokenInfo { symbol: "TOK".into(), decimals: 6 };
        let tokens = [Account::ZERO, sim_account("token")];
        chain.with_state(|state| {
            state.ledger.add_token(tokens[1], info, TokenKind::Honest);
            for (name, token) in NAMES.iter().flat_map(|name| tokens.map(|token| (*name, token))) {
                state.ledger.mint(token, sim_account(name), Amount(10_000)).expect("within the supply");
            }
        });
        let legs = (0..6u8).map(|index| {
            let leg = Leg {
                chain: HERE,
                escrow: chain.contracts().escrow,
                token: pick(&mut rng, &tokens),
                amount: Amount(rng.random_range(1..6_000)),
                depositor: sim_account(pick(&mut rng, &NAMES)),
                on_commit: sim_account(pick(&mut rng, &NAMES)),
                on_abort: sim_account(pick(&mut rng, &NAMES)),
                escape_at: START.plus(1_000),
                escape_window: 500,
                tip: Amount(rng.random_range(0..3)),
            };
            (DealId(keccak256([index / 3])), LegRef { index, lock_by: START.plus(900), leg })
        });
        let legs = legs.collect();
        let messages = (1..5).map(|nonce| message(nonce, pick(&mut rng, &["taker", "refuser", "nobody"]))).collect();
        Self { rng, tokens, legs, messages }
    }

    fn action(&mut self) -> Action {
        let rng = &mut self.rng;
        let (deal, leg) = pick(rng, &self.legs);
        let message = pick(rng, &self.messages);
        match rng.random_range(0..9) {
            0 | 1 => Action::Lock { deal, leg },
            2 => Action::Approve { token: self.tokens[1], spender: leg.leg.escrow, amount: Amount(20_000) },
            3 => self.settle(deal),
            4 => Action::RequestEscape { deal, leg },
            5 => Action::ExecuteEscape { deal, leg },
            6 => Action::WithdrawCredit { token: leg.leg.token, account: leg.leg.on_commit },
            7 => Action::Deliver { certified: certify(rng, Leaf::Message(id(&message))), messages: vec![message] },
            _ => Action::Expire { certified: certify(rng, Leaf::Message(id(&message))), message },
        }
    }

    /// All legs of the deal under its one decision, now and then with a forged certificate.
    fn settle(&mut self, deal: DealId) -> Action {
        let decision = if deal.0[0] & 1 == 0 { Decision::Commit } else { Decision::Abort };
        let certified = certify(&mut self.rng, Leaf::Decision(deal, decision));
        let legs = self.legs.iter().filter(|(of, _)| *of == deal).map(|(_, leg)| leg.clone()).collect();
        Action::Settle { certified, settlements: vec![(deal, decision, legs)] }
    }

    fn open(&self, state: &State, token: Account) -> u128 {
        let locked = |(deal, leg): &&(DealId, LegRef)| {
            leg.leg.token == token && matches!(state.escrow.status(leg.lock_key(*deal)), LockStatus::Locked { .. })
        };
        self.legs.iter().filter(locked).map(|(_, leg)| leg.leg.amount.0).sum()
    }
}

fn message(nonce: u64, recipient: &str) -> Message {
    Message {
        version: MESSAGE_VERSION,
        source: PEER,
        target: HERE,
        nonce: Nonce(nonce),
        sender: sim_account("far"),
        recipient: sim_account(recipient),
        timestamp: START,
        gas_limit: 1000,
        deadline: Timestamp(if nonce.is_multiple_of(2) { 0 } else { START.0 + 700 }),
        payload: Bytes::new(),
    }
}

fn id(message: &Message) -> infrastrukt_types::MessageId {
    let gateway = |chain| SimChain::contracts_of(chain).gateway;
    message.id(HUB, &Route { source_gateway: gateway(PEER), target_gateway: gateway(HERE) })
}

fn certify(rng: &mut StdRng, leaf: Leaf) -> infrastrukt_ports::CertifiedLeaves {
    let certified = TestValidators::genesis().certify(HUB, 1, leaf.kind(), &[leaf], &[0]);
    let mut certified = certified.expect("one leaf, one index");
    if rng.random_ratio(1, 4) {
        certified.checkpoint.kind = CheckpointKind::Rotation;
    }
    certified
}

fn environment() -> Environment {
    let mut environment = Environment::default();
    environment.recipients.insert(sim_account("taker"), Recipient::Accepts);
    environment.recipients.insert(sim_account("refuser"), Recipient::BurnsGas);
    environment.refusing_payees.insert(sim_account("grumpy"));
    environment
}

fn chain(seed: u64) -> SimChain {
    let config = SimConfig {
        chain: HERE,
        seed,
        hub_id: HUB,
        peers: vec![(PEER, SimChain::contracts_of(PEER).gateway)],
        valset_hash: TestValidators::genesis().hash(),
        valset_expires_at: START.plus(1_000_000),
        grace_s: 1000,
        finality_lag: 0,
        block_time_s: 1,
        escape_window_min: 100,
        lock_horizon_max: 10_000,
    };
    SimChain::new(config, SimClock::new(START))
}

/// Runs one seed and returns how many actions succeeded.
fn run(seed: u64) -> usize {
    let chain = chain(seed);
    let mut world = World::new(seed, &chain);
    let mut state = chain.with_state(|state| state.clone());
    let (contracts, environment) = (chain.contracts(), environment());
    let (mut now, mut succeeded) = (START, 0);
    for step in 0..STEPS {
        now = now.plus(world.rng.random_range(0..20));
        let action = world.action();
        let anyone = sim_account(pick(&mut world.rng, &NAMES));
        let from = if let Action::Lock { leg, .. } = &action { leg.leg.depositor } else { anyone };
        let before = format!("{state:?}");
        let value = state.value_of(&action).unwrap_or_default();
        let outcome = state.call(from, value, &action, Around { contracts, environment: &environment, now });
        match outcome {
            Ok(_) => succeeded += 1,
            Err(revert) => {
                assert_eq!(format!("{state:?}"), before, "seed {seed} step {step}: {revert} changed something")
            }
        }
        for token in world.tokens {
            let owed: u128 = NAMES.iter().map(|name| state.escrow.credit(sim_account(name), token).0).sum();
            let held = state.ledger.balance(token, contracts.escrow).0;
            assert_eq!(held, owed + world.open(&state, token), "seed {seed} step {step}: {}", action.name());
        }
    }
    succeeded
}

#[test]
fn failures_change_nothing_and_the_escrow_holds_what_it_owes() {
    let succeeded: usize = (0..SEEDS).map(run).sum();
    assert!(succeeded > 300, "only {succeeded} actions succeeded: the test lost its subject");
}
