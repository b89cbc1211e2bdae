//! The hub of a run: its genesis, its keys, and how each of its processes is started.

use infrastrukt_api::Share;
use infrastrukt_hub::{
    StartError, ValidatorKit,
    api::Interface,
    config::{ApiLimits, EvidenceLimits},
    consensus::{InProcessLeader, LeaderError, Pace},
    embed::{Around, LoneValidator},
};
use infrastrukt_ports::{FactVerifier, Signer};
use infrastrukt_protocol::{ChainRecord, ChainTiming, Genesis, HubTiming, Identity};
use infrastrukt_registry::{EcdsaSigner, SecretKey};
use infrastrukt_sim::{SimChain, SimVerifier, sim_account};
use infrastrukt_store::ConsensusLog;
use infrastrukt_types::{ChainId, Timestamp, Validator, ValidatorSet};
use std::sync::{Arc, LazyLock};
use tokio::{sync::broadcast, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    chains::{CHAINS, Chain, QUORUM, START},
    line::{self, Line},
    party::{Life, Party, VALIDATORS},
    time::PartyClock,
    world::World,
};

/// When the first set loses all power: far beyond any run.
pub(crate) const EPOCH_EXPIRES_AT: Timestamp = START.plus(10_000_000);
/// Least time between request and execution of an escape.
pub(crate) const ESCAPE_WINDOW_S: u64 = 40;
/// Furthest a block time may be from a validator's clock.
const SKEW_MAX_S: u64 = 6;
/// The hub's pace.
const PACE: Pace = Pace { block_interval_ms: 500, heartbeat_ms: 2_000, lead_max_s: 3 };
/// Shares on their way to or from one validator.
const SHARES_MAX: usize = 1_024;
/// Keys of the validators, and behind them those of users.
const KEYS: u8 = VALIDATORS + 2;

static SIGNERS: LazyLock<Vec<Arc<EcdsaSigner>>> = LazyLock::new(|| {
    let key = |index: u8| SecretKey::from_bytes([index + 1; 32]).expect("small and not zero");
    (0..KEYS).map(|index| Arc::new(EcdsaSigner::new(&key(index)))).collect()
});

/// The key with this index: those of the validators come first.
pub(crate) fn signer(index: u8) -> Arc<dyn Signer> {
    SIGNERS[usize::from(index)].clone()
}

fn set_of(weight: u64) -> ValidatorSet {
    let member = |index| Validator { address: signer(index).address(), weight };
    ValidatorSet::new((0..VALIDATORS).map(member).collect()).expect("distinct members")
}

pub(crate) fn first_set() -> ValidatorSet {
    set_of(1)
}

/// The set of the second epoch: the same members, another hash.
pub(crate) fn second_set() -> ValidatorSet {
    set_of(2)
}

fn chain_record(id: ChainId) -> ChainRecord {
    let contracts = SimChain::contracts_of(id);
    ChainRecord {
        id,
        name: format!("eip155:{}", id.0).parse().expect("a name"),
        gateway: contracts.gateway,
        escrow: contracts.escrow,
        verifier: contracts.verifier,
        token_bridge: sim_account(&format!("bridge of {}", id.0)),
        timing: ChainTiming { finality_s: 6, inclusion_s: 20, skew_s: 4, observe_s: 12 },
    }
}

/// Deadlines are short, so that a run is; but an escape executes 200 s after the registration at the earliest, when all
/// faults are long over: the bounds that S1 assumes hold.
pub(crate) fn genesis() -> Genesis {
    Genesis {
        identity: Identity {
            name: "simulated hub".into(),
            created_at: Timestamp(START.0 - 60),
            validators: first_set(),
            epoch_expires_at: EPOCH_EXPIRES_AT,
        },
        timing: HubTiming {
            certify_s: 15,
            recovery_s: 25,
            escape_delay_s: 60,
            escape_window_s: ESCAPE_WINDOW_S,
            lock_within_max_s: 600,
            reissue_after_blocks: 20,
            skew_max_s: SKEW_MAX_S,
        },
        chains: CHAINS.map(chain_record).to_vec(),
    }
}

/// The process that orders the log and answers calls.
pub(crate) struct Front {
    pub(crate) leader: Arc<InProcessLeader>,
    pub(crate) interface: Interface,
    _task: JoinSet<()>,
}

impl Front {
    pub(crate) fn start(world: &Arc<World>, life: Life) -> Result<Self, LeaderError> {
        let clock = Arc::new(world.clock(Party::Front, life.clone()));
        let log = Arc::new(ConsensusLog::new(world.disk(Party::Front).open(life)));
        let leader = InProcessLeader::open(log, clock.clone(), PACE)?;
        let cancel = CancellationToken::new();
        let limits = ApiLimits::default();
        let interface = Interface::new(world.hub.clone(), leader.clone(), clock, &limits, cancel.clone());
        let mut task = JoinSet::new();
        task.spawn(leader.clone().run(cancel));
        Ok(Self { leader, interface, _task: task })
    }
}

/// The process of one validator.
pub(crate) struct Host {
    pub(crate) lone: LoneValidator,
    /// Where the others' shares reach it.
    pub(crate) hear: broadcast::Sender<Share>,
}

impl Host {
    pub(crate) fn start(world: &Arc<World>, index: u8, life: Life) -> Result<Self, StartError> {
        let party = Party::Validator(index);
        let clock: PartyClock = world.clock(party, life.clone());
        let verifier = |chain: &Chain| {
            let endpoints = chain.validators[usize::from(index)].clone();
            Arc::new(SimVerifier::new(endpoints, QUORUM)) as Arc<dyn FactVerifier>
        };
        let kit = ValidatorKit {
            store: world.disk(party).open(life.clone()),
            signer: signer(index),
            verifiers: world.chains.iter().map(verifier).collect(),
        };
        let (say, said) = broadcast::channel(SHARES_MAX);
        let (hear, _) = broadcast::channel(SHARES_MAX);
        let around = Around {
            consensus: Arc::new(Line::new(world.clone(), index, life.clone())),
            clock: Arc::new(clock),
            say,
            hear: hear.clone(),
            evidence: EvidenceLimits::default(),
        };
        let lone = LoneValidator::start(world.hub.clone(), kit, around)?;
        tokio::spawn(line::spread(world.clone(), index, life, said));
        Ok(Self { lone, hear })
    }
}
