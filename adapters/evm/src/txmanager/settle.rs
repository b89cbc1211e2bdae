//! Transactions whose nonce is used: by which of our versions, in which block, and whether that block is final.
//!
//! The rule of what ends here, since nodes forget receipts long before a wallet forgets a transaction:
//! 1. A version that k endpoints saw in a block is finished from that record once the quorum's final header of that
//!    number has that block's hash. No node has to remember the receipt until then.
//! 2. A missing receipt proves nothing by itself. Where k endpoints have no receipt of any version and agree that the
//!    nonce is used in a final block, the call is made anew if the contracts refuse or ignore it the second time.
//! 3. What would be done twice ([`Open::once`]: a message sent, tokens bridged) is made anew only if k endpoints name
//!    one and the same foreign transaction that used the nonce in a final block. Until then it stays open, and people
//!    are told.

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
        if self.conclude(&open, finalized, report).await? {
            return Ok(());
        }
        let found = self.find(&open).await?;
        if found != open.included {
            open.included = found;
            self.records.update(&open)?;
        }
        if open.included.is_none() {
            return self.unfound(open, view, finalized, sent).await;
        }
        self.conclude(&open, finalized, report).await?;
        Ok(())
    }

    /// True where the record alone says how it stands: its block is not final yet, or it is and all is done.
    async fn conclude(&self, open: &Open, finalized: u64, report: &mut TickReport) -> Result<bool, PortError> {
        let Some(included) = &open.included else { return Ok(false) };
        if included.receipt.block > finalized {
            return Ok(true);
        }
        if !self.is_final(included).await? {
            return Ok(false);
        }
        self.finish(open, included).await?;
        report.finished += 1;
        Ok(true)
    }

    /// The block that holds one of our versions, or that none does, as k endpoints see it.
    async fn find(&self, open: &Open) -> Result<Option<Included>, PortError> {
        let hashes: &Vec<B256> = &open.versions.iter().map(|version| version.hash).collect();
        let what = format!("the receipt of nonce {} of {}", open.nonce, self.wallet());
        let found = self.quorum.agree_at_head(&what, |endpoint| async move {
            let receipts = receipts(&endpoint, hashes).await?;
            let ours = receipts.into_iter().flatten().find(|receipt| hashes.contains(&receipt.transaction_hash));
            Ok(ours.map(|receipt| self.included(&receipt)))
        });
        found.await
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

    /// True where the quorum's final header of that number is the block that was seen.
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

    /// Decides about one of which k endpoints have no receipt.
    async fn unfound(&self, open: Open, view: &View, finalized: u64, sent: &mut Sent) -> Result<(), PortError> {
        if !self.is_used_up(&open).await {
            return Ok(());
        }
        if open.once && !self.is_taken(&open, finalized).await? {
            let (chain, wallet, nonce, action) = (self.config.chain, self.wallet(), open.nonce, &open.action);
            metrics::counter!("infrastrukt_tx_stranded_total", "chain" => chain.to_string()).increment(1);
            tracing::error!(
                %chain, %wallet, nonce, action, tx = %open.best().hash,
                "the nonce is used in a final block and no endpoint tells by which transaction: it is not sent again, \
                 since it may have been executed; look it up, and add endpoints that keep receipts and old state"
            );
            return Ok(());
        }
        self.replan(open, view, sent).await
    }

    /// True when k endpoints agree that the nonce was used in a final block and have no receipt of our versions.
    async fn is_used_up(&self, open: &Open) -> bool {
        let (wallet, tag, nonce) = (self.wallet(), self.config.profile.finality_tag, open.nonce);
        let hashes: &Vec<B256> = &open.versions.iter().map(|version| version.hash).collect();
        let what = format!("nonce {nonce} of {wallet}");
        let used_up = self.quorum.agree(&what, |endpoint| async move {
            let used: U64 = endpoint.request("eth_getTransactionCount", json!([wallet, tag])).await?;
            let ours = receipts(&endpoint, hashes).await?;
            Ok((used.to::<u64>() > nonce && ours.iter().all(Option::is_none)).then_some(()))
        });
        used_up.await.is_ok()
    }

    /// Makes the call anew at the next nonce, by the rule above. Where it would revert now it is dropped, and whoever
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
