//! What of a message's record tells two states apart.

use infrastrukt_protocol::{MessageRecord, MessageState};
use infrastrukt_types::Height;

/// Where the message's own leaf is issued.
pub(crate) const SENT_HEIGHT: Height = Height(1);
/// Where the leaf of its expiry is.
pub(crate) const EXPIRY_HEIGHT: Height = Height(2);

/// A production record in five bytes; no state while the message is not proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Brief {
    pub(crate) state: Option<MessageState>,
    pub(crate) issued: bool,
    pub(crate) certified: bool,
    pub(crate) expiry_issued: bool,
}

impl Brief {
    pub(crate) fn of(record: &MessageRecord) -> Self {
        Self {
            state: Some(record.state),
            issued: record.checkpoint.is_some(),
            certified: record.certified.is_some(),
            expiry_issued: record.expired_checkpoint.is_some(),
        }
    }

    /// A record with this brief, if the message is known; `proven` is the message at its proof.
    pub(crate) fn record(&self, proven: &MessageRecord) -> Option<MessageRecord> {
        let state = self.state?;
        Some(MessageRecord {
            state,
            checkpoint: self.issued.then_some(SENT_HEIGHT),
            certified: self.certified.then_some(SENT_HEIGHT),
            expired_checkpoint: self.expiry_issued.then_some(EXPIRY_HEIGHT),
            ..proven.clone()
        })
    }
}
