//! SIGTERM and SIGINT become a notice, so that the state is saved before the process ends.

use crate::{error::NodeError, node::Notice};
use std::{sync::mpsc::SyncSender, thread};
use tokio::signal::unix::{SignalKind, signal};

/// Sends [`Notice::StopRequested`] on the first SIGTERM or SIGINT.
///
/// # Errors
/// The system refuses a signal handler or a thread.
pub(crate) fn watch(notices: SyncSender<Notice>) -> Result<(), NodeError> {
    let failed = |source| NodeError::Start { what: "the signal handlers", source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let (mut terminate, mut interrupt) = {
        let _entered = runtime.enter();
        (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?)
    };
    let wait = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        // Nobody listens any more when the process is ending already.
        let _ = notices.send(Notice::StopRequested);
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(failed)?;
    Ok(())
}
