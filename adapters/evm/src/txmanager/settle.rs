//! Transactions whose nonce is used: by which of our versions, in which block, and whether that block is final.

use alloy::sol_types::SolEvent;
use alloy_primitives::{B256, U64};
use infrastrukt_ports::{PortError, Receipt, Remedy, TickReport};
use infrastrukt_types::{Amount, MessageId};
use serde_json::{Value, json};

use crate::{
    bindings::IGateway,
    errors,
    rpc::{CallError, Endpoint, RpcReceipt, quantity},
};

use super::{
    plan,
    state::{Done, Included, Open, Purpose},
    view::View,
    writer::{EvmWriter, Sent},
};

impl EvmWriter {
    /// Follows one transaction whose nonce is used.
    pub(super) async fn settle(
        &self,
        mut open: Open,
        view: &View,
        finalized: u64,
        sent: &mut Sent,
        report: &mut TickReport,
    ) -> Result<(), PortError> {
        if open.included.as_ref().is_some_and(|included| included.receipt.block > finalized) {
            return Ok(());
        }
        let found = self.find(&open).await?;
        match &found {
            Some(included) if included.receipt.block <= finalized => {
                if self.is_final(included).await? {
                    self.finish(&open, included).await?;
                    report.finished += 1;
                }
                return Ok(());
            }
            Some(_) => {}
            None if self.is_lost(&open).await => return self.replan(open, view, sent).await,
            None => {}
        }
        if found != open.included {
            open.included = found;
            self.records.update(&open)?;
        }
        Ok(())
    }

    /// The block that holds one of our versions, newest version first, as one endpoint sees it.
    async fn find(&self, open: &Open) -> Result<Option<Included>, PortError> {
        let hashes: &Vec<B256> = &open.versions.iter().rev().map(|version| version.hash).collect();
        let receipts: Vec<Option<RpcReceipt>> =
            self.quorum.any(|endpoint| async move { receipts(&endpoint, hashes).await }).await?;
        let ours = receipts.into_iter().flatten().find(|receipt| hashes.contains(&receipt.transaction_hash));
        Ok(ours.map(|receipt| self.included(&receipt)))
    }

    fn included(&self, receipt: &RpcReceipt) -> Included {
        let gas_used: u64 = receipt.gas_used.to();
        let price = receipt.effective_gas_price.map_or(0u128, |price| price.to());
        let gateway = self.config.contracts.gateway;
        let sent = receipt
            .logs
            .iter()
            .find(|log| log.address == gateway && log.topics.first() == Some(&IGateway::Sent::SIGNATURE_HASH));
        Included {
            block_hash: receipt.block_hash,
            succeeded: receipt.status.is_some_and(|status| !status.is_zero()),
            receipt: Receipt {
                tx: receipt.transaction_hash.to_string(),
                block: receipt.block_number.to(),
                gas_used,
                fee: Amount(u128::from(gas_used).saturating_mul(price)),
                message_id: sent.and_then(|log| log.topics.get(1)).copied().map(MessageId),
            },
        }
    }

    /// One endpoint showed the receipt; that its block is the final one of its number is agreed on by the quorum.
    async fn is_final(&self, included: &Included) -> Result<bool, PortError> {
        let header = self.headers.finalized_header(included.receipt.block).await?;
        Ok(header.get().hash() == included.block_hash)
    }

    async fn finish(&self, open: &Open, included: &Included) -> Result<(), PortError> {
        let receipt = included.receipt.clone();
        let outcome = if included.succeeded { "executed" } else { "reverted" };
        let labels = [
            ("chain", self.config.chain.to_string()),
            ("action", open.action.clone()),
            ("outcome", outcome.to_owned()),
        ];
        metrics::counter!("infrastrukt_gas_spent_total", &labels).increment(receipt.gas_used);
        metrics::counter!("infrastrukt_tx_final_total", &labels).increment(1);
        tracing::info!(chain = %self.config.chain, tx = receipt.tx, action = open.action, outcome, "final");
        let done = if included.succeeded {
            Done::Final(receipt)
        } else {
            let reason = self.revert_reason(open, receipt.block).await;
            Done::Reverted { receipt, reason }
        };
        self.records.finish(open, done)
    }

    /// Runs the call again on the state before its block. The node may have dropped that state, and transactions before
    /// it in the block may have mattered, so this is for people only.
    async fn revert_reason(&self, open: &Open, block: u64) -> String {
        let call = json!([{
            "from": self.wallet(), "to": open.call.to, "data": open.call.data,
            "value": format!("0x{:x}", open.call.value), "gas": quantity(open.gas_limit),
        }, quantity(block.saturating_sub(1))]);
        let call = &call;
        let answer: Result<Value, CallError> =
            self.quorum.any(|endpoint| async move { endpoint.request("eth_call", call.clone()).await }).await;
        match answer {
            Err(CallError::Reverted(data)) => errors::explain(&data),
            Ok(_) => {
                "reverted, though the call succeeds on the block before: something in its own block came first".into()
            }
            Err(CallError::Port(_) | CallError::Refused { .. }) => "reverted; the node no longer tells why".into(),
        }
    }

    /// True when k endpoints agree that the nonce was used in a final block and by none of our versions.
    async fn is_lost(&self, open: &Open) -> bool {
        let (wallet, tag, nonce) = (self.wallet(), self.config.profile.finality_tag, open.nonce);
        let hashes: &Vec<B256> = &open.versions.iter().map(|version| version.hash).collect();
        let what = format!("nonce {nonce} of {wallet}");
        let lost = self.quorum.agree(&what, |endpoint| async move {
            let used: U64 = endpoint.request("eth_getTransactionCount", json!([wallet, tag])).await?;
            let ours = receipts(&endpoint, hashes).await?;
            Ok((used.to::<u64>() > nonce && ours.iter().all(Option::is_none)).then_some(()))
        });
        lost.await.is_ok()
    }

    /// Another transaction of this key used the nonce. Nothing of ours at that nonce can ever be mined, so the call may
    /// be made anew at the next one without being made twice. Where it would revert now it is dropped, and whoever
    /// submitted it sees it as unknown.
    async fn replan(&self, mut open: Open, view: &View, sent: &mut Sent) -> Result<(), PortError> {
        let (chain, old_nonce) = (self.config.chain, open.nonce);
        tracing::warn!(%chain, nonce = old_nonce, action = open.action, "another transaction used the nonce");
        if open.purpose == Purpose::Filler {
            return self.records.forget(&open);
        }
        open.gas_limit = match plan::simulate(&self.config, &self.quorum, self.wallet(), &open.call).await {
            Ok(gas_limit) => gas_limit,
            Err(error) if error.remedy == Remedy::Reject => {
                tracing::warn!(%chain, %error, "it would revert now and is dropped");
                return self.records.forget(&open);
            }
            Err(error) => return Err(error),
        };
        let counters = self.records.counters()?;
        open.nonce = view.pending_nonce.max(counters.next_nonce);
        let price = plan::price(&self.config, view)?;
        open.versions = vec![self.sign(&open.call, open.nonce, open.gas_limit, price, view.head)?];
        open.included = None;
        self.records.replace(old_nonce, &open, counters)?;
        metrics::counter!("infrastrukt_tx_replanned_total", "chain" => chain.to_string()).increment(1);
        self.broadcast(&open, view.head, sent).await;
        Ok(())
    }
}

async fn receipts(endpoint: &Endpoint, hashes: &[B256]) -> Result<Vec<Option<RpcReceipt>>, CallError> {
    let calls: Vec<_> = hashes.iter().map(|hash| ("eth_getTransactionReceipt", json!([hash]))).collect();
    endpoint.batch(&calls).await
}
