//! Validator sets: epochs, and how one follows another.

mod epoch;
mod rotation;

pub use epoch::EpochRecord;
pub(crate) use epoch::is_sole_quorum;
pub use rotation::{Proposal, RotationRefusal, RotationTally, check_proposal, check_rotation_vote};
