//! The published schema: an OpenRPC 1.3 document built from the same types that the server answers with.

use infrastrukt_types::{
    CheckpointKind, Deal, DealCancel, DealId, EcdsaCertificate, Evidence, Height, MessageId, RotationVote,
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::types::*;

struct Document {
    generator: SchemaGenerator,
    methods: Vec<Value>,
}

impl Document {
    fn schema<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    fn method(&mut self, name: &str, summary: &str, params: &[(&str, Value)], result: Value) {
        let params: Vec<Value> =
            params.iter().map(|(name, schema)| json!({ "name": name, "required": true, "schema": schema })).collect();
        self.methods.push(json!({
            "name": format!("hub_{name}"),
            "summary": summary,
            "params": params,
            "result": { "name": "result", "schema": result },
        }));
    }
}

/// The OpenRPC document of the hub's interface.
pub fn openrpc() -> Value {
    let generator =
        SchemaSettings::draft07().with(|s| s.definitions_path = "/components/schemas".into()).into_generator();
    let mut doc = Document { generator, methods: Vec::new() };
    macro_rules! method {
        ($name:literal, $summary:literal, [$($param:literal: $ty:ty),*], $result:ty) => {{
            let params = [$(($param, doc.schema::<$ty>())),*];
            let result = doc.schema::<$result>();
            doc.method($name, $summary, &params, result);
        }};
    }
    method!("status", "Identity, height, time, epoch, validators and chains", [], HubStatus);
    method!("submitEvidence", "Offers evidence of what happened on a chain", ["evidence": Vec<Evidence>], Vec<EvidenceOutcome>);
    method!("quoteDeal", "Computes the deadlines of a deal", ["terms": DealTerms], Deal);
    method!("registerDeal", "Registers a deal in a decided block", ["deal": Deal], DealId);
    method!("cancelDeal", "Aborts a deal by agreement of all depositors", ["cancel": DealCancel], ());
    method!("message", "One message", ["id": MessageId], Option<MessageView>);
    method!("messages", "Messages, newest first", ["filter": MessageFilter], MessagePage);
    method!("deal", "One deal", ["id": DealId], Option<DealView>);
    method!("deals", "Deals, newest first", ["filter": DealFilter], DealPage);
    method!("certified", "Certified checkpoints from a cursor on", ["from": u64, "limit": u32], CertifiedPage);
    method!("certifiedCheckpoint", "One certified checkpoint", ["height": Height, "kind": CheckpointKind], Option<CertifiedCheckpoint>);
    method!("shares", "Signatures on a checkpoint", ["height": Height, "kind": CheckpointKind], Vec<Share>);
    method!("submitCertificate", "Hands in a certificate", ["height": Height, "kind": CheckpointKind, "certificate": EcdsaCertificate], ());
    method!("rotation", "The current epoch and the proposals for the next one", [], RotationView);
    method!("voteRotation", "Hands in a validator's vote for the next set", ["vote": RotationVote], RotationView);
    method!("provenHeights", "Up to where each chain is proven", [], Vec<ProvenHeight>);
    method!("subscribeCertified", "Pushes checkpoints as they are certified", ["from": u64], CertifiedCheckpoint);
    method!("discover", "This document", [], Value);
    let schemas: Map<String, Value> = doc.generator.take_definitions(true);
    json!({
        "openrpc": "1.3.2",
        "info": { "title": "INFRASTRUKT hub", "version": env!("CARGO_PKG_VERSION") },
        "methods": doc.methods,
        "components": { "schemas": schemas },
    })
}
