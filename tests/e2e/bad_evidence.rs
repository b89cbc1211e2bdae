//! What strangers may send to the hub and to the contracts: forged proofs, foreign certificates, too much of it.

use std::time::Duration;

use alloy::{
    eips::{BlockNumberOrTag, Encodable2718},
    network::TransactionBuilder,
    primitives::B256,
    providers::Provider,
    rpc::types::TransactionRequest,
};
use anyhow::{Context, Result, ensure};
use infrastrukt_api::{CertifiedCheckpoint, CertifiedPage};
use infrastrukt_evm::{CallContext, Contracts, errors::explain, receipts::BlockReceipts};
use infrastrukt_ports::{Action, CertifiedLeaves};
use infrastrukt_types::{Bytes, ChainId, EcdsaCertificate, Epoch, Evidence, Leaf, Message, Outbox, ReceiptEvidence};
use serde_json::{Value, json};

use super::{
    chain::Chain,
    command::{list, text},
    devnet::Devnet,
    messages::SENDER,
    poll::until,
};

const FINAL_MAX: Duration = Duration::from_secs(60);
const VERDICT_MAX: Duration = Duration::from_secs(60);
const ARRIVE_MAX: Duration = Duration::from_secs(60);
/// Above what any operator may allow for one request.
const OVERSIZE_BYTES: usize = 33 << 20;

/// True evidence of a block that holds a message, and that message's id.
async fn evidence(devnet: &Devnet) -> Result<(ReceiptEvidence, B256)> {
    let (eth, bsc) = devnet.both()?;
    let ids = eth.send_messages(SENDER, bsc, &[bsc.contract("inbox")?]).await?;
    let id = *ids.first().context("one message was sent")?;
    let number = eth.provider.get_block_number().await?;
    let found = until("the block is final", FINAL_MAX, || async {
        let last = eth.provider.get_block_by_number(BlockNumberOrTag::Finalized).await?;
        Ok(last.filter(|last| last.header.number > number))
    });
    found.await?;
    let block = block_of(eth, id, number).await?;
    Ok((prove(eth, block).await?, id))
}

/// The block that holds the message: the newest when it was mined, or one shortly before.
async fn block_of(chain: &Chain, id: B256, newest: u64) -> Result<u64> {
    for number in (newest.saturating_sub(10)..=newest).rev() {
        let receipts = chain.provider.get_block_receipts(number.into()).await?.unwrap_or_default();
        if receipts.iter().flat_map(|receipt| receipt.logs()).any(|log| log.topics().get(1) == Some(&id)) {
            return Ok(number);
        }
    }
    anyhow::bail!("no block up to {newest} holds message {id}")
}

async fn prove(chain: &Chain, number: u64) -> Result<ReceiptEvidence> {
    let block = chain.provider.get_block_by_number(number.into()).await?.context("the block is there")?;
    let receipts = chain.provider.get_block_receipts(number.into()).await?.context("its receipts are there")?;
    let encoded: Vec<Bytes> = receipts
        .into_iter()
        .map(|receipt| receipt.into_primitives_receipt().into_inner().encoded_2718().into())
        .collect();
    let indices: Vec<u32> = (0..).zip(&encoded).map(|(index, _)| index).collect();
    let receipts = BlockReceipts::new(encoded, block.header.receipts_root)?.prove(&indices)?;
    let (block_number, block_hash) = (number, block.header.hash);
    Ok(ReceiptEvidence { chain: ChainId(chain.id), block_number, block_hash, receipts })
}

/// Offers evidence until the hub says something other than that it is being checked.
async fn verdict(devnet: &Devnet, evidence: &ReceiptEvidence) -> Result<Value> {
    let offer = json!([[Evidence::Receipts(evidence.clone())]]);
    until("a verdict on the evidence", VERDICT_MAX, || async {
        let outcomes = devnet.hub("hub_submitEvidence", offer.clone()).await?;
        let outcome = list(&outcomes)?.first().context("every item has an outcome")?.clone();
        Ok((outcome["outcome"] == "rejected").then_some(outcome))
    })
    .await
}

/// Everything forged is rejected with a reason; the true evidence is taken; nobody halts over it.
pub(crate) async fn rejected(devnet: &Devnet) -> Result<()> {
    let (truth, id) = evidence(devnet).await?;
    let eth = devnet.chain(super::devnet::ETH)?;
    let other = eth.provider.get_block_by_number((truth.block_number - 1).into()).await?.context("it has a parent")?;
    let forge = |change: &dyn Fn(&mut ReceiptEvidence)| {
        let mut forged = truth.clone();
        change(&mut forged);
        forged
    };
    let cases = [
        (
            "a proof for another block",
            forge(&|e| {
                e.block_number -= 1;
                e.block_hash = other.header.hash;
            }),
        ),
        ("another block's hash", forge(&|e| e.block_hash = other.header.hash)),
        ("a hash of no block", forge(&|e| e.block_hash = B256::repeat_byte(0xbb))),
        (
            "a changed receipt",
            forge(&|e| {
                let mut bytes = e.receipts[0].receipt.to_vec();
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                e.receipts[0].receipt = bytes.into();
            }),
        ),
        (
            "garbage",
            forge(&|e| {
                e.receipts[0].receipt = Bytes::from_static(&[0xde, 0xad]);
                e.receipts[0].nodes = vec![Bytes::from_static(&[0xc0])];
            }),
        ),
        ("a node left over", forge(&|e| e.receipts[0].nodes.push(Bytes::from_static(&[0xc0])))),
        ("another transaction's index", forge(&|e| e.receipts[0].tx_index += 1)),
        ("no receipts", forge(&|e| e.receipts.clear())),
        ("a chain that is not registered", forge(&|e| e.chain = ChainId(999))),
    ];
    for (name, forged) in cases {
        let outcome = verdict(devnet, &forged).await.with_context(|| name.to_owned())?;
        ensure!(!text(&outcome["reason"])?.is_empty(), "{name}: rejected without a reason");
    }
    for _ in 0..2 {
        let outcomes = devnet.hub("hub_submitEvidence", json!([[Evidence::Receipts(truth.clone())]])).await?;
        ensure!(outcomes[0]["outcome"] == "accepted", "true evidence is {outcomes}");
    }
    devnet.chain(super::devnet::BSC)?.receives_once(&[id], ARRIVE_MAX).await?;
    nothing_is_halted(devnet).await
}

async fn nothing_is_halted(devnet: &Devnet) -> Result<()> {
    let status = devnet.hub("hub_status", json!([])).await?;
    ensure!(list(&status["hosted"])?.iter().all(|validator| validator["halted"].is_null()), "halted: {status}");
    ensure!(list(&status["chains"])?.iter().all(|chain| chain["frozen"].is_null()), "frozen: {status}");
    Ok(())
}

/// A certified message for the chain, whatever became of it.
fn certified_message(page: &CertifiedPage, target: ChainId) -> Option<(CertifiedCheckpoint, usize, Message)> {
    page.items.iter().find_map(|item| {
        let leaf = |(index, shown): (usize, &infrastrukt_api::LeafView)| match (&shown.leaf, &shown.message) {
            (Leaf::Message(_), Some(message)) if message.target == target => Some((index, message.clone())),
            _ => None,
        };
        item.leaves.iter().enumerate().find_map(leaf).map(|(index, message)| (item.clone(), index, message))
    })
}

/// The contracts refuse a certificate under another epoch, from another hub, or with too few signatures.
pub(crate) async fn foreign_epoch(devnet: &Devnet) -> Result<()> {
    let bsc = devnet.chain(super::devnet::BSC)?;
    let page: CertifiedPage = serde_json::from_value(devnet.hub("hub_certified", json!([0, 1_000])).await?)?;
    let (item, index, message) = certified_message(&page, ChainId(bsc.id)).context("a message was certified before")?;
    let outbox = Outbox::new(item.leaves.iter().map(|shown| shown.leaf.hash()).collect()).context("it has leaves")?;
    let proof = outbox.prove(&[u32::try_from(index)?])?;
    let truth = CertifiedLeaves { checkpoint: item.checkpoint, certificate: item.certificate, proof };
    let forge = |change: &dyn Fn(&mut CertifiedLeaves)| {
        let mut forged = truth.clone();
        change(&mut forged);
        forged
    };
    let cases = [
        ("AlreadyDelivered", forge(&|_| {})),
        ("UnknownEpoch", forge(&|leaves| leaves.checkpoint.epoch = Epoch(99))),
        ("WrongHub", forge(&|leaves| leaves.checkpoint.hub_id.0 = B256::repeat_byte(1))),
        ("WrongValidatorSet", forge(&|leaves| leaves.checkpoint.valset_hash = B256::repeat_byte(1))),
        ("ZeroRoot", forge(&|leaves| leaves.checkpoint.outbox_root = B256::ZERO)),
        ("InvalidSignature", forge(&|leaves| leaves.checkpoint.height.0 += 1)),
        (
            "MalformedCertificate",
            forge(&|leaves| {
                let bytes = &leaves.certificate.0;
                leaves.certificate = EcdsaCertificate(bytes.slice(..bytes.len() - 1));
            }),
        ),
    ];
    for (expected, certified) in cases {
        let said = deliver(bsc, certified, message.clone()).await?;
        ensure!(said.starts_with(expected), "`{said}` instead of {expected}");
    }
    Ok(())
}

/// What the gateway says to a delivery that it must refuse.
async fn deliver(chain: &Chain, certified: CertifiedLeaves, message: Message) -> Result<String> {
    let contracts = Contracts {
        gateway: chain.contract("gateway")?,
        escrow: chain.contract("escrow")?,
        verifier: chain.contract("verifier")?,
        token_bridge: chain.contract("token_bridge")?,
    };
    let context = CallContext { chain: ChainId(chain.id), contracts, caller: None };
    let call = context.manual(&Action::Deliver { certified, messages: vec![message] })?;
    let request = TransactionRequest::default().with_to(contracts.gateway).with_input(call.data);
    let error = chain.provider.call(request).await.err().context("the gateway took it")?;
    let data = error.as_error_resp().and_then(|payload| payload.as_revert_data());
    Ok(explain(&data.with_context(|| format!("no revert data: {error}"))?))
}

/// Requests that are too large, too many or no requests at all are answered with an error, and the hub goes on.
pub(crate) async fn requests_are_bounded(devnet: &Devnet) -> Result<()> {
    let large = json!({ "jsonrpc": "2.0", "id": 1, "method": "hub_status", "params": ["x".repeat(OVERSIZE_BYTES)] });
    // The hub may close the connection while it is still being written to.
    if let Ok((status, body)) = devnet.post(large.to_string()).await {
        ensure!(status == 413 || body.contains("\"error\""), "{OVERSIZE_BYTES} bytes are answered by {status} {body}");
    }
    let many: Vec<Value> =
        (0..100).map(|id| json!({ "jsonrpc": "2.0", "id": id, "method": "hub_status", "params": [] })).collect();
    let (status, body) = devnet.post(Value::from(many).to_string()).await?;
    ensure!(body.contains("\"error\"") && !body.contains("\"hub_id\""), "100 calls at once are answered by {status}");
    let evidence = json!({ "receipts": {
        "chain": 31337, "block_number": 1, "block_hash": B256::ZERO, "receipts": [],
    }});
    for (method, params) in [
        ("hub_submitEvidence", json!([vec![evidence; 65]])),
        ("hub_submitEvidence", json!([[{ "hearsay": {} }]])),
        ("hub_submitEvidence", json!([])),
        ("hub_registerDeal", json!([{}])),
        ("hub_message", json!(["0x12"])),
        ("hub_nothing", json!([])),
    ] {
        let answer = devnet.hub_raw(method, params).await?;
        ensure!(answer["error"]["code"].is_i64(), "{method} with nonsense is answered by {answer}");
    }
    let (_, body) = devnet.post("{ not json".into()).await?;
    ensure!(body.contains("\"error\""), "text that is no JSON is answered by {body}");
    devnet.hub("hub_status", json!([])).await.map(drop)
}
