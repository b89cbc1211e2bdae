//! Locking one's own legs: the terms are on disk before anything leaves the process.

use infrastrukt_ports::{Action, LockStatus, Receipt};
use infrastrukt_types::{Account, Amount, ChainId, LegRef};
use serde::Serialize;
use std::collections::BTreeMap;

use super::super::{DealRecord, Network, UserError, Wallet};

/// A leg that stands locked.
#[derive(Clone, Debug, Serialize)]
pub struct LockedLeg {
    /// Place in the deal.
    pub index: u8,
    /// Chain.
    pub chain: String,
    /// The transaction; absent where the leg was locked before this command.
    pub tx: Option<String>,
    /// The block that holds it.
    pub block: Option<u64>,
}

/// Locks every given leg of the deal with the wallet's key. Legs that are locked already are left alone.
pub async fn lock_legs(
    network: &Network,
    wallet: &Wallet<'_>,
    record: DealRecord,
    legs: &[LegRef],
) -> Result<Vec<LockedLeg>, UserError> {
    let mut open = Vec::with_capacity(legs.len());
    for own in legs {
        let chain = network.chain(own.leg.chain)?;
        match wallet.lock_status(chain, own.lock_key(record.deal_id)).await? {
            LockStatus::None => open.push(own.clone()),
            LockStatus::Locked { .. } | LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped => {}
        }
    }
    require_funds(network, wallet, &open).await?;
    let record = network.deals.keep(record, wallet.name())?;
    let mut locked = Vec::with_capacity(legs.len());
    for own in legs {
        let receipt = lock(network, wallet, &record, own).await?;
        locked.push(LockedLeg {
            index: own.index,
            chain: network.chain_name(own.leg.chain),
            tx: receipt.as_ref().map(|receipt| receipt.tx.clone()),
            block: receipt.as_ref().map(|receipt| receipt.block),
        });
    }
    Ok(locked)
}

/// Refuses unless the wallet signs for these legs and holds all that they lock. Fees come on top.
pub async fn require_funds(network: &Network, wallet: &Wallet<'_>, legs: &[LegRef]) -> Result<(), UserError> {
    let mut needs: BTreeMap<(ChainId, Account, Account), Amount> = BTreeMap::new();
    for own in legs {
        let leg = &own.leg;
        wallet.require_account(network.chain(leg.chain)?, leg.depositor).await?;
        let need = needs.entry((leg.chain, leg.token, leg.depositor)).or_default();
        *need = need.checked_add(leg.amount).ok_or_else(|| {
            UserError::refused(format!("the amounts of token {} add up beyond 2^128", leg.token), "lower them")
        })?;
    }
    for ((chain, token, depositor), need) in needs {
        network.chain(chain)?.require_balance(depositor, token, need).await?;
    }
    Ok(())
}

async fn lock(
    network: &Network,
    wallet: &Wallet<'_>,
    record: &DealRecord,
    own: &LegRef,
) -> Result<Option<Receipt>, UserError> {
    let chain = network.chain(own.leg.chain)?;
    let lock_key = own.lock_key(record.deal_id);
    match wallet.lock_status(chain, lock_key).await? {
        LockStatus::None => {}
        LockStatus::Locked { .. } => return Ok(None),
        LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped => {
            return Err(UserError::refused(
                format!("leg {} of deal {} is paid out already", own.index, record.deal_id),
                "nothing is left to lock; `relayer swap status` shows what happened",
            ));
        }
    }
    if !own.leg.token.is_zero() {
        let approve = Action::Approve { token: own.leg.token, spender: own.leg.escrow, amount: own.leg.amount };
        wallet.act(chain, &format!("approve {lock_key}"), &approve).await?;
    }
    let action = Action::Lock { deal: record.deal_id, leg: own.clone() };
    wallet.act(chain, &format!("lock {lock_key}"), &action).await.map(Some)
}
