//! Messages: proven, certified, then delivered, or expired and refunded.

mod record;
mod step;

pub use record::{MessageRecord, MessageState};
pub use step::{MessageEffect, MessageEvent, MessageStep, MessageStepRefusal, step};
