//! Validators: each executes the log in its own store, checks evidence with its own view, signs with its own key.

mod actor;
mod applied;
mod attest;
mod desk;
mod evidence;
mod heads;
mod kept;
mod pending;
mod shares;
mod sharing;
mod signing;
mod turns;

pub use actor::Validator;

pub(crate) use actor::{Surroundings, ValidatorParts, spawn};
pub(crate) use applied::Applied;
pub(crate) use evidence::{OfferOutcome, Offered};
