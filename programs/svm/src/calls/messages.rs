//! Messages out and in.

use solana_address::Address;
use solana_instruction::Instruction;

use super::Accounts;
use crate::{
    data::Data,
    pda::{self, CONSUMED, REFUNDED},
    wire::{Checkpoint, Message, Multiproof, Route, Word},
};

/// What a sender asks for.
#[derive(Clone, Debug)]
pub struct SendArgs {
    /// Who it is for.
    pub recipient: Word,
    /// Most gas that its recipient may use.
    pub gas_limit: u64,
    /// Last second at which it may be delivered.
    pub deadline: u64,
    /// Most lamports that it may cost.
    pub max_fee: u64,
    /// What it says.
    pub payload: Vec<u8>,
}

/// Sends a message.
pub fn send(sender: Address, payer: Address, target: u64, args: &SendArgs) -> Instruction {
    let data = Data::call("send")
        .raw(&args.recipient)
        .u64(args.gas_limit)
        .u64(args.deadline)
        .u64(args.max_fee)
        .bytes(&args.payload);
    Accounts::default()
        .signer(sender)
        .payer(payer)
        .read(pda::config())
        .write(pda::target(target))
        .write(pda::fees())
        .system()
        .events()
        .call(data)
}

/// Makes room for the replay bits around a nonce.
pub fn open_page(payer: Address, kind: u8, chain: u64, index: u64) -> Instruction {
    Accounts::default()
        .payer(payer)
        .write(pda::page(kind, chain, index.saturating_mul(pda::PAGE_NONCES)))
        .system()
        .call(Data::call("open_page").u8(kind).u64(chain).u64(index))
}

/// What a proven call stands on: payer first where there is one.
fn proven(payer: Option<Address>, checkpoint: &Checkpoint, chain: u64, page: Address) -> Accounts {
    let accounts = payer.map_or_else(Accounts::default, |payer| Accounts::default().payer(payer));
    accounts
        .read(pda::config())
        .read(pda::epoch(checkpoint.epoch))
        .read(pda::target(chain))
        .read(pda::checkpoint(&checkpoint.digest()))
        .write(page)
}

/// Writes a message into its inbox.
pub fn deliver(
    payer: Address,
    checkpoint: &Checkpoint,
    (message, route): (&Message, &Route),
    proof: &Multiproof,
) -> Instruction {
    proven(Some(payer), checkpoint, message.source, pda::page(CONSUMED, message.source, message.nonce))
        .write(pda::inbox(&message.id(route)))
        .system()
        .events()
        .call(Data::call("deliver").inbound(message).proof(proof))
}

/// Writes several messages of one source and page.
pub fn deliver_batch(
    payer: Address,
    checkpoint: &Checkpoint,
    (messages, route): (&[Message], &Route),
    proof: &Multiproof,
) -> Instruction {
    let first = messages.first().expect("a batch names its source by its first message");
    let count = u32::try_from(messages.len()).expect("few");
    let data = messages.iter().fold(Data::call("deliver_batch").u32(count), Data::inbound).multiproof(proof);
    let accounts =
        proven(Some(payer), checkpoint, first.source, pda::page(CONSUMED, first.source, first.nonce)).system().events();
    let inboxes = messages.iter().map(|message| pda::inbox(&message.id(route)));
    inboxes.fold(accounts, Accounts::write).call(data)
}

/// Gives a message up whose deadline has passed.
pub fn expire(checkpoint: &Checkpoint, message: &Message, proof: &Multiproof) -> Instruction {
    proven(None, checkpoint, message.source, pda::page(CONSUMED, message.source, message.nonce))
        .events()
        .call(Data::call("expire").inbound(message).proof(proof))
}

/// Tells a sender that its message expired.
pub fn refund(
    payer: Address,
    checkpoint: &Checkpoint,
    (message, route): (&Message, &Route),
    proof: &Multiproof,
) -> Instruction {
    proven(Some(payer), checkpoint, message.target, pda::page(REFUNDED, message.target, message.nonce))
        .write(pda::notice(&message.id(route)))
        .system()
        .events()
        .call(Data::call("refund").outbound(message).proof(proof))
}

/// Takes note of a message and closes its inbox.
pub fn consume(recipient: Address, inbox: Address, payer: Address) -> Instruction {
    Accounts::default().signer(recipient).write(inbox).write(payer).call(Data::call("consume"))
}

/// Takes note of an expiry and closes its notice.
pub fn consume_notice(sender: Address, notice: Address, payer: Address) -> Instruction {
    Accounts::default().signer(sender).write(notice).write(payer).call(Data::call("consume_notice"))
}
