//! Deals: registered, locked, decided once, certified, settled.

mod record;
mod step;
#[cfg(test)]
mod tests;

pub use record::{DealRecord, DealState, LeafState, LegProgress, LegState};
pub use step::{DealEffect, DealEvent, DealStep, DealStepRefusal, Rules, step};
