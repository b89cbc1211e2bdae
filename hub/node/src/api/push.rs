//! Pushes certified checkpoints to one subscriber, as fast as it reads and no faster.

use infrastrukt_store::HubStore;
use jsonrpsee::{SubscriptionMessage, SubscriptionSink};
use std::time::Duration;

use super::{lists, methods::Methods};

/// Checkpoints read at a time.
const PAGE: usize = 16;
/// Longest wait for a subscriber that does not read; it subscribes again from its cursor.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn push_certified(methods: Methods, sink: SubscriptionSink, from: u64) {
    let mut next = from;
    let mut blocks = methods.blocks();
    loop {
        let answer_bytes = methods.answer_bytes;
        let read = move |store: &HubStore| lists::certified(store, next, PAGE, answer_bytes);
        let Ok(page) = methods.read(read).await else { return };
        for item in &page.items {
            let message = SubscriptionMessage::new(sink.method_name(), sink.subscription_id(), item);
            let Ok(message) = message else { return };
            if sink.send_timeout(message, SEND_TIMEOUT).await.is_err() {
                return;
            }
        }
        next = page.next;
        if page.items.is_empty() {
            tokio::select! {
                () = methods.cancel.cancelled() => return,
                () = sink.closed() => return,
                // Behind or not: there is something new to look for.
                _ = blocks.recv() => {}
            }
        }
    }
}
