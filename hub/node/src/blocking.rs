//! Work that may block: on threads of its own, where the runtime has any.

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::JoinError,
};

/// Runs `work` where blocking is allowed. A runtime of one thread runs it at once, so that a program which owns such a
/// runtime sees everything happen in one order. Fails where the work panicked on its thread, or the runtime stops.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    let flavor = Handle::current().runtime_flavor();
    match flavor {
        RuntimeFlavor::CurrentThread => Ok(work()),
        _threads => tokio::task::spawn_blocking(work).await,
    }
}
