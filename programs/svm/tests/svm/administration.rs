//! What the owner, the guardian and nobody else may do, and what none of them can.

use infrastrukt_svm_tests::{
    BASE_FEE, Chain, DAY, FEE_PER_GAS, FUNDS, HERE, OTHER_REMOTE, Purse, REMOTE, Refusal, SOL, START, TOKEN_LEGACY,
    World,
    calls::{self, Bend, BridgeArgs, InitializeArgs, TargetArgs},
    evm_account, initialize_args, key_named, pda, target_args,
    wire::Kind,
};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

const SEND: u8 = 1;
const LOCK: u8 = 2;
const BRIDGE: u8 = 4;

#[test]
fn the_program_is_initialized_once() {
    let mut world = World::new();
    let authority = world.chain.upgrade_authority.insecure_clone();
    let args = InitializeArgs { owner: world.mallory.pubkey(), ..initialize_args(&world.hub.set) };
    for epoch in [1, 2] {
        let args = InitializeArgs { epoch, ..args.clone() };
        let again = calls::initialize(world.payer(), authority.pubkey(), Chain::program_data(), &args);
        world.chain.refused_account(again, &[&authority], &[Refusal::AlreadyExists]);
    }
    assert_eq!(world.chain.config().owner, world.owner.pubkey().to_bytes());
}

#[test]
fn only_the_upgrade_authority_initializes() {
    let mut world = World::bare(Chain::new(START));
    let args = initialize_args(&world.hub.set);
    let thief = calls::initialize(world.payer(), world.mallory.pubkey(), Chain::program_data(), &args);
    world.chain.refused(thief, &[&world.mallory], Refusal::Unauthorized);
    let authority = world.chain.upgrade_authority.pubkey();
    let unsigned = calls::initialize(world.payer(), authority, Chain::program_data(), &args).unsigned(authority);
    world.chain.refused_account(unsigned, &[], &[]);
    // A program data account of Mallory's own says that she may.
    let mut account = world.chain.account(&Chain::program_data()).expect("the loader made it");
    account.data[13..45].copy_from_slice(world.mallory.pubkey().as_ref());
    let forged = key_named("program data").pubkey();
    world.chain.put(forged, account);
    let thief = calls::initialize(world.payer(), world.mallory.pubkey(), forged, &args);
    world.chain.refused_account(thief, &[&world.mallory], &[Refusal::Unauthorized]);
}

#[test]
fn a_deployment_that_makes_no_sense_is_refused() {
    let mut world = World::bare(Chain::new(START));
    let good = initialize_args(&world.hub.set);
    let nobody = Address::default();
    let bent = [
        InitializeArgs { hub_id: [0; 32], ..good.clone() },
        InitializeArgs { chain: 0, ..good.clone() },
        InitializeArgs { chain: 1, ..good.clone() },
        InitializeArgs { owner: nobody, ..good.clone() },
        InitializeArgs { recovery_owner: nobody, ..good.clone() },
        InitializeArgs { guardian: nobody, ..good.clone() },
        InitializeArgs { grace: 0, ..good.clone() },
        InitializeArgs { min_validators: 0, ..good.clone() },
        InitializeArgs { min_validators: 33, ..good.clone() },
        InitializeArgs { min_escape_window: 0, ..good.clone() },
        InitializeArgs { min_escape_window: u64::MAX, ..good.clone() },
        InitializeArgs { max_lock_horizon: 0, ..good.clone() },
        InitializeArgs { max_lock_horizon: u64::MAX, ..good.clone() },
        InitializeArgs { epoch: 0, ..good.clone() },
    ];
    let authority = world.chain.upgrade_authority.insecure_clone();
    let payer = world.payer();
    let call = |args: &InitializeArgs| calls::initialize(payer, authority.pubkey(), Chain::program_data(), args);
    for args in bent {
        world.chain.refused(call(&args), &[&authority], Refusal::InvalidArgument);
    }
    let late = InitializeArgs { expires_at: START, ..good.clone() };
    world.chain.refused(call(&late), &[&authority], Refusal::InvalidExpiry);
    let without_set = InitializeArgs { valset_hash: [0; 32], ..good.clone() };
    world.chain.refused(call(&without_set), &[&authority], Refusal::WrongValidatorSet);
    world.chain.done(&[call(&good)], &[&authority]);
}

/// Lamports that somebody sent ahead to any of the accounts stop nothing.
#[test]
fn lamports_sent_ahead_stop_no_deployment() {
    let mut world = World::bare(Chain::new(START));
    for account in [pda::config(), pda::escrow(), pda::bridge(), pda::fees(), pda::epoch(1), pda::asset(&SOL)] {
        world.chain.fund(account, 1);
    }
    let world = World::on(world.chain);
    assert_eq!(world.chain.config().current_epoch, 1);
}

/// Calls that are the owner's alone.
fn owners(world: &World, by: &Keypair) -> Vec<Instruction> {
    let (by, payer) = (by.pubkey(), world.payer());
    let route = calls::RouteArgs {
        chain: REMOTE,
        remote_token: evm_account("there"),
        kind: 1,
        remote_decimals: 18,
        receive_gas: 1,
    };
    vec![
        calls::set_target(by, payer, &target_args(REMOTE)),
        calls::set_target(by, payer, &target_args(7)),
        calls::set_fee(by, REMOTE, 0, 0, START + 400 * DAY),
        calls::withdraw_fees(by, by, 1),
        calls::register_peer(by, REMOTE, &evm_account("bridge")),
        calls::register_route(by, payer, &SOL, &route),
        calls::set_outflow_limit(by, &SOL, 1, 1),
    ]
}

#[test]
fn only_the_owner_administers() {
    let mut world = World::new();
    let alice = world.alice.pubkey();
    let send = calls::send(alice, world.payer(), REMOTE, &world.send_args());
    world.chain.done(&[send], &[&world.alice]);
    for thief in [&world.mallory, &world.guardian, &world.recovery_owner] {
        for call in owners(&world, thief) {
            world.chain.refused(call, &[thief], Refusal::Unauthorized);
        }
    }
    let owner = world.owner.pubkey();
    for call in owners(&world, &world.owner) {
        world.chain.refused_account(call.clone().unsigned(owner), &[], &[]);
        world.chain.done(&[call], &[&world.owner]);
    }
}

#[test]
fn only_guardian_and_owner_pause_and_pass_the_guard_on() {
    let mut world = World::new();
    let next = key_named("next guardian");
    for thief in [&world.mallory, &world.recovery_owner] {
        let by = thief.pubkey();
        let calls = [calls::pause(by, 7), calls::pause_target(by, REMOTE, true), calls::set_guardian(by, by)];
        for call in calls {
            world.chain.refused(call, &[thief], Refusal::Unauthorized);
        }
    }
    let guardian = world.guardian.pubkey();
    let nobody = calls::set_guardian(guardian, Address::default());
    world.chain.refused(nobody, &[&world.guardian], Refusal::InvalidArgument);
    world.chain.done(&[calls::set_guardian(guardian, next.pubkey())], &[&world.guardian]);
    world.chain.refused(calls::pause(guardian, 7), &[&world.guardian], Refusal::Unauthorized);
    world.chain.done(&[calls::pause(next.pubkey(), 7)], &[&next]);
    let owner = world.owner.pubkey();
    world.chain.done(&[calls::pause(owner, 0), calls::set_guardian(owner, guardian)], &[&world.owner]);
    assert_eq!(world.chain.config().guardian, guardian.to_bytes());
}

#[test]
fn what_is_unknown_cannot_be_paused() {
    let mut world = World::new();
    for functions in [8, 16, 128, 255] {
        let call = calls::pause(world.guardian.pubkey(), functions);
        world.chain.refused(call, &[&world.guardian], Refusal::InvalidArgument);
    }
    assert_eq!(world.chain.config().paused, 0);
}

/// Each bit stops what it says, and nothing else.
#[test]
fn each_pause_stops_only_what_is_new() {
    let mut world = World::new();
    world.route(&SOL, 1, 18);
    world.limit(&SOL, 1_000_000_000);
    let alice = world.alice.pubkey();
    let bridge = BridgeArgs {
        recipient: evm_account("carol"),
        amount: 1_000,
        deadline: START + DAY,
        refund_to: alice.to_bytes(),
        max_fee: u64::MAX,
    };
    let leg = world.leg(SOL, 1_000_000);
    let calls = [
        (SEND, calls::send(alice, world.payer(), REMOTE, &world.send_args())),
        (LOCK, calls::lock(world.payer(), &[1; 32], &leg)),
        (BRIDGE, calls::bridge(alice, REMOTE, &bridge)),
    ];
    for functions in 0..8 {
        world.chain.done(&[calls::pause(world.guardian.pubkey(), functions)], &[&world.guardian]);
        for (bit, call) in &calls {
            let outcome = world.chain.simulate(&[call.clone()], &[&world.alice]);
            // A transfer is a message as well.
            let stopping = if *bit == BRIDGE { BRIDGE | SEND } else { *bit };
            assert_eq!(outcome.is_err(), functions & stopping != 0, "call {bit} under {functions}: {outcome:?}");
        }
    }
}

/// Pausing never holds anybody's money or message back.
#[test]
fn no_pause_stops_what_is_under_way() {
    let mut world = World::new();
    let token = world.token("token", TOKEN_LEGACY);
    let (deal, leg) = world.locked(1_000_000);
    let (token_deal, token_leg) = world.locked_token(token, 1_000);
    let (third_deal, third) = world.locked(3_000_000);
    let guardian = world.guardian.pubkey();
    let all = [calls::pause(guardian, 7), calls::pause_target(guardian, REMOTE, true)];
    world.chain.done(&all, &[&world.guardian]);
    for (deal, leg, commit) in [(deal, leg, true), (token_deal, token_leg, false)] {
        let decision = world.decided(&deal, commit);
        let settle = world.settle(&decision, commit, &deal, &leg);
        world.chain.done(&[settle], &[]);
    }
    let (alice, bob, payer) = (world.alice.pubkey(), world.bob.pubkey(), world.payer());
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf]);
    let under_way = [
        calls::withdraw_credit(Purse::Escrow, bob, payer),
        calls::withdraw_credit_token(Purse::Escrow, alice, token, payer),
        calls::cancel_lock(payer, &[9; 32], &leg),
        world.deliver(&proven, 0, &message),
    ];
    for call in under_way {
        world.chain.done(&[call], &[&world.alice]);
    }
    world.chain.set_time(third.leg.escape_at);
    world.chain.done(&[calls::request_escape(&third_deal, &third)], &[]);
    world.chain.pass(third.leg.escape_window);
    world.chain.done(&[calls::execute_escape(payer, &third_deal, &third)], &[]);
    assert_eq!(world.chain.lamports(&bob), FUNDS + 990_000);
}

#[test]
fn a_paused_target_stops_messages_to_it_alone() {
    let mut world = World::new();
    let (alice, payer) = (world.alice.pubkey(), world.payer());
    let args = world.send_args();
    let pause = calls::pause_target(world.guardian.pubkey(), REMOTE, true);
    world.chain.done(&[pause], &[&world.guardian]);
    world.chain.refused(calls::send(alice, payer, REMOTE, &args), &[&world.alice], Refusal::Paused);
    world.chain.done(&[calls::send(alice, payer, OTHER_REMOTE, &args)], &[&world.alice]);
    let open = calls::pause_target(world.owner.pubkey(), REMOTE, false);
    world.chain.done(&[open], &[&world.owner]);
    world.chain.done(&[calls::send(alice, payer, REMOTE, &args)], &[&world.alice]);
}

/// Another gateway would count its nonces from 1 over bits that are set, and orphan what is under way.
#[test]
fn a_gateway_is_named_once() {
    let mut world = World::new();
    let (owner, payer) = (world.owner.pubkey(), world.payer());
    let known = target_args(REMOTE);
    let fixed = [TargetArgs { gateway: evm_account("impostor"), ..known }, TargetArgs { is_evm: false, ..known }];
    for args in fixed {
        world.chain.refused(calls::set_target(owner, payer, &args), &[&world.owner], Refusal::PeerFixed);
    }
    let fresh = target_args(7);
    let refused = [
        (TargetArgs { chain: 0, ..fresh }, Refusal::WrongTarget),
        (TargetArgs { chain: HERE, ..fresh }, Refusal::WrongTarget),
        (TargetArgs { gateway: [0; 32], ..fresh }, Refusal::InvalidRecipient),
        (TargetArgs { gateway: [1; 32], ..fresh }, Refusal::InvalidRecipient),
        (TargetArgs { max_gas_limit: u32::MAX, ..fresh }, Refusal::GasLimitTooHigh),
        (TargetArgs { max_payload: u16::MAX, ..fresh }, Refusal::PayloadTooLarge),
    ];
    for (args, why) in refused {
        world.chain.refused(calls::set_target(owner, payer, &args), &[&world.owner], why);
    }
}

/// Changing the caps of a chain keeps its nonce, its peer, its price and its pause.
#[test]
fn new_caps_reset_nothing() {
    let mut world = World::new();
    let (owner, alice, payer) = (world.owner.pubkey(), world.alice.pubkey(), world.payer());
    let send = calls::send(alice, payer, REMOTE, &world.send_args());
    world.chain.done(&[send.clone()], &[&world.alice]);
    let pause = calls::pause_target(owner, REMOTE, true);
    let caps = TargetArgs { max_gas_limit: 200_000, ..target_args(REMOTE) };
    world.chain.done(&[pause, calls::set_target(owner, payer, &caps)], &[&world.owner]);
    world.chain.refused(send.clone(), &[&world.alice], Refusal::Paused);
    world.chain.done(&[calls::pause_target(owner, REMOTE, false)], &[&world.owner]);
    world.chain.done(&[send], &[&world.alice]);
    assert_eq!(world.chain.last_nonce(REMOTE), 2);
}

/// Nobody pays more than was quoted while the quote holds.
#[test]
fn a_promised_price_only_falls() {
    let mut world = World::new();
    let owner = world.owner.pubkey();
    let until = START + 365 * DAY;
    let (base, gas) = (BASE_FEE, FEE_PER_GAS);
    for (base, gas, until) in [(base + 1, gas, until), (base, gas + 1, until), (base, gas, until - 1)] {
        let call = calls::set_fee(owner, REMOTE, base, gas, until);
        world.chain.refused(call, &[&world.owner], Refusal::QuoteStillValid);
    }
    world.chain.done(&[calls::set_fee(owner, REMOTE, base - 1, gas - 1, until + 1)], &[&world.owner]);
    world.chain.set_time(until + 2);
    let past = calls::set_fee(owner, REMOTE, 1, 1, until + 1);
    world.chain.refused(past, &[&world.owner], Refusal::QuoteExpired);
    world.chain.done(&[calls::set_fee(owner, REMOTE, u64::MAX, u64::MAX, until + 3)], &[&world.owner]);
    let send = calls::send(world.alice.pubkey(), world.payer(), REMOTE, &world.send_args());
    world.chain.refused(send, &[&world.alice], Refusal::Overflow);
}

/// Fees leave by themselves: neither locked nor bridged money can go this way.
#[test]
fn only_fees_are_withdrawn_as_fees() {
    let mut world = World::new();
    world.locked(5_000_000_000);
    let owner = world.owner.pubkey();
    let send = calls::send(world.alice.pubkey(), world.payer(), REMOTE, &world.send_args());
    world.chain.done(&[send], &[&world.alice]);
    let fees = world.chain.lamports(&pda::fees()) - world.chain.rent(9);
    for amount in [fees + 1, u64::MAX] {
        let call = calls::withdraw_fees(owner, owner, amount);
        world.chain.refused_account(call, &[&world.owner], &[Refusal::InvalidAmount, Refusal::Overflow]);
    }
    for purse in [pda::escrow(), pda::bridge()] {
        let call = calls::withdraw_fees(owner, owner, 1).substitute(pda::fees(), purse);
        world.chain.refused_account(call, &[&world.owner], &[Refusal::WrongAddress]);
    }
    for nobody in [pda::escrow(), pda::bridge(), pda::config()] {
        let call = calls::withdraw_fees(owner, nobody, 1);
        world.chain.refused(call, &[&world.owner], Refusal::InvalidDestination);
    }
    world.chain.done(&[calls::withdraw_fees(owner, owner, fees)], &[&world.owner]);
    assert_eq!(world.chain.lamports(&owner), FUNDS + fees);
    assert_eq!(world.held(Purse::Escrow), 5_000_000_000);
}

#[test]
fn an_outflow_limit_has_a_window() {
    let mut world = World::new();
    let call = calls::set_outflow_limit(world.owner.pubkey(), &SOL, 1, 0);
    world.chain.refused(call, &[&world.owner], Refusal::InvalidArgument);
}
