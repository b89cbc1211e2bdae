//! Moving tokens over the token bridge.

use std::time::Duration;

use infrastrukt_ports::Action;

use super::{
    Asset, AssetSpec, Chain, Network, Sent, UserError, Wallet,
    send::{account_or_address, deadline, finish},
};

/// How long a transfer may take where nobody says otherwise. The bridge takes none that could wait for ever.
pub const BRIDGE_DEADLINE_DEFAULT: Duration = Duration::from_secs(24 * 3_600);

/// A transfer to be made.
#[derive(Clone, Debug)]
pub struct Transfer<'a> {
    /// Where from.
    pub source: &'a Chain,
    /// Where to.
    pub target: &'a Chain,
    /// `native`, a symbol or an address on the source.
    pub token: &'a str,
    /// Amount in whole coins.
    pub amount: &'a str,
    /// Who receives it; the sender's own account on the target where absent.
    pub recipient: Option<&'a str>,
    /// How long it may be delivered before it is refunded.
    pub deadline: Duration,
    /// Who is refunded on the source; the sender's own account there where absent.
    pub refund_to: Option<&'a str>,
}

/// Approves where needed, then sends the tokens. The same call after a crash goes on with the same transactions.
pub async fn bridge(network: &Network, wallet: &Wallet<'_>, transfer: &Transfer<'_>) -> Result<Sent, UserError> {
    let (source, target) = (transfer.source, transfer.target);
    let (chain, token, amount) = (source.file.name.clone(), transfer.token.into(), transfer.amount.into());
    let Asset { token, amount, .. } = network.asset(&AssetSpec { chain, token, amount }).await?;
    let recipient = account_or_address(network, target, transfer.recipient.unwrap_or(wallet.name()))?;
    let sender = wallet.account(source).await?;
    let refund_to = match transfer.refund_to {
        Some(who) => account_or_address(network, source, who)?,
        None => sender,
    };
    let lasts_s = transfer.deadline.as_secs();
    let label = format!("{token} {amount} {} {recipient} {lasts_s} {refund_to}", target.file.id);
    let transfer_label = format!("bridge {label}");
    if !wallet.is_under_way(source, &transfer_label)? {
        source.require_balance(sender, token, amount).await?;
    }
    if !token.is_zero() {
        let spender = source.file.contracts.token_bridge;
        let approve = Action::Approve { token, spender, amount };
        wallet.act(source, &format!("approve {label}"), &approve).await?;
    }
    let deadline = deadline(target, Some(transfer.deadline)).await?;
    let action = Action::Bridge { token, target: target.file.id, recipient, amount, deadline, refund_to };
    finish(network, wallet, source, &transfer_label, &action).await
}
