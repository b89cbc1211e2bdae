//! Messages: the production `step` and `may_sign`, between a source, a hub and a target that all may fail.

mod acts;
mod apply;
mod bounds;
mod brief;
mod model;
mod properties;
mod world;

pub(crate) use bounds::{MessageGuard, MessageSetup};
pub(crate) use model::MessageModel;
pub(crate) use properties::{ENDS, FROM_SOURCE, NO_CONTRADICTION, ONCE, ONE_END, ONE_REFUND};
