//! The bindings against the ABI that the compiler wrote.

use alloy::{
    json_abi::JsonAbi,
    primitives::Selector,
    sol_types::{SolEventInterface, SolInterface},
};
use infrastrukt_evm::bindings::{IEscrow, IGateway, ITokenBridge, IVerifier};
use serde::Deserialize;
use std::{collections::BTreeSet, fs, path::PathBuf};

#[derive(Deserialize)]
struct Artifact {
    abi: JsonAbi,
}

fn artifact(name: &str) -> JsonAbi {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../contracts/artifacts/{name}.json"));
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run `make contracts` to write the artefacts", path.display()));
    serde_json::from_str::<Artifact>(&text).expect("an artefact has an abi").abi
}

/// Everything that the binding knows is in the contract, with the same selector or topic.
fn check<Calls: SolInterface, Errors: SolInterface, Events: SolEventInterface>(name: &str, events: &[&str]) {
    let abi = artifact(name);
    let functions: BTreeSet<Selector> = abi.functions().map(|function| function.selector()).collect();
    let errors: BTreeSet<Selector> = abi.errors().map(|error| error.selector()).collect();
    for selector in Calls::selectors() {
        assert!(functions.contains(&Selector::from(selector)), "{name} has no function {selector:02x?}");
    }
    for selector in Errors::selectors() {
        assert!(errors.contains(&Selector::from(selector)), "{name} has no error {selector:02x?}");
    }
    let known: BTreeSet<String> = abi.events().map(|event| event.signature()).collect();
    let topics: BTreeSet<_> = abi.events().map(|event| event.selector()).collect();
    assert_eq!(topics.len(), known.len());
    assert!(Events::COUNT <= known.len(), "{name} has fewer events than the binding");
    for event in events {
        assert!(known.contains(*event), "{name} has no event {event}");
    }
}

#[test]
fn gateway() {
    use alloy::sol_types::SolEvent;
    let events = [
        IGateway::Sent::SIGNATURE,
        IGateway::Delivered::SIGNATURE,
        IGateway::DeliveryFailed::SIGNATURE,
        IGateway::Expired::SIGNATURE,
        IGateway::Refunded::SIGNATURE,
    ];
    check::<IGateway::IGatewayCalls, IGateway::IGatewayErrors, IGateway::IGatewayEvents>("Gateway", &events);
}

#[test]
fn escrow() {
    use alloy::sol_types::SolEvent;
    let events = [IEscrow::Locked::SIGNATURE, IEscrow::Settled::SIGNATURE, IEscrow::Escaped::SIGNATURE];
    check::<IEscrow::IEscrowCalls, IEscrow::IEscrowErrors, IEscrow::IEscrowEvents>("Escrow", &events);
}

#[test]
fn verifier() {
    use alloy::sol_types::SolEvent;
    let events = [IVerifier::Rotated::SIGNATURE];
    check::<IVerifier::IVerifierCalls, IVerifier::IVerifierErrors, IVerifier::IVerifierEvents>(
        "EcdsaVerifier",
        &events,
    );
}

#[test]
fn token_bridge() {
    use alloy::sol_types::SolEvent;
    let events =
        [ITokenBridge::Bridged::SIGNATURE, ITokenBridge::Received::SIGNATURE, ITokenBridge::RouteRegistered::SIGNATURE];
    check::<ITokenBridge::ITokenBridgeCalls, ITokenBridge::ITokenBridgeErrors, ITokenBridge::ITokenBridgeEvents>(
        "TokenBridge",
        &events,
    );
}
