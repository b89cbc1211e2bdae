//! What transfers of SOL and of tokens have in common: everything but the moving of the money.

use anchor_lang::prelude::*;
use infrastrukt_core::{
    leaf,
    transfer::{Transfer, PAYLOAD_BYTES},
};

use crate::{
    addresses::{is_nobody, BRIDGE},
    certified,
    errors::{ensure, GatewayError},
    events::{self, Bridged, Delivered, Received, Refunded, Returned, Sent},
    outbound::{self, Draft},
    state::{
        claim, Asset, Checkpoint, Config, Epoch, Page, Route, Target, KIND_CONSUMED, KIND_REFUNDED, PAUSED_BRIDGE,
    },
    wire::{Passage, Proof},
};

/// Most seconds that a deadline may lie ahead: how long somebody's money may wait for a delivery that never comes.
const MAX_DEADLINE_SECONDS: u64 = 30 * 24 * 60 * 60;

/// What a sender asks for.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct BridgeArgs {
    pub recipient: [u8; 32],
    pub amount: u64,
    pub deadline: u64,
    pub refund_to: Pubkey,
    pub max_fee: u64,
}

/// Checks a transfer out, counts it and gives its message a nonce. Returns the fee, which the caller takes with the money
/// once it has recorded the events.
pub fn depart(
    config: &Config,
    target: &mut Target,
    asset: &Asset,
    route: &mut Route,
    args: &BridgeArgs,
    now: u64,
) -> Result<(Sent, u64)> {
    config.require_open(PAUSED_BRIDGE)?;
    require_route(route, target, asset)?;
    let peer = target.peer()?;
    ensure!(target.has_account(&args.recipient) && args.recipient != peer, GatewayError::InvalidRecipient);
    require_way_back(asset, args, now)?;
    let mut books = route.books()?;
    let amount = books.to_wire(args.amount).map_err(GatewayError::from)?;
    let cumulative = books.send(amount).map_err(GatewayError::from)?;
    route.keep(&books);
    let fee = outbound::fee(target, route.receive_gas, PAYLOAD_BYTES, args.max_fee, now)?;
    let refund_to = args.refund_to.to_bytes();
    let transfer = Transfer { token: route.remote_token, amount, recipient: args.recipient, refund_to, cumulative };
    let draft = Draft {
        sender: BRIDGE.to_bytes(),
        recipient: peer,
        gas_limit: route.receive_gas,
        deadline: args.deadline,
        payload: transfer.encode().to_vec(),
    };
    Ok((outbound::send(config, target, draft, now)?, fee))
}

/// Records that tokens left.
pub fn record_departure(
    authority: &AccountInfo<'_>,
    sent: &Sent,
    asset: &Asset,
    from: &Pubkey,
    args: &BridgeArgs,
) -> Result<()> {
    events::emit(authority, sent)?;
    let bridged = Bridged {
        id: sent.id,
        token: asset.mint,
        target: sent.target,
        from: *from,
        recipient: args.recipient,
        amount: args.amount,
    };
    events::emit(authority, &bridged)
}

/// What an instruction that ends a transfer reads, in or back.
pub struct Ledger<'a, 'info> {
    /// The configuration.
    pub config: &'a Config,
    /// The epoch of the checkpoint.
    pub epoch: &'a Epoch,
    /// The other chain.
    pub target: &'a Target,
    /// What is certified.
    pub checkpoint: &'a Checkpoint,
    /// The message's replay bit.
    pub page: &'a Account<'info, Page>,
    /// The token.
    pub asset: &'a mut Asset,
    /// Its route to that chain.
    pub route: &'a mut Route,
}

/// Checks a transfer in and counts it, records it, and returns whom to pay how much. Paying fails where the recipient
/// cannot be paid, and all of it with it: the message then stays deliverable, and after its deadline the money goes back.
/// A credit would end both and leave the money with an account that perhaps can never take it. That the peer sent it to
/// this bridge needs no check: no other message is what the proof is for.
pub fn arrive(
    ledger: Ledger<'_, '_>,
    authority: &AccountInfo<'_>,
    passage: &Passage,
    proof: &Proof,
    now: u64,
) -> Result<(Pubkey, u64)> {
    certified::require_general(ledger.epoch, ledger.checkpoint, now)?;
    let message = passage.inbound(ledger.target)?;
    let id = message.id(ledger.config, ledger.target)?;
    proof.check(&ledger.checkpoint.outbox_root, leaf::message(&id))?;
    ensure!(!message.is_expired(now), GatewayError::DeadlinePassed);
    ledger.page.require_holds(KIND_CONSUMED, message.source, message.nonce)?;
    ensure!(claim(ledger.page, message.nonce)?, GatewayError::AlreadyDelivered);
    let (recipient, amount) = take_in(ledger.asset, ledger.route, ledger.target, &message.payload)?;
    ledger.asset.consume_arrivals(now, amount)?;
    events::emit(authority, &Delivered { id, source: message.source, nonce: message.nonce })?;
    let token = ledger.asset.mint;
    events::emit(authority, &Received { id, token, source: message.source, recipient, amount })?;
    Ok((recipient, amount))
}

/// Checks that a transfer of this chain expired undelivered, counts it back, records it, and returns whom to credit how
/// much. A full bucket of returns only delays.
pub fn come_back(
    ledger: Ledger<'_, '_>,
    authority: &AccountInfo<'_>,
    passage: &Passage,
    proof: &Proof,
    now: u64,
) -> Result<(Pubkey, u64)> {
    certified::require_general(ledger.epoch, ledger.checkpoint, now)?;
    let message = passage.outbound(ledger.target)?;
    let id = message.id(ledger.config, ledger.target)?;
    proof.check(&ledger.checkpoint.outbox_root, leaf::expired(&id))?;
    ledger.page.require_holds(KIND_REFUNDED, message.target, message.nonce)?;
    ensure!(claim(ledger.page, message.nonce)?, GatewayError::AlreadyRefunded);
    let (refund_to, amount) = take_back(ledger.asset, ledger.route, ledger.target, &message.payload)?;
    ledger.asset.consume_returns(now, amount)?;
    events::emit(authority, &Refunded { id, target: message.target, nonce: message.nonce })?;
    events::emit(authority, &Returned { id, token: ledger.asset.mint, refund_to, amount })?;
    Ok((refund_to, amount))
}

fn take_in(asset: &Asset, route: &mut Route, target: &Target, payload: &[u8]) -> Result<(Pubkey, u64)> {
    let transfer = Transfer::decode(payload).ok_or(GatewayError::MalformedPayload)?;
    require_route(route, target, asset)?;
    ensure!(&transfer.token == asset.mint.as_array(), GatewayError::UnknownRoute);
    let recipient = Pubkey::new_from_array(transfer.recipient);
    ensure!(!is_nobody(&recipient), GatewayError::InvalidRecipient);
    let mut books = route.books()?;
    books.receive(transfer.amount, transfer.cumulative).map_err(GatewayError::from)?;
    route.keep(&books);
    Ok((recipient, books.to_local(transfer.amount).map_err(GatewayError::from)?))
}

fn take_back(asset: &Asset, route: &mut Route, target: &Target, payload: &[u8]) -> Result<(Pubkey, u64)> {
    let transfer = Transfer::decode(payload).ok_or(GatewayError::MalformedPayload)?;
    require_route(route, target, asset)?;
    ensure!(route.remote_token == transfer.token, GatewayError::UnknownRoute);
    let mut books = route.books()?;
    books.give_back(transfer.amount).map_err(GatewayError::from)?;
    route.keep(&books);
    let amount = books.to_local(transfer.amount).map_err(GatewayError::from)?;
    Ok((Pubkey::new_from_array(transfer.refund_to), amount))
}

fn require_route(route: &Route, target: &Target, asset: &Asset) -> Result<()> {
    ensure!(route.chain == target.chain && route.token == asset.mint, GatewayError::UnknownRoute);
    Ok(())
}

/// Refuses unless a transfer that does not arrive comes to an end and can then be given back.
fn require_way_back(asset: &Asset, args: &BridgeArgs, now: u64) -> Result<()> {
    let latest = now.saturating_add(MAX_DEADLINE_SECONDS);
    ensure!(args.deadline != 0 && args.deadline <= latest, GatewayError::InvalidDeadline);
    ensure!(!is_nobody(&args.refund_to), GatewayError::InvalidRefund);
    ensure!(args.amount <= asset.capacity, GatewayError::AboveOutflowLimit);
    Ok(())
}
