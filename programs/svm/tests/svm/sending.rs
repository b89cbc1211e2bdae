//! Messages out: numbered, paid for, and only what their target takes.

use infrastrukt_svm_tests::{
    BASE_FEE, FEE_PER_GAS, HERE, OTHER_REMOTE, REMOTE, Refusal, World,
    calls::{self, Bend, SendArgs},
    events, pda, target_args,
    wire::Message,
};
use solana_signer::Signer;

#[test]
fn sending_counts_and_reports_what_is_sent() {
    let mut world = World::new();
    let args = world.send_args();
    let alice = world.alice.pubkey();
    for nonce in 1..=3 {
        let before = world.chain.lamports(&pda::fees());
        let done = world.chain.done(&[calls::send(alice, world.payer(), REMOTE, &args)], &[&world.alice]);
        let message = Message {
            sender: alice.to_bytes(),
            timestamp: world.chain.now(),
            gas_limit: args.gas_limit,
            deadline: args.deadline,
            payload: args.payload.clone(),
            ..Message::plain(HERE, REMOTE, nonce, args.recipient)
        };
        let sent = events(&done, "Sent");
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0][..32], message.id(&world.outward(REMOTE)));
        assert_eq!(world.chain.last_nonce(REMOTE), nonce);
        let gas = args.gas_limit + 40 * args.payload.len() as u64;
        let fee = BASE_FEE + (gas * FEE_PER_GAS).div_ceil(1_000_000);
        assert_eq!(world.chain.lamports(&pda::fees()), before + fee);
        let cheap = SendArgs { max_fee: fee - 1, ..args.clone() };
        let cheap = calls::send(alice, world.payer(), REMOTE, &cheap);
        world.chain.refused(cheap, &[&world.alice], Refusal::FeeTooHigh);
    }
    assert_eq!(world.chain.last_nonce(OTHER_REMOTE), 0);
}

#[test]
fn what_no_chain_would_take_is_not_sent() {
    let mut world = World::new();
    let args = world.send_args();
    let now = world.chain.now();
    let bent = [
        (SendArgs { recipient: [0; 32], ..args.clone() }, Refusal::InvalidRecipient),
        (SendArgs { recipient: [1; 32], ..args.clone() }, Refusal::InvalidRecipient),
        (SendArgs { gas_limit: 1_000_001, ..args.clone() }, Refusal::GasLimitTooHigh),
        (SendArgs { gas_limit: u64::MAX, ..args.clone() }, Refusal::GasLimitTooHigh),
        (SendArgs { deadline: now, ..args.clone() }, Refusal::DeadlinePassed),
        (SendArgs { deadline: 1, ..args.clone() }, Refusal::DeadlinePassed),
        (SendArgs { max_fee: 0, ..args.clone() }, Refusal::FeeTooHigh),
    ];
    let alice = world.alice.pubkey();
    for (args, why) in bent {
        let call = calls::send(alice, world.payer(), REMOTE, &args);
        world.chain.refused(call, &[&world.alice], why);
    }
    let owner = world.owner.pubkey();
    let small = calls::TargetArgs { max_payload: 4, ..target_args(REMOTE) };
    let small = calls::set_target(owner, world.payer(), &small);
    world.chain.done(&[small], &[&world.owner]);
    let call = calls::send(alice, world.payer(), REMOTE, &args);
    world.chain.refused(call, &[&world.alice], Refusal::PayloadTooLarge);
    let unknown = calls::send(alice, world.payer(), 999, &args);
    world.chain.refused_account(unknown, &[&world.alice], &[Refusal::UnknownTarget]);
    let call = calls::send(alice, world.payer(), OTHER_REMOTE, &args);
    world.chain.set_time(now + 366 * 86_400);
    world.chain.refused(call, &[&world.alice], Refusal::QuoteExpired);
}

/// A refund brings the payload back in one transaction.
#[test]
fn what_could_not_be_given_back_is_not_sent() {
    let mut world = World::new();
    let (alice, now) = (world.alice.pubkey(), world.chain.now());
    for (bytes, deadline, is_sent) in
        [(256, now + 60, true), (257, now + 60, false), (600, now + 60, false), (600, 0, true)]
    {
        let args = SendArgs { deadline, payload: vec![3; bytes], ..world.send_args() };
        let call = calls::send(alice, world.payer(), REMOTE, &args);
        if is_sent {
            world.chain.done(&[call], &[&world.alice]);
        } else {
            world.chain.refused(call, &[&world.alice], Refusal::PayloadTooLarge);
        }
    }
}

/// Nobody sends in another's name.
#[test]
fn a_sender_signs() {
    let mut world = World::new();
    let alice = world.alice.pubkey();
    let call = calls::send(alice, world.payer(), REMOTE, &world.send_args()).unsigned(alice);
    world.chain.refused_account(call, &[], &[]);
}
