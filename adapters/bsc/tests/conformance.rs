//! BSC passes what every adapter passes, on a real node.

#[path = "../../evm/tests/conformance/mod.rs"]
mod conformance;

use infrastrukt_types::ChainId;

#[tokio::test]
async fn bsc_passes_every_case() {
    let kind = conformance::Kind {
        chain: ChainId(56),
        peer: ChainId(31_337),
        symbol: "BNB",
        profile: infrastrukt_bsc::PROFILE,
        connect: infrastrukt_bsc::connect,
    };
    conformance::assert_conforms(kind).await;
}
