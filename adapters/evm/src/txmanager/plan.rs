//! Making a transaction: simulate, price, sign.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy},
    eips::{eip2718::Encodable2718, eip2930::AccessList},
    network::TxSignerSync,
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Address, Bytes, TxKind, U64, U256};
use infrastrukt_ports::PortError;
use infrastrukt_types::ChainId;
use serde_json::{Value, json};
use std::{cmp::Reverse, time::Duration};

use crate::{
    calls::Call,
    config::EvmConfig,
    errors,
    profile::FeeMode,
    rpc::{CallError, Endpoint, Quorum},
};

use super::{
    fees::{self, Price},
    state::{Open, Signed},
    view::View,
};

/// Room above the simulated gas: a quarter, since storage may be colder when the transaction runs.
const GAS_MARGIN: (u64, u64) = (5, 4);

/// And this much more, for the smallest calls.
const GAS_MARGIN_FLAT: u64 = 10_000;

/// Gas of a plain transfer.
pub(super) const TRANSFER_GAS: u64 = 21_000;

/// How long to wait for somebody to fund a wallet.
const FUNDING_RETRY: Duration = Duration::from_secs(30);

/// How long to wait for cheaper gas.
const PRICE_RETRY: Duration = Duration::from_secs(15);

/// Gas limit of a call that would succeed on top of what is pending. Nothing is spent on one that would revert, which k
/// endpoints have to say before the call is blamed. The limit is the least within which k endpoints see it succeed: one
/// alone neither lets it run out of gas nor makes it look too large.
pub(super) async fn simulate(
    config: &EvmConfig,
    quorum: &Quorum,
    from: Address,
    call: &Call,
) -> Result<u64, PortError> {
    let transaction = json!([{
        "from": from, "to": call.to, "data": call.data, "value": format!("0x{:x}", call.value),
    }, "pending"]);
    let transaction = &transaction;
    let what = format!("how much gas a call of {} needs", call.to);
    let agreed = quorum
        .reached(&what, |endpoint| async move { estimate(&endpoint, transaction).await.map(Reverse) })
        .await
        .map(|Reverse(gas)| gas);
    let estimated = match agreed {
        // Fewer than k say anything. One is believed then: money in escrows cannot wait for the others.
        Err(error) if !error.is_refusal() => {
            quorum.any(|endpoint| async move { estimate(&endpoint, transaction).await }).await
        }
        agreed => agreed,
    };
    let used = match estimated {
        Ok(gas) => gas,
        Err(CallError::Reverted(data)) => {
            metrics::counter!("infrastrukt_tx_refused_total", "chain" => config.chain.to_string()).increment(1);
            return Err(PortError::reject(format!("{} would revert: {}", call.to, errors::explain(&data))));
        }
        Err(error) => return Err(error.into()),
    };
    let gas = u128::from(used) * u128::from(GAS_MARGIN.0) / u128::from(GAS_MARGIN.1) + u128::from(GAS_MARGIN_FLAT);
    let max = config.limits.tx_gas_max;
    match u64::try_from(gas) {
        Ok(gas) if gas <= max => Ok(gas),
        // The margin may be cut, what was simulated may not.
        Ok(_) | Err(_) if used <= max => Ok(max),
        Ok(_) | Err(_) => {
            Err(PortError::reject(format!("the call needs {used} gas, above the limit of {max}: split it up")))
        }
    }
}

async fn estimate(endpoint: &Endpoint, transaction: &Value) -> Result<u64, CallError> {
    let gas: U64 = endpoint.request("eth_estimateGas", transaction.clone()).await?;
    Ok(gas.to())
}

/// The offer of a new transaction.
pub(super) fn price(config: &EvmConfig, view: &View) -> Result<Price, PortError> {
    fees::fresh(config.profile.fee_mode, &config.fees, &view.market)
        .map_err(|error| PortError::retry(PRICE_RETRY, format!("{}: {error}", config.chain)))
}

/// Refuses to attach what the wallet does not have, by the word of k endpoints.
pub(super) async fn check_value(
    config: &EvmConfig,
    quorum: &Quorum,
    wallet: Address,
    view: &View,
    value: u128,
) -> Result<(), PortError> {
    let value_wei = U256::from(value);
    if view.balance >= value_wei {
        return Ok(());
    }
    let what = format!("whether {wallet} has {value} wei on {}", config.chain);
    let has = quorum.agree_at_head(&what, |endpoint| async move {
        let balance: U256 = endpoint.request("eth_getBalance", json!([wallet, "latest"])).await?;
        Ok(balance >= value_wei)
    });
    if has.await? {
        return Ok(());
    }
    Err(PortError::reject(format!(
        "{wallet} has {} wei on {}, less than the {value} to attach: fund it or send less",
        view.balance, config.chain
    )))
}

/// Waits for funds where the wallet cannot pay for this and for all that is open at the worst price offered.
pub(super) fn check_gas_funds(
    config: &EvmConfig,
    wallet: Address,
    view: &View,
    open: &[Open],
    new: (u128, u64, &Price),
) -> Result<(), PortError> {
    let cost = |value: u128, gas: u64, price: &Price| U256::from(value) + U256::from(gas) * U256::from(price.max_fee);
    let waiting = open.iter().filter(|open| open.nonce >= view.mined_nonce);
    let committed: U256 = waiting.map(|open| cost(open.call.value, open.gas_limit, &open.best().price)).sum();
    let needed = committed + cost(new.0, new.1, new.2);
    if view.balance >= needed {
        return Ok(());
    }
    Err(PortError::retry(
        FUNDING_RETRY,
        format!(
            "{wallet} has {} wei on {}, but {needed} may be needed for what is open and this: send it {} wei",
            view.balance,
            config.chain,
            needed - view.balance
        ),
    ))
}

/// Signs one version.
pub(super) fn sign(
    signer: &PrivateKeySigner,
    (chain, mode): (ChainId, FeeMode),
    (call, nonce, gas_limit): (&Call, u64, u64),
    price: Price,
    signed_at: u64,
) -> Result<Signed, PortError> {
    let (to, value, input) = (TxKind::Call(call.to), U256::from(call.value), call.data.clone());
    let failed = |error| PortError::halt("the wallet's key cannot sign").caused_by(error);
    let envelope: TxEnvelope = match mode {
        FeeMode::Eip1559 => {
            let mut transaction = TxEip1559 {
                chain_id: chain.0,
                nonce,
                gas_limit,
                max_fee_per_gas: price.max_fee,
                max_priority_fee_per_gas: price.tip,
                to,
                value,
                access_list: AccessList::default(),
                input,
            };
            let signature = signer.sign_transaction_sync(&mut transaction).map_err(failed)?;
            transaction.into_signed(signature).into()
        }
        FeeMode::Legacy => {
            let (chain_id, gas_price) = (Some(chain.0), price.max_fee);
            let mut transaction = TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input };
            let signature = signer.sign_transaction_sync(&mut transaction).map_err(failed)?;
            transaction.into_signed(signature).into()
        }
    };
    Ok(Signed { hash: *envelope.tx_hash(), raw: Bytes::from(envelope.encoded_2718()), price, signed_at })
}
