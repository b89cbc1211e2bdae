//! Two-party deals: the production `step` and `may_sign`, with everything around them that can go wrong.

mod acts;
mod apply;
mod bounds;
mod brief;
mod due;
mod escrow;
mod forget;
mod model;
mod properties;
mod symmetry;
mod world;

pub(crate) use bounds::{ANY_TIME, Bounds, Extras, Guard, Setup};
pub(crate) use model::DealModel;
pub(crate) use properties::{AS_AGREED, ATOMIC, COVERED, LOCK_FIRST, ONE_CERTIFICATE, ONE_CHECKPOINT, ONE_DECISION};
