//! The relayer's own JSON-RPC interface, on the loopback only: what the command line asks a running relayer.

mod server;
mod types;
mod view;

pub use types::*;

pub(crate) use server::serve;
#[cfg(test)]
pub(crate) use view::observed;
pub(crate) use view::queues;

use infrastrukt_api::MessageView;
use infrastrukt_types::MessageId;
use jsonrpsee::{core::RpcResult, proc_macros::rpc};

/// Methods of a running relayer.
#[rpc(server, client, namespace = "relayer")]
pub trait RelayerApi {
    /// Lanes, queues, stages, wallets, and what is wrong.
    #[method(name = "status")]
    async fn status(&self) -> RpcResult<RelayerStatus>;

    /// What this relayer still has to carry for a message. Empty when it is done or not taken yet.
    #[method(name = "messageDelivery")]
    async fn message_delivery(&self, id: MessageId) -> RpcResult<Vec<DeliveryJob>>;

    /// Messages that are final on their source and whose evidence the hub has not proven yet, oldest first: one of them,
    /// or as many as an answer holds.
    #[method(name = "observed")]
    async fn observed(&self, id: Option<MessageId>) -> RpcResult<Vec<MessageView>>;

    /// Tries a message again now, waiting or dead; the number of jobs that this moved.
    #[method(name = "retry")]
    async fn retry(&self, id: MessageId) -> RpcResult<u32>;

    /// Dead letters after one of them, at most `limit` (200).
    #[method(name = "dlqList")]
    async fn dlq_list(&self, after: Option<String>, limit: Option<u32>) -> RpcResult<Vec<DeadLetter>>;

    /// One dead letter by its id or message id.
    #[method(name = "dlqShow")]
    async fn dlq_show(&self, id: String) -> RpcResult<DeadLetterDetail>;

    /// Tries a dead letter again; its full id.
    #[method(name = "dlqRedrive")]
    async fn dlq_redrive(&self, id: String) -> RpcResult<String>;

    /// Gives a dead letter up for good; its full id.
    #[method(name = "dlqDrop")]
    async fn dlq_drop(&self, id: String) -> RpcResult<String>;
}
