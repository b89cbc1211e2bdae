//! The deal of the model: production terms at a scale of seconds, so that all of time can be explored.

use infrastrukt_protocol::{
    ChainRecord, ChainTiming, DealTerms, Genesis, HubTiming, Identity, LegTerms, check_deal, deadlines,
};
use infrastrukt_types::{Account, Address, Amount, B256, ChainId, Deal, Timestamp, Validator, ValidatorSet};

/// When the deal is registered.
pub(crate) const START: Timestamp = Timestamp(1_000);

/// From a lock to finality (F).
pub(crate) const FINALITY_S: u64 = 1;
/// From finality to a fact in the hub (P).
pub(crate) const OBSERVE_S: u64 = 1;
/// From broadcast to inclusion (C).
pub(crate) const INCLUSION_S: u64 = 1;
/// How far a chain's clock is from hub time.
pub(crate) const SKEW_S: u64 = 1;

fn account(byte: u8) -> Account {
    Address::repeat_byte(byte).into()
}

pub(crate) fn validators() -> ValidatorSet {
    let members = (1..=4).map(|byte| Validator { address: Address::repeat_byte(byte), weight: 1 }).collect();
    ValidatorSet::new(members).expect("well formed")
}

/// Two chains and four validators with the smallest times there are.
pub(crate) fn genesis() -> Genesis {
    let timing = ChainTiming { finality_s: FINALITY_S, inclusion_s: INCLUSION_S, skew_s: SKEW_S, observe_s: OBSERVE_S };
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
            validators: validators(),
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
pub(crate) fn swap(genesis: &Genesis) -> Deal {
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
    let terms = DealTerms { nonce: B256::repeat_byte(1), lock_within_s: 2, legs };
    deadlines(START, &terms, genesis).expect("accepted")
}

/// The same with escapes that leave no time to deliver a certificate. The production check refuses it.
pub(crate) fn swap_with_early_escape(genesis: &Genesis) -> Deal {
    let mut deal = swap(genesis);
    for leg in &mut deal.legs {
        leg.escape_at = deal.sign_by;
        leg.escape_window = 1;
    }
    check_deal(&deal, START, genesis).expect_err("the bound is enforced");
    deal
}
