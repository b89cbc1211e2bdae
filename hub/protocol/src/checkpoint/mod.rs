//! Checkpoints: how a block's leaves become one, and when a validator may sign it.

mod record;
mod sign;

pub use record::{CheckpointRecord, build};
pub use sign::{SignRefusal, may_sign};
