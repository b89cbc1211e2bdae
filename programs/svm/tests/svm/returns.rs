//! Transfers that can come back, and those that did.

use infrastrukt_svm_tests::{
    DAY, HERE, OTHER_REMOTE, Purse, REFUNDED, REMOTE, Refusal, SOL, TOKEN_LEGACY, TokenRef, World, associated,
    calls::{self, Bend, BridgeArgs, RouteArgs},
    events, evm_account, pda,
    wire::{Kind, Message, TokenTransfer, Word, leaf},
};
use solana_signer::Signer;

use crate::bridging::{UNIT, args, arriving, coming_home, minting, sol_out};

#[test]
fn what_cannot_come_back_does_not_leave() {
    let (mut world, _) = sol_out(1_000_000);
    let now = world.chain.now();
    let honest = args(&world, 1_000);
    let own = [pda::bridge(), pda::escrow(), pda::fees(), pda::config(), pda::PROGRAM].map(|key| key.to_bytes());
    let mut bent = vec![
        (BridgeArgs { amount: 0, ..honest }, Refusal::ZeroAmount),
        (BridgeArgs { amount: 1_001, ..honest }, Refusal::Dust),
        (BridgeArgs { amount: 1_000_000_010, ..honest }, Refusal::AboveOutflowLimit),
        (BridgeArgs { amount: u64::MAX, ..honest }, Refusal::AboveOutflowLimit),
        (BridgeArgs { deadline: 0, ..honest }, Refusal::InvalidDeadline),
        (BridgeArgs { deadline: now + 30 * DAY + 1, ..honest }, Refusal::InvalidDeadline),
        (BridgeArgs { deadline: u64::MAX, ..honest }, Refusal::InvalidDeadline),
        (BridgeArgs { deadline: now, ..honest }, Refusal::DeadlinePassed),
        (BridgeArgs { refund_to: [0; 32], ..honest }, Refusal::InvalidRefund),
        (BridgeArgs { recipient: [0; 32], ..honest }, Refusal::InvalidRecipient),
        (BridgeArgs { recipient: [1; 32], ..honest }, Refusal::InvalidRecipient),
        (BridgeArgs { recipient: evm_account("bridge"), ..honest }, Refusal::InvalidRecipient),
        (BridgeArgs { max_fee: 0, ..honest }, Refusal::FeeTooHigh),
    ];
    bent.extend(own.map(|refund_to| (BridgeArgs { refund_to, ..honest }, Refusal::InvalidRefund)));
    for (args, why) in bent {
        let call = calls::bridge(world.alice.pubkey(), REMOTE, &args);
        world.chain.refused(call, &[&world.alice], why);
    }
    let without_route = calls::bridge(world.alice.pubkey(), OTHER_REMOTE, &honest);
    world.chain.refused_account(without_route, &[&world.alice], &[Refusal::UnknownRoute]);
}

/// The transfer that [`sol_out`] sent, as its message.
fn sent(world: &World, route: &RouteArgs, amount: u64, args: &BridgeArgs) -> Message {
    let transfer = TokenTransfer {
        token: route.remote_token,
        amount: amount / UNIT,
        recipient: args.recipient,
        refund_to: args.refund_to,
        cumulative: u128::from(amount / UNIT),
    };
    Message {
        sender: pda::bridge().to_bytes(),
        timestamp: world.chain.now(),
        gas_limit: route.receive_gas,
        deadline: args.deadline,
        payload: transfer.payload(),
        ..Message::plain(HERE, REMOTE, 1, evm_account("bridge"))
    }
}

#[test]
fn an_expired_transfer_is_given_back_once() {
    let (mut world, route) = sol_out(1_000_000);
    let message = sent(&world, &route, 1_000_000, &args(&world, 1_000_000));
    let open = calls::open_page(world.payer(), REFUNDED, REMOTE, 0);
    world.chain.done(&[open], &[]);
    let id = message.id(&world.outward(REMOTE));
    let proven = world.proven(Kind::General, &[leaf::expired(&id)]);
    let alice = world.alice.pubkey();
    let back = |payer, to: &Word| {
        calls::refund_transfer(payer, &proven.checkpoint, &message, (&SOL, to, None), &proven.proof(0))
    };
    let stolen = back(world.payer(), &world.mallory.pubkey().to_bytes());
    world.chain.refused_account(stolen, &[], &[Refusal::WrongAddress]);
    let honest = back(world.payer(), &alice.to_bytes());
    let done = world.chain.done(&[honest.clone()], &[]);
    assert_eq!((events(&done, "Refunded").len(), events(&done, "Returned").len()), (1, 1));
    world.chain.refused(honest, &[], Refusal::AlreadyRefunded);
    assert_eq!(world.chain.owed(Purse::Bridge, &alice.to_bytes(), &SOL), 1_000_000);
    let before = world.chain.lamports(&alice);
    let withdraw = calls::withdraw_credit(Purse::Bridge, alice, world.payer());
    world.chain.done(&[withdraw], &[]);
    assert_eq!(world.chain.lamports(&alice), before + 1_000_000);
    // What was given back is locked no more: nothing of it can come home.
    let bob = world.bob.pubkey();
    let forged = world.transfer(1, SOL, bob.to_bytes(), 1, u128::MAX);
    let deliver = coming_home(&mut world, &forged, bob);
    world.chain.refused(deliver, &[], Refusal::MintExceedsLocked);
}

/// A message that only looks like a transfer of the bridge gives nothing back.
#[test]
fn only_the_bridge_s_own_transfers_are_given_back() {
    let (mut world, route) = sol_out(1_000_000);
    let open = calls::open_page(world.payer(), REFUNDED, REMOTE, 0);
    world.chain.done(&[open], &[]);
    let honest = sent(&world, &route, 1_000_000, &args(&world, 1_000_000));
    let alice = world.alice.pubkey().to_bytes();
    let by_alice = Message { sender: alice, ..honest.clone() };
    let id = by_alice.id(&world.outward(REMOTE));
    let proven = world.proven(Kind::General, &[leaf::expired(&id)]);
    let call =
        calls::refund_transfer(world.payer(), &proven.checkpoint, &by_alice, (&SOL, &alice, None), &proven.proof(0));
    world.chain.refused(call, &[], Refusal::RootMismatch);
    // Nor does what the bridge said to anybody but its peer.
    let to_another = Message { recipient: evm_account("carol"), ..honest };
    let id = to_another.id(&world.outward(REMOTE));
    let proven = world.proven(Kind::General, &[leaf::expired(&id)]);
    let terms = (&SOL, &alice, None);
    let call = calls::refund_transfer(world.payer(), &proven.checkpoint, &to_another, terms, &proven.proof(0));
    world.chain.refused(call, &[], Refusal::RootMismatch);
}

/// A transfer by which 200 of 500 minted units went home, and the page for its way back.
pub(crate) fn burned() -> (World, TokenRef, Message) {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let (bob, mint) = (world.bob.pubkey(), token.mint.to_bytes());
    let message = world.transfer(1, mint, bob.to_bytes(), 500, 500);
    let deliver = arriving(&mut world, &message, token);
    world.chain.done(&[deliver], &[]);
    let args = BridgeArgs { refund_to: bob.to_bytes(), ..args(&world, 200) };
    world.chain.done(&[calls::bridge_token(bob, REMOTE, token, &args)], &[&world.bob]);
    let open = calls::open_page(world.payer(), REFUNDED, REMOTE, 0);
    world.chain.done(&[open], &[]);
    let transfer = TokenTransfer {
        token: evm_account(&format!("counterpart of {mint:?}")),
        amount: 200,
        recipient: args.recipient,
        refund_to: args.refund_to,
        cumulative: 200,
    };
    let gone = Message {
        sender: pda::bridge().to_bytes(),
        timestamp: world.chain.now(),
        gas_limit: 200_000,
        deadline: args.deadline,
        payload: transfer.payload(),
        ..Message::plain(HERE, REMOTE, 1, evm_account("bridge"))
    };
    (world, token, gone)
}

/// What was burned is minted again into the vault that the credit is paid from.
#[test]
fn an_expired_transfer_of_a_minted_token_is_minted_back() {
    let (mut world, token, gone) = burned();
    let (bob, mint) = (world.bob.pubkey(), token.mint.to_bytes());
    let proven = world.proven(Kind::General, &[leaf::expired(&gone.id(&world.outward(REMOTE)))]);
    let (payer, proof) = (world.payer(), proven.proof(0));
    let back =
        |minted| calls::refund_transfer(payer, &proven.checkpoint, &gone, (&mint, &bob.to_bytes(), minted), &proof);
    world.chain.refused_account(back(None), &[], &[Refusal::WrongToken]);
    let vault = associated(&pda::bridge(), token);
    let elsewhere = back(Some(token)).substitute(vault, associated(&bob, token));
    world.chain.refused_account(elsewhere, &[], &[Refusal::WrongToken]);
    world.chain.done(&[back(Some(token))], &[]);
    assert_eq!((world.chain.tokens(&vault), world.chain.supply(token)), (200, 500));
    let withdraw = calls::withdraw_credit_token(Purse::Bridge, bob, token, payer);
    world.chain.done(&[withdraw], &[]);
    assert_eq!(world.chain.tokens(&associated(&bob, token)), 500);
}
