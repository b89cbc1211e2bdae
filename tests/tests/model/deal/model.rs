//! The model: production rules and terms, the bounds on what goes wrong, and the guard that is missing, if one is.

use infrastrukt_protocol::{CheckpointRecord, DealRecord, EpochRecord, Rules, build};
use infrastrukt_types::{B256, Decision, Epoch, Height, HubId, Leaf, ValidatorSet};

use super::{
    bounds::{Bounds, Guard, Setup},
    brief::Brief,
    world::{DECISIONS, HEIGHTS, Part, World, epoch_of},
};
use crate::terms::{INCLUSION_S, SKEW_S, START, Second, genesis, hub_time, seconds, swap, swap_with_early_escape};

/// The deadlines of the deal, which production code computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) lock_by: Second,
    pub(crate) decide_by: Second,
    pub(crate) sign_limit: Second,
    pub(crate) escape_at: Second,
    pub(crate) escape_window: Second,
    /// Up to which chain time the first epoch's certificates count.
    pub(crate) epoch_expires_at: Second,
    /// How long a retired epoch's decisions are accepted.
    pub(crate) grace: Second,
    /// The end of time.
    pub(crate) horizon: Second,
}

/// The checkpoints of one deal's leaves: for each height, with ABORT and with COMMIT.
pub(crate) struct Checkpoints {
    pub(crate) standing: [[CheckpointRecord; 2]; 3],
    /// The first ones, after they were issued again in the same epoch.
    pub(crate) superseded: [CheckpointRecord; 2],
}

pub(crate) struct DealModel {
    pub(crate) setup: Setup,
    pub(crate) open: Vec<DealRecord>,
    pub(crate) rules: Rules,
    pub(crate) set: ValidatorSet,
    pub(crate) epochs: [EpochRecord; 2],
    pub(crate) checkpoints: Vec<Checkpoints>,
    pub(crate) times: Times,
}

impl DealModel {
    pub(crate) fn new(setup: Setup) -> Self {
        let genesis = genesis(setup.committee);
        let terms = if setup.missing == Some(Guard::DeliveryBound) { swap_with_early_escape } else { swap };
        let hub = genesis.identity.hub_id();
        let open = |deal: u8| DealRecord::new(hub, u64::from(deal), terms(&genesis, deal + 1), START);
        let open: Vec<DealRecord> = (0..setup.deals).map(open).collect();
        let rules = Rules::from(&genesis.timing);
        let settle = Second::try_from(genesis.chains[0].timing.settle_s()).expect("a short time");
        let times = Times::new(&open[0], &rules, settle, setup.missing);
        let set = setup.committee.set();
        let epochs = [
            EpochRecord::pending(Epoch(1), set.clone(), hub_time(times.epoch_expires_at)),
            EpochRecord::pending(Epoch(2), set.clone(), START.plus(1_000)),
        ];
        let checkpoints = open.iter().map(|record| Checkpoints::new(record, &epochs)).collect();
        Self { setup, open, rules, set, epochs, checkpoints, times }
    }

    /// The smallest world in which the lack of `guard` can do harm, without it.
    pub(crate) fn without(guard: Guard) -> Self {
        Self::new(Setup { missing: Some(guard), ..Setup::about(guard) })
    }

    /// The same world with every guard in place.
    pub(crate) fn sound(guard: Guard) -> Self {
        Self::new(Setup::about(guard))
    }

    pub(crate) fn lacks(&self, guard: Guard) -> bool {
        self.setup.missing == Some(guard)
    }

    pub(crate) fn is_hostile(&self) -> bool {
        self.setup.bounds == Bounds::Hostile
    }

    pub(crate) fn deals(&self) -> std::ops::Range<u8> {
        0..self.setup.deals
    }

    pub(crate) fn start(&self, skew: [Second; 2]) -> World {
        let open = Brief::of(&self.open[0]);
        World {
            now: 0,
            skew,
            alive: true,
            epoch: 1,
            tip: 0,
            halted: [false; 2],
            retired_at: [None; 2],
            balance: [0; 2],
            parts: [Part::new(open); 2],
        }
    }

    /// A certificate of `epoch` can be made, be it by the traitors alone with the honest shares that they hold.
    pub(crate) fn can_certify(&self, part: &Part, epoch: u8, decision: Decision) -> bool {
        let enough = |height: u8| {
            let signed = part.shares_on(height, decision) + self.setup.committee.traitors;
            self.lacks(Guard::CertificateQuorum) || self.set.is_quorum(u128::from(signed))
        };
        HEIGHTS.into_iter().any(|height| epoch_of(height) == epoch && enough(height))
    }

    /// The verifier of a chain takes certificates of `epoch`.
    pub(crate) fn accepts(&self, world: &World, chain: u8, epoch: u8) -> bool {
        let (time, times) = (world.chain_time(chain), &self.times);
        match (epoch, world.retired_at[usize::from(chain)]) {
            (1, None) => time <= times.epoch_expires_at,
            (1, Some(at)) => time <= times.epoch_expires_at && time <= at.saturating_add(times.grace),
            (_, retired_at) => retired_at.is_some(),
        }
    }
}

impl Times {
    fn new(open: &DealRecord, rules: &Rules, settle: Second, missing: Option<Guard>) -> Self {
        let (deal, leg) = (&open.deal, &open.deal.legs[0]);
        let (escape_at, sign_limit) = (seconds(leg.escape_at), seconds(open.sign_limit(rules)));
        let escape_window = Second::try_from(leg.escape_window).expect("a short time");
        // What registration demands, to the second.
        let needed = sign_limit + settle;
        Self {
            lock_by: seconds(deal.lock_by),
            decide_by: seconds(deal.decide_by),
            sign_limit,
            escape_at,
            escape_window,
            epoch_expires_at: if missing == Some(Guard::EpochOutlivesDeal) { seconds(deal.sign_by) } else { needed },
            grace: if missing == Some(Guard::Grace) { 0 } else { Second::MAX },
            horizon: escape_at + escape_window + 2 * SKEW_S + INCLUSION_S,
        }
    }
}

impl Checkpoints {
    fn new(record: &DealRecord, epochs: &[EpochRecord; 2]) -> Self {
        let standing = HEIGHTS.map(|height| {
            let epoch = &epochs[usize::from(epoch_of(height)) - 1];
            DECISIONS.map(|decision| {
                let leaf = Leaf::Decision(record.id, decision);
                build(HubId::default(), epoch, Height(u64::from(height)), START, B256::ZERO, &[leaf]).remove(0)
            })
        });
        let superseded = standing[0].clone().map(|first| CheckpointRecord { superseded: true, ..first });
        Self { standing, superseded }
    }
}
