//! The hub's contracts on Solana, as one program: it sends and receives messages, holds legs of deals, judges
//! certificates and moves tokens. `programs/README.md` states its interface; this file only routes.

// Addresses of accounts that exist once are computed by the compiler, which takes its time over elliptic curves.
#![allow(long_running_const_eval)]

use anchor_lang::prelude::*;
#[cfg(target_arch = "bpf")]
use {infrastrukt_sbf_runtime as _, solana_compiler_builtins as _};

pub mod addresses;
mod certified;
mod clock;
mod credits;
#[cfg(all(feature = "own-entrypoint", not(feature = "cpi")))]
mod entry;
mod epochs;
pub mod errors;
pub mod events;
mod inbound;
pub mod instructions;
mod legs;
mod outbound;
pub mod state;
mod store;
mod token;
mod transfers;
pub mod wire;

pub use instructions::*;
pub use transfers::BridgeArgs;
use wire::{Header, Inbound, Multiproof, Outbound, Passage, Proof, Terms};

// For development networks. A deployment puts its own address here, and nothing else changes.
declare_id!("4Kpiu7PNcHtFEpgAu5tkqsPB7whtMAsDbN9m1jUPR3tQ");

#[program]
pub mod infrastrukt_gateway {
    use super::*;

    /// Sets the program up, once.
    pub fn initialize(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
        Initialize::run(ctx, args)
    }

    /// Counts signatures on a checkpoint until it is verified.
    pub fn verify_checkpoint(ctx: Context<VerifyCheckpoint>, header: Header, signatures: Vec<u8>) -> Result<()> {
        VerifyCheckpoint::run(ctx, header, signatures)
    }

    /// Closes an old checkpoint for the one who paid for it.
    pub fn close_checkpoint(ctx: Context<CloseCheckpoint>) -> Result<()> {
        CloseCheckpoint::run(ctx)
    }

    /// Stores the members of an epoch's set.
    pub fn publish_set(ctx: Context<PublishSet>, epoch: u64, set: Vec<u8>) -> Result<()> {
        PublishSet::run(ctx, epoch, set)
    }

    /// Takes the next epoch's set.
    pub fn rotate(
        ctx: Context<Rotate>,
        epoch: u64,
        expires_at: u64,
        valset_hash: [u8; 32],
        proof: Proof,
    ) -> Result<()> {
        Rotate::run(ctx, epoch, expires_at, valset_hash, proof)
    }

    /// Names a set on a chain that slept through its epoch.
    pub fn recover(ctx: Context<Recover>, epoch: u64, expires_at: u64, valset_hash: [u8; 32]) -> Result<()> {
        Recover::run(ctx, epoch, expires_at, valset_hash)
    }

    /// Sends a message.
    pub fn send(
        ctx: Context<SendMessage>,
        recipient: [u8; 32],
        gas_limit: u64,
        deadline: u64,
        max_fee: u64,
        payload: Vec<u8>,
    ) -> Result<()> {
        SendMessage::run(ctx, recipient, gas_limit, deadline, max_fee, payload)
    }

    /// Opens a page of replay bits.
    pub fn open_page(ctx: Context<OpenPage>, kind: u8, chain: u64, index: u64) -> Result<()> {
        OpenPage::run(ctx, kind, chain, index)
    }

    /// Delivers one message.
    pub fn deliver(ctx: Context<Deliver>, message: Inbound, proof: Proof) -> Result<()> {
        Deliver::run(ctx, message, proof)
    }

    /// Delivers several messages.
    pub fn deliver_batch<'info>(
        ctx: Context<'info, DeliverBatch<'info>>,
        messages: Vec<Inbound>,
        proof: Multiproof,
    ) -> Result<()> {
        DeliverBatch::run(ctx, messages, proof)
    }

    /// Marks a message whose deadline has passed.
    pub fn expire(ctx: Context<Expire>, message: Inbound, proof: Proof) -> Result<()> {
        Expire::run(ctx, message, proof)
    }

    /// Writes a sender the notice that its message expired.
    pub fn refund(ctx: Context<Refund>, message: Outbound, proof: Proof) -> Result<()> {
        Refund::run(ctx, message, proof)
    }

    /// Closes an inbox that its recipient has read.
    pub fn consume(ctx: Context<Consume>) -> Result<()> {
        Consume::run(ctx)
    }

    /// Closes a notice that its sender has read.
    pub fn consume_notice(ctx: Context<ConsumeNotice>) -> Result<()> {
        ConsumeNotice::run(ctx)
    }

    /// Locks a leg in SOL.
    pub fn lock(ctx: Context<LockSol>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        LockSol::run(ctx, deal_id, terms)
    }

    /// Locks a leg in tokens.
    pub fn lock_token(ctx: Context<LockToken>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        LockToken::run(ctx, deal_id, terms)
    }

    /// Gives up a lock before it is opened.
    pub fn cancel_lock(ctx: Context<CancelLock>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        CancelLock::run(ctx, deal_id, terms)
    }

    /// Releases or refunds a leg by a certified decision.
    pub fn settle(ctx: Context<Settle>, deal_id: [u8; 32], commit: bool, terms: Terms, proof: Proof) -> Result<()> {
        Settle::run(ctx, deal_id, commit, terms, proof)
    }

    /// Starts the window of an escape.
    pub fn request_escape(ctx: Context<RequestEscape>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        RequestEscape::run(ctx, deal_id, terms)
    }

    /// Refunds a leg once the window of its escape is over.
    pub fn execute_escape(ctx: Context<ExecuteEscape>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        ExecuteEscape::run(ctx, deal_id, terms)
    }

    /// Pays a credit of SOL.
    pub fn withdraw_credit(ctx: Context<WithdrawCredit>) -> Result<()> {
        WithdrawCredit::run(ctx)
    }

    /// Pays a credit of tokens.
    pub fn withdraw_credit_token(ctx: Context<WithdrawCreditToken>) -> Result<()> {
        WithdrawCreditToken::run(ctx)
    }

    /// Takes a harmless mint in.
    pub fn open_asset(ctx: Context<OpenAsset>) -> Result<()> {
        OpenAsset::run(ctx)
    }

    /// Sends SOL to another chain.
    pub fn bridge(ctx: Context<BridgeSol>, args: BridgeArgs) -> Result<()> {
        BridgeSol::run(ctx, args)
    }

    /// Sends tokens to another chain.
    pub fn bridge_token(ctx: Context<BridgeToken>, args: BridgeArgs) -> Result<()> {
        BridgeToken::run(ctx, args)
    }

    /// Delivers a transfer of SOL.
    pub fn deliver_transfer(ctx: Context<DeliverTransfer>, passage: Passage, proof: Proof) -> Result<()> {
        DeliverTransfer::run(ctx, passage, proof)
    }

    /// Delivers a transfer of tokens.
    pub fn deliver_transfer_token(ctx: Context<DeliverTransferToken>, passage: Passage, proof: Proof) -> Result<()> {
        DeliverTransferToken::run(ctx, passage, proof)
    }

    /// Gives back a transfer that expired.
    pub fn refund_transfer(ctx: Context<RefundTransfer>, passage: Passage, proof: Proof) -> Result<()> {
        RefundTransfer::run(ctx, passage, proof)
    }

    /// Names the bridge of another chain.
    pub fn register_peer(ctx: Context<RegisterPeer>, peer: [u8; 32]) -> Result<()> {
        RegisterPeer::run(ctx, peer)
    }

    /// Pairs a local token with a remote one.
    pub fn register_route(ctx: Context<RegisterRoute>, args: RouteArgs) -> Result<()> {
        RegisterRoute::run(ctx, args)
    }

    /// Sets the gas of transfers.
    pub fn set_receive_gas(ctx: Context<SetReceiveGas>, receive_gas: u64) -> Result<()> {
        SetReceiveGas::run(ctx, receive_gas)
    }

    /// Limits how much of a token may flow out.
    pub fn set_outflow_limit(ctx: Context<SetOutflowLimit>, capacity: u64, window: u64) -> Result<()> {
        SetOutflowLimit::run(ctx, capacity, window)
    }

    /// Opens a chain, or changes its caps.
    pub fn set_target(ctx: Context<SetTarget>, args: TargetArgs) -> Result<()> {
        SetTarget::run(ctx, args)
    }

    /// Sets the price of messages to a chain.
    pub fn set_fee(ctx: Context<SetFee>, base_fee: u64, fee_per_gas_micro: u64, valid_until: u64) -> Result<()> {
        SetFee::run(ctx, base_fee, fee_per_gas_micro, valid_until)
    }

    /// Stops or allows new messages to a chain.
    pub fn pause_target(ctx: Context<PauseTarget>, paused: bool) -> Result<()> {
        PauseTarget::run(ctx, paused)
    }

    /// Says which functions are stopped.
    pub fn pause(ctx: Context<Pause>, functions: u8) -> Result<()> {
        Pause::run(ctx, functions)
    }

    /// Passes the guardian's role on.
    pub fn set_guardian(ctx: Context<SetGuardian>, guardian: Pubkey) -> Result<()> {
        SetGuardian::run(ctx, guardian)
    }

    /// Pays fees out.
    pub fn withdraw_fees(ctx: Context<WithdrawFees>, amount: u64) -> Result<()> {
        WithdrawFees::run(ctx, amount)
    }
}
