//! Sends messages as fast as a node takes them: transactions of an unlocked development account, many in one request.

use alloy::{
    primitives::{Address, Bytes, U256, keccak256},
    sol,
    sol_types::SolCall,
};
use anyhow::Result;
use infrastrukt_evm::devnet::dev_key;
use serde_json::{Value, json};

use super::devnet::Node;

sol! {
    function send(uint64 target, bytes32 recipient, uint64 gasLimit, uint64 deadline, bytes payload)
        external payable returns (bytes32 id);
    function quote(uint64 target, uint64 gasLimit, uint256 payloadLength)
        external view returns (uint256 feeWei, uint40 validUntil);
}

/// Development accounts that send; those below are users and the relayer, and the last one deploys.
pub(crate) const SENDER: u32 = 5;
pub(crate) const SENDER_BACK: u32 = 6;

/// Transactions in one request.
pub(crate) const BATCH: usize = 250;
const PAYLOAD_BYTES: usize = 32;
/// Gas for the handler: enough for the devnet's inbox.
const HANDLER_GAS: u64 = 100_000;
/// Of a send, which uses less than half.
const GAS_LIMIT: u64 = 100_000;
/// Far above any base fee that full blocks lead to.
const MAX_FEE_WEI: u64 = 100_000_000_000;
/// Nodes suggest to everybody else what others paid last: a large tip would price the relayer out.
const TIP_WEI: u64 = 1_000_000_000;

/// One account that sends messages from one chain to the inbox of another.
pub(crate) struct Sender<'a> {
    source: &'a Node,
    target: u64,
    inbox: Address,
    from: Address,
    nonce: u64,
    fee_wei: U256,
}

impl<'a> Sender<'a> {
    pub(crate) async fn new(source: &'a Node, target: &Node, key: u32) -> Result<Self> {
        let from = dev_key(key).address();
        let query = quoteCall { target: target.id, gasLimit: HANDLER_GAS, payloadLength: U256::from(PAYLOAD_BYTES) };
        let call = json!({ "to": source.gateway, "input": Bytes::from(query.abi_encode()) });
        let answer: Bytes = serde_json::from_value(source.rpc.call("eth_call", json!([call, "latest"])).await?)?;
        let fee_wei = quoteCall::abi_decode_returns(&answer)?.feeWei;
        let nonce = source.rpc.mined(from).await?;
        Ok(Self { source, target: target.id, inbox: target.inbox, from, nonce, fee_wei })
    }

    /// Sends this many in one request.
    pub(crate) async fn send(&mut self, count: usize) -> Result<()> {
        let transactions: Vec<Value> = (self.nonce..).take(count).map(|nonce| self.transaction(nonce)).collect();
        self.source.rpc.batch("eth_sendTransaction", transactions).await?;
        self.nonce += count as u64;
        Ok(())
    }

    fn transaction(&self, nonce: u64) -> Value {
        let payload = Bytes::from(keccak256(nonce.to_be_bytes()).to_vec());
        let call = sendCall {
            target: self.target,
            recipient: self.inbox.into_word(),
            gasLimit: HANDLER_GAS,
            deadline: 0,
            payload,
        };
        json!([{
            "from": self.from, "to": self.source.gateway, "input": Bytes::from(call.abi_encode()),
            "value": self.fee_wei, "gas": format!("{GAS_LIMIT:#x}"), "nonce": format!("{nonce:#x}"),
            "maxFeePerGas": format!("{MAX_FEE_WEI:#x}"), "maxPriorityFeePerGas": format!("{TIP_WEI:#x}"),
        }])
    }

    /// How many were sent that no block holds yet.
    pub(crate) async fn waiting(&self) -> Result<u64> {
        Ok(self.nonce.saturating_sub(self.source.rpc.mined(self.from).await?))
    }
}
