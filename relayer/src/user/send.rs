//! Sending a message.

use std::{path::PathBuf, time::Duration};

use infrastrukt_ports::{Action, Receipt};
use infrastrukt_types::{Account, Bytes, MessageId, Timestamp, keccak256};
use serde::{Deserialize, Serialize};

use super::{Chain, Network, UserError, Wallet, write_synced};

/// Gas for the recipient's handler where the sender does not say: enough for a handler that writes a few slots.
pub const GAS_LIMIT_DEFAULT: u64 = 200_000;

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Sending<'a> {
    /// Where from.
    pub source: &'a Chain,
    /// Where to.
    pub target: &'a Chain,
    /// Who receives it: a name, CAIP-10 or an account in the target's notation; the target's inbox, else the sender's
    /// own account there, where absent.
    pub recipient: Option<&'a str>,
    /// Gas for its handler.
    pub gas_limit: u64,
    /// How long it may be delivered; for ever where absent.
    pub deadline: Option<Duration>,
    /// What it carries.
    pub payload: Bytes,
}

/// A message or transfer that is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its id.
    pub id: MessageId,
    /// The transaction that sent it.
    pub tx: String,
    /// The block that holds the transaction.
    pub block: u64,
}

/// Sends the message. The same call after a crash goes on with the same transaction.
pub async fn send(network: &Network, wallet: &Wallet<'_>, sending: &Sending<'_>) -> Result<Sent, UserError> {
    let recipient = recipient(network, wallet, sending)?;
    let deadline = deadline(sending.target, sending.deadline).await?;
    let action = Action::Send {
        target: sending.target.file.id,
        recipient,
        gas_limit: sending.gas_limit,
        deadline,
        payload: sending.payload.clone(),
    };
    let payload = keccak256(&sending.payload);
    let lasts_s = sending.deadline.map_or(0, |lasts| lasts.as_secs());
    let label = format!("send {} {recipient} {} {lasts_s} {payload}", sending.target.file.id, sending.gas_limit);
    finish(network, wallet, sending.source, &label, &action).await
}

/// Submits an action that sends a message.
pub(super) async fn finish(
    network: &Network,
    wallet: &Wallet<'_>,
    chain: &Chain,
    label: &str,
    action: &Action,
) -> Result<Sent, UserError> {
    let keep = |receipt: &Receipt| {
        let sent = of_receipt(chain, receipt)?;
        let json = serde_json::to_vec_pretty(&sent).map_err(|error| UserError::Unexpected(error.to_string()))?;
        write_synced(&sent_path(network, sent.id), &json)
    };
    let receipt = wallet.act_and_keep(chain, label, action, keep).await?;
    of_receipt(chain, &receipt)
}

fn of_receipt(chain: &Chain, receipt: &Receipt) -> Result<Sent, UserError> {
    let id = receipt.message_id.ok_or_else(|| {
        UserError::Unexpected(format!("transaction {} on {} sent no message", receipt.tx, chain.name()))
    })?;
    Ok(Sent { id, tx: receipt.tx.clone(), block: receipt.block })
}

/// What was sent from this data directory under an id: known here before any relayer has shown it to the hub.
pub fn sent(network: &Network, id: MessageId) -> Result<Option<Sent>, UserError> {
    let path = sent_path(network, id);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| UserError::Damaged { path, reason: error.to_string() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(UserError::file(path)(error)),
    }
}

fn sent_path(network: &Network, id: MessageId) -> PathBuf {
    network.data_dir().join("sent").join(format!("{id}.json"))
}

/// The deadline in the target's own time; zero never expires.
pub(super) async fn deadline(target: &Chain, lasts: Option<Duration>) -> Result<Timestamp, UserError> {
    let Some(lasts) = lasts else { return Ok(Timestamp(0)) };
    Ok(target.now().await?.plus(lasts.as_secs()))
}

fn recipient(network: &Network, wallet: &Wallet<'_>, sending: &Sending<'_>) -> Result<Account, UserError> {
    let target = sending.target;
    match (sending.recipient, network.book.inbox(&target.file.name)) {
        (Some(who), _) => account_or_address(network, target, who),
        (None, Some(inbox)) => target.parse_account(inbox),
        (None, None) => network.account(wallet.name(), target),
    }
}

/// A name of the address book, CAIP-10, or an account in the chain's own notation.
pub(super) fn account_or_address(network: &Network, chain: &Chain, who: &str) -> Result<Account, UserError> {
    match network.account(who, chain) {
        Err(UserError::UnknownAccount { .. }) if !who.contains(':') => {
            chain.parse_account(who).map_err(|_| UserError::UnknownAccount { name: who.into(), chain: chain.name() })
        }
        resolved => resolved,
    }
}
