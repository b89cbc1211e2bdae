//! From what is to be done to the contract call that does it.

use alloy::sol_types::SolCall;
use alloy_primitives::{Address, B256, Bytes, U256};
use infrastrukt_ports::{Action, CertifiedLeaves, ManualCall, PortError};
use infrastrukt_types::{Account, Amount, ChainId, Decision, LegRef, Message};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::{
    bindings::{self, IERC20, IEscrow, IGateway, ITokenBridge, IVerifier},
    config::Contracts,
    rpc::{CallError, Endpoint, Quorum},
};

/// A contract call, priced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Contract.
    pub to: Address,
    /// Encoded call.
    pub data: Bytes,
    /// Native coin to attach, in wei.
    pub value: u128,
}

/// Where calls go.
#[derive(Clone, Copy, Debug)]
pub struct CallContext {
    /// The chain they are made on.
    pub chain: ChainId,
    /// Its contracts.
    pub contracts: Contracts,
    /// Who makes them, where that is known.
    pub caller: Option<Address>,
}

/// A call whose fee may still have to be asked for.
struct Draft {
    call: Call,
    function: &'static str,
    fee: Option<Fee>,
}

/// What a fee depends on.
enum Fee {
    Gateway(IGateway::quoteCall),
    Bridge(ITokenBridge::quoteCall),
}

impl CallContext {
    /// The call with the fee that the contract quotes now, by the word of k endpoints.
    pub(crate) async fn prepare(&self, action: &Action, quorum: &Quorum) -> Result<Call, CallError> {
        let Draft { mut call, fee, .. } = self.draft(action)?;
        let Contracts { gateway, token_bridge, .. } = self.contracts;
        let what = format!("the fee on {}", self.chain);
        let fee = match fee {
            None => return Ok(call),
            Some(Fee::Gateway(query)) => {
                let query = &query;
                let quoted = |endpoint: Arc<Endpoint>| async move {
                    endpoint.view(gateway, query).await.map(|quote| quote.feeWei)
                };
                quorum.agree_at_head(&what, quoted).await?
            }
            Some(Fee::Bridge(query)) => {
                let query = &query;
                let quoted = |endpoint: Arc<Endpoint>| async move {
                    endpoint.view(token_bridge, query).await.map(|quote| quote.feeWei)
                };
                quorum.agree_at_head(&what, quoted).await?
            }
        };
        let fee: Option<u128> = fee.try_into().ok();
        call.value = fee.and_then(|fee| call.value.checked_add(fee)).ok_or_else(|| {
            CallError::Port(PortError::reject(format!("the fee quoted on {} is beyond any balance", self.chain)))
        })?;
        Ok(call)
    }

    /// What a person needs to do it by hand. The command asks for a fee itself, since it may change until it is run.
    pub fn manual(&self, action: &Action) -> Result<ManualCall, PortError> {
        let Draft { call, function, fee } = self.draft(action)?;
        let mut command = String::new();
        let mut value = call.value.to_string();
        if let Some(fee) = fee {
            command = format!("FEE=$({})\n", self.quote_command(&fee));
            value = format!("\"$(echo \"$FEE + {value}\" | bc)\"");
        }
        command.push_str(&format!(
            "cast send --rpc-url \"$RPC_URL\" --account <YOUR_KEYSTORE_ACCOUNT> --value {value} {} {}",
            call.to, call.data
        ));
        Ok(ManualCall {
            to: call.to.to_string(),
            function: function.into(),
            data: call.data,
            value: Amount(call.value),
            command,
        })
    }

    fn quote_command(&self, fee: &Fee) -> String {
        let (to, signature, arguments) = match fee {
            Fee::Gateway(query) => (
                self.contracts.gateway,
                IGateway::quoteCall::SIGNATURE,
                format!("{} {} {}", query.target, query.gasLimit, query.payloadLength),
            ),
            Fee::Bridge(query) => (
                self.contracts.token_bridge,
                ITokenBridge::quoteCall::SIGNATURE,
                format!("{} {}", query.token, query.target),
            ),
        };
        format!(
            "cast call --rpc-url \"$RPC_URL\" {to} '{signature}(uint256,uint40)' {arguments} | head -n 1 | cut -d ' ' -f 1"
        )
    }

    fn draft(&self, action: &Action) -> Result<Draft, PortError> {
        let Contracts { gateway, escrow, verifier, token_bridge } = self.contracts;
        Ok(match action {
            Action::Deliver { certified, messages } => deliver(gateway, certified, messages)?,
            Action::Expire { certified, message } => {
                let (checkpoint, certificate, proof) = parts(certified);
                free(gateway, IGateway::expireCall { checkpoint, certificate, message: message_arg(message), proof })
            }
            Action::Refund { certified, message } => {
                let (checkpoint, certificate, proof) = parts(certified);
                free(gateway, IGateway::refundCall { checkpoint, certificate, message: message_arg(message), proof })
            }
            Action::Settle { certified, settlements } => {
                let (checkpoint, certificate, proof) = parts(certified);
                let settlements = settlements.iter().map(|(deal, decision, legs)| bindings::Settlement {
                    dealId: deal.0,
                    commit: *decision == Decision::Commit,
                    legs: legs.iter().map(leg_arg).collect(),
                });
                let settlements = settlements.collect();
                free(escrow, IEscrow::settleCall { checkpoint, certificate, settlements, proof })
            }
            Action::Rotate { certified, epoch, valset_hash, expires_at } => {
                let (checkpoint, certificate, proof) = parts(certified);
                let (epoch, valset, expires) = (*epoch, *valset_hash, expires_at.0);
                let call = IVerifier::rotateCall {
                    checkpoint,
                    certificate,
                    epoch,
                    valsetHash: valset,
                    expiresAt: expires,
                    proof,
                };
                free(verifier, call)
            }
            Action::Send { target, recipient, gas_limit, deadline, payload } => {
                let (target, gas) = (target.0, *gas_limit);
                let query = IGateway::quoteCall { target, gasLimit: gas, payloadLength: U256::from(payload.len()) };
                let call = IGateway::sendCall {
                    target,
                    recipient: recipient.0,
                    gasLimit: gas,
                    deadline: deadline.0,
                    payload: payload.clone(),
                };
                Draft { fee: Some(Fee::Gateway(query)), ..free(gateway, call) }
            }
            Action::Bridge { token, target, recipient, amount, deadline, refund_to } => {
                let token = evm(*token)?;
                let query = ITokenBridge::quoteCall { token, target: target.0 };
                let call = ITokenBridge::bridgeCall {
                    token,
                    target: target.0,
                    recipient: recipient.0,
                    amount: U256::from(amount.0),
                    deadline: deadline.0,
                    refundTo: evm(*refund_to)?,
                };
                let value = if token.is_zero() { amount.0 } else { 0 };
                Draft { fee: Some(Fee::Bridge(query)), ..paying(token_bridge, call, value) }
            }
            Action::Approve { token, spender, amount } => {
                let (token, spender) = (evm(*token)?, evm(*spender)?);
                if token.is_zero() || spender.is_zero() {
                    return Err(PortError::reject("approve names a token and a spender; the native coin needs none"));
                }
                free(token, IERC20::approveCall { spender, amount: U256::from(amount.0) })
            }
            Action::Lock { deal, leg } => self.lock(deal.0, leg),
            Action::RequestEscape { deal, leg } => {
                free(escrow, IEscrow::requestEscapeCall { dealId: deal.0, legRef: leg_arg(leg) })
            }
            Action::ExecuteEscape { deal, leg } => {
                free(escrow, IEscrow::executeEscapeCall { dealId: deal.0, legRef: leg_arg(leg) })
            }
            Action::WithdrawCredit { token, account } => {
                free(escrow, IEscrow::withdrawCreditCall { token: evm(*token)?, account: evm(*account)? })
            }
        })
    }
}

impl CallContext {
    /// The compact form costs less, but takes chain, escrow and depositor for granted: with a leg that names others it
    /// would lock under a key that no deal has. So it is for the depositor itself and a leg of this escrow only; the full
    /// form checks all of it on the chain.
    fn lock(&self, deal: B256, leg_ref: &LegRef) -> Draft {
        let escrow = self.contracts.escrow;
        let value = if leg_ref.leg.token.is_zero() { leg_ref.leg.amount.0 } else { 0 };
        match self.compact_lock(deal, leg_ref) {
            Some(call) => paying(escrow, call, value),
            None => paying(escrow, IEscrow::lockCall { dealId: deal, legRef: leg_arg(leg_ref) }, value),
        }
    }

    fn compact_lock(&self, deal: B256, leg_ref: &LegRef) -> Option<IEscrow::lockCompactCall> {
        let leg = &leg_ref.leg;
        let own = leg.chain == self.chain
            && leg.escrow == Account::from(self.contracts.escrow)
            && self.caller.is_some_and(|caller| leg.depositor == Account::from(caller));
        let wide = |high: u128, low: u128| (U256::from(high) << 128) | U256::from(low);
        let pair = |high: u64, low: u64| (u128::from(high) << 64) | u128::from(low);
        own.then_some(())?;
        Some(IEscrow::lockCompactCall {
            dealId: deal,
            token: leg.token.to_evm().ok()?,
            onCommit: leg.on_commit.to_evm().ok()?,
            onAbort: leg.on_abort.to_evm().ok()?,
            amounts: wide(leg.amount.0, leg.tip.0),
            terms: wide(pair(u64::from(leg_ref.index), leg_ref.lock_by.0), pair(leg.escape_at.0, leg.escape_window)),
        })
    }
}

/// One message costs less alone than as a batch of one.
fn deliver(gateway: Address, certified: &CertifiedLeaves, messages: &[Message]) -> Result<Draft, PortError> {
    let (checkpoint, certificate, proof) = parts(certified);
    Ok(match messages {
        [] => return Err(PortError::reject("a delivery names at least one message")),
        [message] => {
            free(gateway, IGateway::deliverCall { checkpoint, certificate, message: message_arg(message), proof })
        }
        many => {
            let messages = many.iter().map(message_arg).collect();
            free(gateway, IGateway::deliverBatchCall { checkpoint, certificate, messages, proof })
        }
    })
}

fn free<C: SolCall>(to: Address, call: C) -> Draft {
    paying(to, call, 0)
}

fn paying<C: SolCall>(to: Address, call: C, value: u128) -> Draft {
    Draft { call: Call { to, data: call.abi_encode().into(), value }, function: C::SIGNATURE, fee: None }
}

fn evm(account: Account) -> Result<Address, PortError> {
    account.to_evm().map_err(|error| PortError::reject(error.to_string()))
}

fn parts(certified: &CertifiedLeaves) -> (bindings::Checkpoint, Bytes, bindings::Multiproof) {
    let CertifiedLeaves { checkpoint, certificate, proof } = certified;
    let checkpoint = bindings::Checkpoint {
        hubId: checkpoint.hub_id.0,
        kind: checkpoint.kind.byte(),
        epoch: checkpoint.epoch.0,
        valsetHash: checkpoint.valset_hash,
        height: checkpoint.height.0,
        time: checkpoint.time.0,
        outboxRoot: checkpoint.outbox_root,
        stateRoot: checkpoint.state_root,
    };
    let proof = bindings::Multiproof { count: proof.count, indices: proof.indices.clone(), nodes: proof.nodes.clone() };
    (checkpoint, certificate.0.clone(), proof)
}

fn message_arg(message: &Message) -> bindings::Message {
    bindings::Message {
        version: message.version,
        source: message.source.0,
        target: message.target.0,
        nonce: message.nonce.0,
        sender: message.sender.0,
        recipient: message.recipient.0,
        timestamp: message.timestamp.0,
        gasLimit: message.gas_limit,
        deadline: message.deadline.0,
        payload: message.payload.clone(),
    }
}

fn leg_arg(leg_ref: &LegRef) -> bindings::LegRef {
    let leg = &leg_ref.leg;
    bindings::LegRef {
        index: leg_ref.index,
        lockBy: leg_ref.lock_by.0,
        leg: bindings::Leg {
            chain: leg.chain.0,
            escrow: leg.escrow.0,
            token: leg.token.0,
            amount: leg.amount.0,
            depositor: leg.depositor.0,
            onCommit: leg.on_commit.0,
            onAbort: leg.on_abort.0,
            escapeAt: leg.escape_at.0,
            escapeWindow: leg.escape_window,
            tip: leg.tip.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{DealId, Leg, Timestamp};

    fn context() -> CallContext {
        let contracts = Contracts {
            gateway: Address::repeat_byte(1),
            escrow: Address::repeat_byte(2),
            verifier: Address::repeat_byte(3),
            token_bridge: Address::repeat_byte(4),
        };
        CallContext { chain: ChainId(1), contracts, caller: None }
    }

    fn leg(token: Account) -> LegRef {
        let leg = Leg {
            chain: ChainId(1),
            escrow: Account::ZERO,
            token,
            amount: Amount(77),
            depositor: Account::ZERO,
            on_commit: Account::ZERO,
            on_abort: Account::ZERO,
            escape_at: Timestamp(1),
            escape_window: 1,
            tip: Amount::ZERO,
        };
        LegRef { index: 1, lock_by: Timestamp(9), leg }
    }

    #[test]
    fn native_locks_carry_their_amount_and_tokens_do_not() {
        let lock =
            |token| context().manual(&Action::Lock { deal: DealId::default(), leg: leg(token) }).expect("drafts");
        assert_eq!(lock(Account::ZERO).value, Amount(77));
        assert_eq!(lock(Account::from(Address::repeat_byte(9))).value, Amount::ZERO);
        let command = lock(Account::ZERO).command;
        assert!(command.starts_with("cast send --rpc-url \"$RPC_URL\""), "{command}");
        assert!(command.contains("--value 77 0x0202"), "{command}");
    }

    #[test]
    fn only_the_depositor_locks_in_the_compact_form() {
        let depositor = Address::repeat_byte(8);
        let mut own = leg(Account::ZERO);
        own.leg.escrow = Account::from(Address::repeat_byte(2));
        own.leg.depositor = Account::from(depositor);
        own.leg.tip = Amount(5);
        let function = |caller: Option<Address>, leg: &LegRef| {
            let draft = CallContext { caller, ..context() }.lock(B256::ZERO, leg);
            (draft.function, draft.call)
        };
        let (compact, call) = function(Some(depositor), &own);
        assert_eq!((compact, call.value), (IEscrow::lockCompactCall::SIGNATURE, 77));
        let call = IEscrow::lockCompactCall::abi_decode(&call.data).expect("encodes what it decodes");
        assert_eq!(call.amounts, (U256::from(77) << 128) | U256::from(5));
        assert_eq!(call.terms, (U256::from(1) << 192) | (U256::from(9) << 128) | (U256::from(1) << 64) | U256::from(1));

        let full = IEscrow::lockCall::SIGNATURE;
        assert_eq!(function(None, &own).0, full);
        assert_eq!(function(Some(Address::repeat_byte(9)), &own).0, full);
        let mut elsewhere = own.clone();
        elsewhere.leg.chain = ChainId(2);
        assert_eq!(function(Some(depositor), &elsewhere).0, full);
        let mut foreign = own.clone();
        foreign.leg.escrow = Account::from(Address::repeat_byte(3));
        assert_eq!(function(Some(depositor), &foreign).0, full);
        own.leg.on_commit = Account(B256::repeat_byte(1));
        assert_eq!(function(Some(depositor), &own).0, full);
    }

    #[test]
    fn sends_quote_their_fee_in_the_command() {
        let send = Action::Send {
            target: ChainId(56),
            recipient: Account::from(Address::repeat_byte(7)),
            gas_limit: 100_000,
            deadline: Timestamp(0),
            payload: Bytes::from_static(b"abc"),
        };
        let command = context().manual(&send).expect("drafts").command;
        assert!(command.contains("'quote(uint64,uint64,uint256)(uint256,uint40)' 56 100000 3"), "{command}");
    }

    #[test]
    fn transfers_name_who_gets_them_back() {
        let refund_to = Address::repeat_byte(5);
        let transfer = |refund_to: Account| Action::Bridge {
            token: Account::ZERO,
            target: ChainId(56),
            recipient: Account::from(Address::repeat_byte(7)),
            amount: Amount(9),
            deadline: Timestamp(1_000),
            refund_to,
        };
        let call = context().manual(&transfer(Account::from(refund_to))).expect("drafts");
        assert_eq!((call.function.as_str(), call.value), (ITokenBridge::bridgeCall::SIGNATURE, Amount(9)));
        let decoded = ITokenBridge::bridgeCall::abi_decode(&call.data).expect("encodes what it decodes");
        assert_eq!((decoded.refundTo, decoded.deadline), (refund_to, 1_000));
        assert!(context().manual(&transfer(Account(B256::repeat_byte(1)))).is_err());
    }

    #[test]
    fn dirty_token_addresses_are_refused() {
        let dirty = Account(alloy_primitives::B256::repeat_byte(1));
        let withdraw = Action::WithdrawCredit { token: dirty, account: Account::ZERO };
        assert!(context().manual(&withdraw).is_err());
    }
}
