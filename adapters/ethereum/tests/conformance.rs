//! Ethereum passes what every adapter passes, on a real node.

#[path = "../../evm/tests/conformance/mod.rs"]
mod conformance;

use infrastrukt_types::ChainId;

#[tokio::test]
async fn ethereum_passes_every_case() {
    let kind = conformance::Kind {
        chain: ChainId(31_337),
        peer: ChainId(56),
        symbol: "ETH",
        profile: infrastrukt_ethereum::PROFILE,
        connect: infrastrukt_ethereum::connect,
    };
    conformance::assert_conforms(kind).await;
}
