//! Pure state machines of the INFRASTRUKT hub: messages, deals, checkpoints, validator sets, limits.
//!
//! Owns every rule by which a decided block changes the hub's state. It never waits, reads no clock, no storage and no
//! randomness: time is the time of the decided block, state comes through [`StateView`], and what changes leaves as
//! values. Two validators that execute the same blocks hold the same bytes.

mod checkpoint;
mod deal;
mod digest;
mod genesis;
mod hub;
mod limits;
mod message;
#[cfg(test)]
mod testing;
mod valset;

pub use checkpoint::{CheckpointRecord, SignRefusal, build, may_hand_out, may_sign};
pub use deal::{
    DealEffect, DealEvent, DealRecord, DealState, DealStep, DealStepRefusal, LeafState, LegProgress, LegState, Rules,
    step as step_deal,
};
pub use genesis::{ChainRecord, ChainTiming, Genesis, GenesisError, HubTiming, Identity};
pub use hub::{
    Change, ExecuteError, Executed, FactRefusal, Hub, Refusal, StateView, Sweep, Tally, Tip, apply_root, check_cancel,
};
pub use limits::{
    CHAINS_MAX, CHECKPOINT_LEAVES_MAX, DEAL_SPAN_MAX_S, DUE_DEALS_PER_BLOCK_MAX, DealRefusal, DealTerms,
    EPOCH_SPAN_MAX_S, ESCAPE_SPREAD_MAX_S, FACTS_PER_ATTESTATION_MAX, GAS_LIMIT_MAX, KEPT_VALIDATORS_MAX, LegTerms,
    MessageRefusal, NAME_MAX, OPEN_DEALS_MAX, PAYLOAD_MAX, PENDING_FACTS_PER_VALIDATOR_MAX,
    REISSUED_CHECKPOINTS_PER_BLOCK_MAX, SWEPT_PER_BLOCK_MAX, TALLIES_FORGOTTEN_PER_BLOCK_MAX, TALLY_LIFE_S, TIME_MAX,
    TIMING_MAX_S, TIP_PART, TXS_PER_BLOCK_MAX, VALIDATORS_MAX, check_deal, check_message, deadlines,
};
pub use message::{
    MessageEffect, MessageEvent, MessageRecord, MessageState, MessageStep, MessageStepRefusal, step as step_message,
};
pub use valset::{EpochRecord, Proposal, RotationRefusal, RotationTally, check_proposal, check_rotation_vote};
