//! What the parties of a deal do: agree on terms, check them, lock, watch, and get their money back.

mod accept;
mod cancel;
mod deadlines;
mod lock;
mod propose;
mod refund;
mod route;
mod shown;
mod status;
mod tips;

pub use accept::{Acceptance, Expectation, own_legs, review};
pub use cancel::{Cancelled, Missing, cancel, cancellable};
pub use lock::{LockedLeg, lock_legs, require_funds};
pub use propose::{Proposal, quote, register};
pub use refund::{RefundStep, RefundedLeg, refund};
pub use route::require_live;
pub use shown::{ShownDeal, ShownLeg, show_deal};
pub use status::{LegStatus, SwapStatus, load_deal, status};
