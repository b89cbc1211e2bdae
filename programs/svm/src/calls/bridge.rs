//! Token routes.

use solana_address::Address;
use solana_instruction::Instruction;

use super::Accounts;
use crate::{
    data::Data,
    pda::{self, CONSUMED, PROGRAM, Purse, REFUNDED, SOL},
    tokens::{TokenRef, associated},
    wire::{Checkpoint, Message, Multiproof, Word},
};

/// What somebody who bridges asks for.
#[derive(Clone, Copy, Debug)]
pub struct BridgeArgs {
    /// Who is paid on the other side.
    pub recipient: Word,
    /// Smallest units here.
    pub amount: u64,
    /// Last second at which it may be delivered.
    pub deadline: u64,
    /// Who is paid back here where it is not.
    pub refund_to: Word,
    /// Most lamports that the message may cost.
    pub max_fee: u64,
}

impl BridgeArgs {
    fn data(&self, name: &str) -> Data {
        Data::call(name).raw(&self.recipient).u64(self.amount).u64(self.deadline).raw(&self.refund_to).u64(self.max_fee)
    }
}

fn outward(sender: Address, target: u64, token: &Word) -> Accounts {
    Accounts::default()
        .payer(sender)
        .read(pda::config())
        .write(pda::target(target))
        .read(pda::asset(token))
        .write(pda::route(target, token))
}

/// Sends SOL to another chain.
pub fn bridge(sender: Address, target: u64, args: &BridgeArgs) -> Instruction {
    outward(sender, target, &SOL).write(pda::bridge()).write(pda::fees()).system().events().call(args.data("bridge"))
}

/// Sends a token to another chain.
pub fn bridge_token(sender: Address, target: u64, token: TokenRef, args: &BridgeArgs) -> Instruction {
    outward(sender, target, &token.mint.to_bytes())
        .read(pda::bridge())
        .write(pda::fees())
        .write(token.mint)
        .write(associated(&sender, token))
        .write(associated(&pda::bridge(), token))
        .read(token.program)
        .system()
        .events()
        .call(args.data("bridge_token"))
}

fn inward(checkpoint: &Checkpoint, message: &Message, token: &Word) -> Accounts {
    Accounts::default()
        .read(pda::config())
        .read(pda::epoch(checkpoint.epoch))
        .read(pda::target(message.source))
        .read(pda::checkpoint(&checkpoint.digest()))
        .write(pda::page(CONSUMED, message.source, message.nonce))
        .write(pda::asset(token))
        .write(pda::route(message.source, token))
}

/// Pays SOL that comes back.
pub fn deliver_transfer(
    checkpoint: &Checkpoint,
    message: &Message,
    recipient: Address,
    proof: &Multiproof,
) -> Instruction {
    inward(checkpoint, message, &SOL)
        .write(pda::bridge())
        .write(recipient)
        .events()
        .call(Data::call("deliver_transfer").passage(message.source, message).proof(proof))
}

/// Pays or mints a token to its recipient's associated account.
pub fn deliver_transfer_token(
    checkpoint: &Checkpoint,
    message: &Message,
    (recipient, token): (Address, TokenRef),
    proof: &Multiproof,
) -> Instruction {
    inward(checkpoint, message, &token.mint.to_bytes())
        .read(pda::bridge())
        .write(token.mint)
        .write(associated(&pda::bridge(), token))
        .write(associated(&recipient, token))
        .read(token.program)
        .events()
        .call(Data::call("deliver_transfer_token").passage(message.source, message).proof(proof))
}

/// Credits a transfer back that expired; `minted` names the token of a route that mints.
pub fn refund_transfer(
    payer: Address,
    checkpoint: &Checkpoint,
    message: &Message,
    (token, refund_to, minted): (&Word, &Word, Option<TokenRef>),
    proof: &Multiproof,
) -> Instruction {
    let accounts = Accounts::default()
        .payer(payer)
        .read(pda::config())
        .read(pda::epoch(checkpoint.epoch))
        .read(pda::target(message.target))
        .read(pda::checkpoint(&checkpoint.digest()))
        .write(pda::page(REFUNDED, message.target, message.nonce))
        .write(pda::asset(token))
        .write(pda::route(message.target, token))
        .read(pda::bridge())
        .write(pda::credit(Purse::Bridge, refund_to, token));
    let accounts = match minted {
        Some(token) => accounts.write(token.mint).write(associated(&pda::bridge(), token)).read(token.program),
        None => accounts.read(PROGRAM).read(PROGRAM).read(PROGRAM),
    };
    let data = Data::call("refund_transfer").passage(message.target, message).proof(proof);
    accounts.system().events().call(data)
}

/// Says who the bridge of another chain is, once.
pub fn register_peer(owner: Address, chain: u64, peer: &Word) -> Instruction {
    Accounts::default()
        .signer(owner)
        .read(pda::config())
        .write(pda::target(chain))
        .events()
        .call(Data::call("register_peer").raw(peer))
}

/// A token's way to a chain.
#[derive(Clone, Copy, Debug)]
pub struct RouteArgs {
    /// The other chain.
    pub chain: u64,
    /// The token there.
    pub remote_token: Word,
    /// 1 locks here, 2 mints here.
    pub kind: u8,
    /// Decimals there.
    pub remote_decimals: u8,
    /// Gas that a transfer needs there.
    pub receive_gas: u64,
}

/// Registers a token's way to a chain, once.
pub fn register_route(owner: Address, payer: Address, token: &Word, args: &RouteArgs) -> Instruction {
    let data = Data::call("register_route")
        .u64(args.chain)
        .raw(&args.remote_token)
        .u8(args.kind)
        .u8(args.remote_decimals)
        .u64(args.receive_gas);
    Accounts::default()
        .signer(owner)
        .payer(payer)
        .read(pda::config())
        .write(pda::asset(token))
        .read(Address::new_from_array(*token))
        .write(pda::route(args.chain, token))
        .write(pda::pair(args.chain, &args.remote_token))
        .system()
        .events()
        .call(data)
}

/// Bounds what may leave a token's routes in a time.
pub fn set_outflow_limit(owner: Address, token: &Word, capacity: u64, window: u64) -> Instruction {
    Accounts::default()
        .signer(owner)
        .read(pda::config())
        .write(pda::asset(token))
        .events()
        .call(Data::call("set_outflow_limit").u64(capacity).u64(window))
}

/// Gas that a transfer is sent with.
pub fn set_receive_gas(owner: Address, chain: u64, token: &Word, receive_gas: u64) -> Instruction {
    Accounts::default()
        .signer(owner)
        .read(pda::config())
        .write(pda::route(chain, token))
        .events()
        .call(Data::call("set_receive_gas").u64(receive_gas))
}
