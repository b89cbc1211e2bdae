//! The hub: decided blocks in, changes and checkpoints out.

mod attest;
mod cancel;
mod certify;
mod change;
mod execute;
mod facts;
mod issue;
mod moves;
mod overlay;
mod refusal;
mod register;
mod reissue;
mod rotate;
mod tally;
#[cfg(test)]
mod tests;
mod view;

pub use cancel::check_cancel;
pub use change::{Change, apply_root};
pub use execute::{ExecuteError, Executed, Hub};
pub use refusal::{FactRefusal, Refusal};
pub use tally::Tally;
pub use view::{StateView, Sweep, Tip};
