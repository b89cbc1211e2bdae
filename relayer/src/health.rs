//! `/healthz`, `/readyz` and `/metrics`.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio::net::TcpListener;

use crate::pipeline::Shared;

#[derive(Clone)]
struct Health {
    shared: Arc<Shared>,
    metrics: PrometheusHandle,
}

/// Serves until the relayer stops.
pub(crate) async fn serve(shared: Arc<Shared>, metrics: PrometheusHandle, listener: TcpListener) {
    let cancel = shared.cancel.clone();
    let routes = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .with_state(Health { shared, metrics });
    let served = axum::serve(listener, routes).with_graceful_shutdown(cancel.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the health page stopped");
    }
}

/// Why the relayer is not ready; empty when it is.
pub(crate) fn problems(shared: &Shared) -> Vec<String> {
    let lanes = shared.lanes.values();
    let halted = lanes.filter_map(|lane| Some(format!("lane {} is halted: {}", lane.label(), lane.halted()?)));
    shared.hub_problem().into_iter().chain(halted).collect()
}

async fn readyz(State(health): State<Health>) -> (StatusCode, String) {
    let problems = problems(&health.shared);
    match problems.is_empty() {
        true => (StatusCode::OK, "ready\n".to_owned()),
        false => (StatusCode::SERVICE_UNAVAILABLE, problems.join("\n") + "\n"),
    }
}

async fn render(State(health): State<Health>) -> String {
    health.metrics.run_upkeep();
    health.metrics.render()
}
