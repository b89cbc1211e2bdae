//! The deal of the model: production terms at a scale of seconds, so that all of time can be explored.

use infrastrukt_protocol::{
    ChainRecord, ChainTiming, DealTerms, Genesis, HubTiming, Identity, LegTerms, check_deal, deadlines,
};
use infrastrukt_types::{Account, Address, Amount, B256, ChainId, Deal, Timestamp, Validator, ValidatorSet};

/// When the world begins.
pub(crate) const START: Timestamp = Timestamp(1_000);

/// Seconds since the beginning. One byte, since a hundred million states hold many of them.
pub(crate) type Second = i8;

/// From an event to its finality (F).
pub(crate) const FINALITY_S: Second = 1;
/// From finality to a fact in the hub (P).
pub(crate) const OBSERVE_S: Second = 1;
/// From broadcast to inclusion (C).
pub(crate) const INCLUSION_S: Second = 1;
/// How far a chain's clock is from hub time.
pub(crate) const SKEW_S: Second = 1;

/// Clocks of the two chains against hub time: one ahead and one behind.
pub(crate) const APART: [Second; 2] = [SKEW_S, -SKEW_S];
/// Both right.
pub(crate) const TOGETHER: [Second; 2] = [0, 0];

/// Who signs. Validators of a kind are alike, so that counting them says everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Committee {
    /// Those who keep the rules.
    pub(crate) honest: u8,
    /// Those who sign whatever they like, whenever they like, and show it to whom they like.
    pub(crate) traitors: u8,
}

impl Committee {
    pub(crate) const FOUR: Self = Self { honest: 3, traitors: 1 };
    pub(crate) const SEVEN: Self = Self { honest: 5, traitors: 2 };

    /// The production set, one unit of weight each.
    pub(crate) fn set(self) -> ValidatorSet {
        let members = 1..=self.honest + self.traitors;
        let members = members.map(|byte| Validator { address: Address::repeat_byte(byte), weight: 1 }).collect();
        ValidatorSet::new(members).expect("well formed")
    }
}

pub(crate) fn hub_time(second: Second) -> Timestamp {
    Timestamp(START.0.saturating_add_signed(i64::from(second)))
}

pub(crate) fn seconds(time: Timestamp) -> Second {
    Second::try_from(time.0 - START.0).expect("all of time is short")
}

fn account(byte: u8) -> Account {
    Address::repeat_byte(byte).into()
}

fn length(seconds: Second) -> u64 {
    u64::try_from(seconds).expect("a length of time")
}

/// Two chains with the smallest times there are.
pub(crate) fn genesis(committee: Committee) -> Genesis {
    let timing = ChainTiming {
        finality_s: length(FINALITY_S),
        inclusion_s: length(INCLUSION_S),
        skew_s: length(SKEW_S),
        observe_s: length(OBSERVE_S),
    };
    let chain = |id: u64, byte: u8| ChainRecord {
        id: ChainId(id),
        name: format!("eip155:{id}").parse().expect("a chain name"),
        gateway: account(byte),
        escrow: account(byte + 1),
        verifier: account(byte + 2),
        token_bridge: account(byte + 3),
        timing,
    };
    let genesis = Genesis {
        identity: Identity {
            name: "model".into(),
            created_at: START,
            validators: committee.set(),
            epoch_expires_at: START.plus(1_000),
        },
        timing: HubTiming {
            certify_s: 1,
            recovery_s: 1,
            escape_delay_s: 0,
            escape_window_s: 1,
            lock_within_max_s: 2,
            reissue_after_blocks: 1,
            skew_max_s: 1,
        },
        chains: vec![chain(1, 0x10), chain(2, 0x20)],
    };
    genesis.validate().expect("a sane genesis");
    genesis
}

/// A swap whose deadlines the production code computed.
pub(crate) fn swap(genesis: &Genesis, nonce: u8) -> Deal {
    let leg = |byte: u8, chain: u64| LegTerms {
        chain: ChainId(chain),
        token: Account::ZERO,
        amount: Amount(100),
        depositor: account(byte),
        on_commit: account(0x83 - byte),
        on_abort: account(byte),
        tip: Amount(1),
    };
    let legs = vec![leg(0x41, 1), leg(0x42, 2)];
    let terms = DealTerms { nonce: B256::repeat_byte(nonce), lock_within_s: 2, legs };
    deadlines(START, &terms, genesis).expect("accepted")
}

/// The same with escapes that leave no time to deliver a certificate. The production check refuses it.
pub(crate) fn swap_with_early_escape(genesis: &Genesis, nonce: u8) -> Deal {
    let mut deal = swap(genesis, nonce);
    for leg in &mut deal.legs {
        leg.escape_at = deal.sign_by;
        leg.escape_window = 1;
    }
    check_deal(&deal, START, genesis).expect_err("the bound is enforced");
    deal
}
