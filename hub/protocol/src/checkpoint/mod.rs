//! Checkpoints: how a block's leaves become one, and when a validator may sign it.

mod hand_out;
mod record;
mod sign;

pub use hand_out::may_hand_out;
pub use record::{CheckpointRecord, build};
pub use sign::{SignRefusal, may_sign};
