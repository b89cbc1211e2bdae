//! The hub's JSON-RPC interface over HTTP and WebSocket.
//!
//! Owns the method trait, the values it shows, the error codes and the OpenRPC document. It never holds hub logic: the
//! hub's node implements [`HubApiServer`], relayers and tools call [`HubApiClient`].

mod error;
mod openrpc;
mod types;

pub use error::{ErrorCode, refusal};
pub use openrpc::openrpc;
pub use types::*;

use infrastrukt_types::{
    CheckpointKind, Deal, DealCancel, DealId, EcdsaCertificate, Evidence, Height, MessageId, RotationVote,
};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};

/// Most items of one page.
pub const PAGE_MAX: u32 = 1_000;

/// Most evidence items of one call.
pub const EVIDENCE_MAX: usize = 64;

/// Methods of the hub. A caller is one IPv4 address or one /64 of IPv6; whatever is bounded is answered with
/// [`ErrorCode::Busy`] once a caller has used up its part.
#[rpc(server, client, namespace = "hub")]
pub trait HubApi {
    /// Identity, height, time, epoch, validators and chains.
    #[method(name = "status")]
    async fn status(&self) -> RpcResult<HubStatus>;

    /// Offers evidence of what happened on a chain. Each item is answered on its own; accepted means that the
    /// validators are checking it, and the same evidence may be offered again without harm. What is wrong by itself is
    /// rejected at once; what cannot be judged yet is not kept, and has to be offered again.
    #[method(name = "submitEvidence", with_extensions)]
    async fn submit_evidence(&self, evidence: Vec<Evidence>) -> RpcResult<Vec<EvidenceOutcome>>;

    /// Computes the deadlines of a deal. Nothing is stored.
    #[method(name = "quoteDeal")]
    async fn quote_deal(&self, terms: DealTerms) -> RpcResult<Deal>;

    /// Registers a deal and returns once it stands in a decided block. The same deal again is no error. One caller
    /// registers a bounded number of deals a minute, since each takes a place until it is decided.
    #[method(name = "registerDeal", with_extensions)]
    async fn register_deal(&self, deal: Deal) -> RpcResult<DealId>;

    /// Aborts a deal that every depositor agreed to abort, before all its legs are proven.
    #[method(name = "cancelDeal")]
    async fn cancel_deal(&self, cancel: DealCancel) -> RpcResult<()>;

    /// One message, or null.
    #[method(name = "message")]
    async fn message(&self, id: MessageId) -> RpcResult<Option<MessageView>>;

    /// Messages, newest first, page by page. Costs many times what a call for one message does.
    #[method(name = "messages")]
    async fn messages(&self, filter: MessageFilter) -> RpcResult<MessagePage>;

    /// One deal, or null.
    #[method(name = "deal")]
    async fn deal(&self, id: DealId) -> RpcResult<Option<DealView>>;

    /// Deals, newest first, page by page. Costs many times what a call for one deal does.
    #[method(name = "deals")]
    async fn deals(&self, filter: DealFilter) -> RpcResult<DealPage>;

    /// Certified checkpoints in the order of their certification, from a cursor on: what relayers deliver. A page has
    /// at least one checkpoint where there is one, always with all its leaves; once the answer grows too long, messages
    /// and deals of further leaves are left out and can be asked for by their ids.
    #[method(name = "certified")]
    async fn certified(&self, from: u64, limit: u32) -> RpcResult<CertifiedPage>;

    /// One certified checkpoint with its leaves, or null.
    #[method(name = "certifiedCheckpoint")]
    async fn certified_checkpoint(
        &self,
        height: Height,
        kind: CheckpointKind,
    ) -> RpcResult<Option<CertifiedCheckpoint>>;

    /// Validators' signatures on a checkpoint that is not certified yet: what every party may collect itself.
    #[method(name = "shares")]
    async fn shares(&self, height: Height, kind: CheckpointKind) -> RpcResult<Vec<Share>>;

    /// Hands in a certificate that was put together from shares, for a checkpoint that has none yet. Returns once it
    /// stands in a decided block; one that is certified already is no error.
    #[method(name = "submitCertificate")]
    async fn submit_certificate(
        &self,
        height: Height,
        kind: CheckpointKind,
        certificate: EcdsaCertificate,
    ) -> RpcResult<()>;

    /// The current epoch and the proposals for the next one.
    #[method(name = "rotation")]
    async fn rotation(&self) -> RpcResult<RotationView>;

    /// Hands in a validator's vote for the next epoch's set, and shows what is proposed once it counts. A validator has
    /// one vote, its latest; the same vote again is no error.
    #[method(name = "voteRotation")]
    async fn vote_rotation(&self, vote: RotationVote) -> RpcResult<RotationView>;

    /// Cursors up to which each chain's facts are proven, for relayers that start anew.
    #[method(name = "provenHeights")]
    async fn proven_heights(&self) -> RpcResult<Vec<ProvenHeight>>;

    /// Pushes every checkpoint as it is certified, from the cursor on.
    #[subscription(name = "subscribeCertified" => "certified_event", unsubscribe = "unsubscribeCertified", item = CertifiedCheckpoint)]
    async fn subscribe_certified(&self, from: u64) -> jsonrpsee::core::SubscriptionResult;

    /// The OpenRPC document of this interface.
    #[method(name = "discover")]
    async fn discover(&self) -> RpcResult<serde_json::Value>;
}
