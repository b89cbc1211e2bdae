//! The operator's port: `/healthz`, `/readyz` and `/metrics`.

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use std::{io, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::limit::ConcurrencyLimitLayer;

/// Requests answered at a time; the others wait.
const CONCURRENCY: usize = 8;

/// Says why the node is not ready, or nothing.
pub type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Writes all metrics in the Prometheus text format.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

#[derive(Clone)]
struct Operator {
    readiness: Readiness,
    render: Option<Render>,
}

/// Serves until cancelled. Without `render` the embedding program publishes the metrics itself.
pub(crate) async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    render: Option<Render>,
    cancel: CancellationToken,
) -> io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .route("/metrics", get(show_metrics))
        .layer(ConcurrencyLimitLayer::new(CONCURRENCY))
        .with_state(Operator { readiness, render });
    axum::serve(listener, router).with_graceful_shutdown(cancel.cancelled_owned()).await
}

async fn healthy() -> &'static str {
    "ok\n"
}

async fn ready(State(operator): State<Operator>) -> impl IntoResponse {
    match (operator.readiness)() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
    }
}

async fn show_metrics(State(operator): State<Operator>) -> impl IntoResponse {
    match operator.render {
        Some(render) => (StatusCode::OK, render()),
        None => (StatusCode::NOT_FOUND, "the program that embeds this node publishes the metrics\n".to_owned()),
    }
}
