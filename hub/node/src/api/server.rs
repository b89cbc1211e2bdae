//! The JSON-RPC server: HTTP and WebSocket on one port, every connection and call bounded.
//!
//! A connection has to bring its first request soon and further ones in time. One that became a WebSocket is asked for
//! signs of life instead.

use jsonrpsee::{
    Methods,
    server::{
        BatchRequestConfig, HttpRequest, PingConfig, ServerConfig, ServerConfigBuilder, StopHandle, TowerService,
        TowerServiceBuilder, middleware::rpc::RpcServiceBuilder, serve_with_graceful_shutdown, stop_channel, ws,
    },
};
use std::{net::SocketAddr, pin::Pin, sync::Arc, task::Poll, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::{
    guard::{Guarded, Limits},
    idle::Activity,
};
use crate::{
    config::ApiLimits,
    quota::{Caller, Place, Quota},
};

/// How long open calls may go on once the node stops.
const DRAIN: Duration = Duration::from_secs(5);
/// How long to wait after the system refused a connection, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Answers waiting for a slow reader, for each connection.
const MESSAGE_BUFFER: u32 = 256;
/// Subscriptions of one connection.
const SUBSCRIPTIONS_MAX: u32 = 16;

fn server_config(limits: &ApiLimits) -> ServerConfig {
    ServerConfigBuilder::new()
        .max_request_body_size(limits.request_bytes_max)
        .max_response_body_size(limits.response_bytes_max)
        .max_connections(limits.connections_max)
        .max_subscriptions_per_connection(SUBSCRIPTIONS_MAX)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch_max))
        .set_message_buffer_capacity(MESSAGE_BUFFER)
        .enable_ws_ping(PingConfig::new())
        .build()
}

/// A connection's service. It keeps its place while the connection or a WebSocket grown out of it is open, and tells
/// the methods who calls.
struct Held<R, H> {
    inner: TowerService<R, H>,
    caller: Caller,
    place: Arc<Place>,
    activity: Arc<Activity>,
}

impl<R: Clone, H: Clone> Clone for Held<R, H> {
    fn clone(&self) -> Self {
        let (inner, caller) = (self.inner.clone(), self.caller);
        Self { inner, caller, place: self.place.clone(), activity: self.activity.clone() }
    }
}

impl<R, H, B> Service<HttpRequest<B>> for Held<R, H>
where
    TowerService<R, H>: Service<HttpRequest<B>>,
    <TowerService<R, H> as Service<HttpRequest<B>>>::Future: Send + 'static,
{
    type Response = <TowerService<R, H> as Service<HttpRequest<B>>>::Response;
    type Error = <TowerService<R, H> as Service<HttpRequest<B>>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut std::task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: HttpRequest<B>) -> Self::Future {
        request.extensions_mut().insert(self.caller);
        let in_flight = self.activity.begin();
        if ws::is_upgrade_request(&request) {
            let closed = self.inner.on_session_closed();
            let place = self.place.clone();
            tokio::spawn(async move {
                closed.await;
                drop(place);
            });
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let _in_flight = in_flight;
            answer.await
        })
    }
}

/// Serves until cancelled, then lets open calls finish for a while.
pub(crate) async fn serve(
    listener: TcpListener,
    methods: Methods,
    config: ApiLimits,
    limits: Limits,
    cancel: CancellationToken,
) {
    let (stop, server) = stop_channel();
    let connections = Quota::new(config.connections_max as usize, config.connections_per_ip_max as usize);
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => match connections.admit(Caller::of(peer.ip()), 1) {
                Some(place) => open(socket, peer, place, methods.clone(), &config, limits.clone(), stop.clone()),
                None => metrics::counter!("infrastrukt_hub_api_refused_total", "reason" => "connections").increment(1),
            },
            Err(error) => {
                tracing::warn!(%error, "no connection accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drop(stop);
    // A closed channel means that nothing is left to drain.
    if server.stop().is_ok() && tokio::time::timeout(DRAIN, server.stopped()).await.is_err() {
        tracing::warn!("connections were still open after {} s and are cut", DRAIN.as_secs());
    }
}

fn open(
    socket: TcpStream,
    peer: SocketAddr,
    place: Place,
    methods: Methods,
    config: &ApiLimits,
    limits: Limits,
    stop: StopHandle,
) {
    let body_timeout = limits.timeout * 2;
    let (first, idle) = (config.first_request_timeout(), config.idle_timeout());
    let caller = Caller::of(peer.ip());
    let rpc = RpcServiceBuilder::new().layer_fn(move |service| Guarded::new(service, limits.clone(), caller));
    let builder: TowerServiceBuilder<_, _> = jsonrpsee::server::Server::builder()
        .set_config(server_config(config))
        // The limit of a call starts once its body is read; this one also ends a body that never does.
        .set_http_middleware(tower::ServiceBuilder::new().timeout(body_timeout))
        .set_rpc_middleware(rpc)
        .to_service_builder();
    let activity = Arc::new(Activity::default());
    let inner = builder.build(methods, stop.clone());
    let service = Held { inner, caller, place: Arc::new(place), activity: activity.clone() };
    tokio::spawn(async move {
        tokio::select! {
            ended = serve_with_graceful_shutdown(socket, service, stop.shutdown()) => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "connection ended");
                }
            }
            () = activity.idle(first, idle) => {
                metrics::counter!("infrastrukt_hub_api_refused_total", "reason" => "idle").increment(1);
                tracing::debug!(%peer, "nothing was asked for too long, the connection is closed");
            }
        }
    });
}
