//! Transfers out and in: what comes out was put in, within the limits of the owner.

use infrastrukt_svm_tests::{
    CONSUMED, DAY, FUNDS, MintArgs, OTHER_REMOTE, Purse, REMOTE, Refusal, SOL, TOKEN_2022, TOKEN_LEGACY, TokenRef,
    World, associated,
    calls::{self, Bend, BridgeArgs, RouteArgs},
    events, evm_account, pda,
    tokens::give_account_away,
    wire::{Kind, Message},
};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_signer::Signer;

use crate::limits::among;

pub(crate) const MINT: u8 = 2;
pub(crate) const LOCK: u8 = 1;
/// Lamports of one wire unit: nine decimals here, eight on the wire.
pub(crate) const UNIT: u64 = 10;

pub(crate) fn args(world: &World, amount: u64) -> BridgeArgs {
    BridgeArgs {
        recipient: evm_account("carol"),
        amount,
        deadline: world.chain.now() + DAY,
        refund_to: world.alice.pubkey().to_bytes(),
        max_fee: u64::MAX,
    }
}

/// A world where SOL may be bridged, and Alice has bridged some.
pub(crate) fn sol_out(amount: u64) -> (World, RouteArgs) {
    let mut world = World::new();
    let route = world.route(&SOL, LOCK, 18);
    world.limit(&SOL, 1_000_000_000);
    let args = args(&world, amount);
    let out = calls::bridge(world.alice.pubkey(), REMOTE, &args);
    world.chain.done(&[out], &[&world.alice]);
    (world, route)
}

/// A route that mints a token of [`REMOTE`], with a limit, and Bob's account of it.
pub(crate) fn minting(program: Address) -> (World, TokenRef) {
    let mut world = World::new();
    let mint_authority = Some(pda::bridge());
    let args = MintArgs { mint_authority, freeze_authority: None, ..MintArgs::of(6) };
    let token = world.chain.put_mint("minted", program, &args);
    world.open_asset(token);
    world.route(&token.mint.to_bytes(), MINT, 18);
    world.limit(&token.mint.to_bytes(), 1_000_000);
    world.chain.open_account(world.bob.pubkey(), token);
    (world, token)
}

/// The call that delivers a transfer of SOL that everybody signed.
pub(crate) fn coming_home(world: &mut World, message: &Message, to: Address) -> Instruction {
    let leaf = world.message_leaf(message);
    let proven = world.proven(Kind::General, &[leaf]);
    calls::deliver_transfer(&proven.checkpoint, message, to, &proven.proof(0))
}

pub(crate) fn arriving(world: &mut World, message: &Message, token: TokenRef) -> Instruction {
    let to = (world.bob.pubkey(), token);
    arriving_among(world, message, to, 1)
}

/// The same for anybody, under a checkpoint of many leaves.
pub(crate) fn arriving_among(
    world: &mut World,
    message: &Message,
    to: (Address, TokenRef),
    leaves: u32,
) -> Instruction {
    let leaf = world.message_leaf(message);
    let proven = world.proven(Kind::General, &among(leaf, leaves));
    calls::deliver_transfer_token(&proven.checkpoint, message, to, &proven.proof(0))
}

#[test]
fn sol_is_locked_when_it_leaves_and_released_when_it_returns() {
    let (mut world, _) = sol_out(1_000_000);
    assert_eq!(world.held(Purse::Bridge), 1_000_000);
    let bob = world.bob.pubkey();
    let back = world.transfer(1, SOL, bob.to_bytes(), 60_000, 60_000);
    let deliver = coming_home(&mut world, &back, bob);
    let done = world.chain.done(&[deliver.clone()], &[]);
    assert_eq!((events(&done, "Delivered").len(), events(&done, "Received").len()), (1, 1));
    assert_eq!(world.chain.lamports(&bob), FUNDS + 60_000 * UNIT);
    assert_eq!(world.held(Purse::Bridge), 400_000);
    world.chain.refused(deliver, &[], Refusal::AlreadyDelivered);
    let route = world.chain.route(REMOTE, &SOL).expect("registered");
    assert_eq!((route.sent, route.received, route.backing), (100_000, 60_000, 60_000));
}

/// A certificate for more than is locked here is a lie of the remote chain, and pays nothing.
#[test]
fn no_more_comes_home_than_left() {
    let (mut world, _) = sol_out(1_000_000);
    let bob = world.bob.pubkey();
    world.chain.fund(pda::bridge(), 1_000_000_000_000);
    let forged = world.transfer(1, SOL, bob.to_bytes(), 100_001, u128::MAX);
    let deliver = coming_home(&mut world, &forged, bob);
    world.chain.refused(deliver, &[], Refusal::MintExceedsLocked);
    let all = world.transfer(2, SOL, bob.to_bytes(), 100_000, 100_000);
    let deliver = coming_home(&mut world, &all, bob);
    world.chain.done(&[deliver], &[]);
    let more = world.transfer(3, SOL, bob.to_bytes(), 1, 100_001);
    let deliver = coming_home(&mut world, &more, bob);
    world.chain.refused(deliver, &[], Refusal::MintExceedsLocked);
}

#[test]
fn no_more_arrives_than_the_remote_bridge_ever_took_in() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let (bob, mint) = (world.bob.pubkey().to_bytes(), token.mint.to_bytes());
    let unbacked = world.transfer(1, mint, bob, 500, 499);
    let deliver = arriving(&mut world, &unbacked, token);
    world.chain.refused(deliver, &[], Refusal::MintExceedsLocked);
    for (nonce, amount, cumulative) in [(2, 500, 500), (3, 100, 600)] {
        let message = world.transfer(nonce, mint, bob, amount, cumulative);
        let deliver = arriving(&mut world, &message, token);
        world.chain.done(&[deliver], &[]);
    }
    let replayed = world.transfer(4, mint, bob, 1, 600);
    let deliver = arriving(&mut world, &replayed, token);
    world.chain.refused(deliver, &[], Refusal::MintExceedsLocked);
    assert_eq!(world.chain.supply(token), 600);
}

#[test]
fn a_token_is_minted_on_arrival_and_burned_on_its_way_home() {
    for program in [TOKEN_LEGACY, TOKEN_2022] {
        let (mut world, token) = minting(program);
        let (bob, mint) = (world.bob.pubkey(), token.mint.to_bytes());
        let message = world.transfer(1, mint, bob.to_bytes(), 500, 500);
        let deliver = arriving(&mut world, &message, token);
        world.chain.done(&[deliver], &[]);
        assert_eq!((world.chain.tokens(&associated(&bob, token)), world.chain.supply(token)), (500, 500));
        let args = BridgeArgs { refund_to: bob.to_bytes(), ..args(&world, 200) };
        let home = calls::bridge_token(bob, REMOTE, token, &args);
        let done = world.chain.done(&[home.clone()], &[&world.bob]);
        assert_eq!((events(&done, "Sent").len(), events(&done, "Bridged").len()), (1, 1));
        assert_eq!((world.chain.tokens(&associated(&bob, token)), world.chain.supply(token)), (300, 300));
        let poor = BridgeArgs { amount: 301, ..args };
        world.chain.fails(&[calls::bridge_token(bob, REMOTE, token, &poor)], &[&world.bob]);
    }
}

/// Only the peer's transfers are transfers, whoever else sends messages to the bridge.
#[test]
fn only_the_registered_peer_is_believed() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let honest = world.transfer(1, token.mint.to_bytes(), world.bob.pubkey().to_bytes(), 500, 500);
    for sender in [evm_account("impostor"), [0; 32], pda::bridge().to_bytes()] {
        let forged = Message { sender, ..honest.clone() };
        let deliver = arriving(&mut world, &forged, token);
        world.chain.refused(deliver, &[], Refusal::RootMismatch);
    }
    let elsewhere = Message { source: OTHER_REMOTE, ..honest.clone() };
    let deliver = arriving(&mut world, &elsewhere, token);
    world.chain.refused_account(deliver, &[], &[Refusal::UnknownRoute, Refusal::UnknownPeer]);
    let to_another = Message { recipient: world.bob.pubkey().to_bytes(), ..honest };
    let deliver = arriving(&mut world, &to_another, token);
    world.chain.refused(deliver, &[], Refusal::RootMismatch);
}

/// Before a peer is registered nobody's transfers are believed, not those of nobody either.
#[test]
fn without_a_peer_nothing_is_a_transfer() {
    let mut world = World::new();
    let token = world.token("token", TOKEN_LEGACY);
    let (owner, payer, mint) = (world.owner.pubkey(), world.payer(), token.mint.to_bytes());
    let remote_token = evm_account("remote token");
    let args = RouteArgs { chain: REMOTE, remote_token, kind: LOCK, remote_decimals: 18, receive_gas: 200_000 };
    world.chain.done(&[calls::register_route(owner, payer, &mint, &args)], &[&world.owner]);
    world.chain.open_account(world.bob.pubkey(), token);
    let honest = world.transfer(1, mint, world.bob.pubkey().to_bytes(), 500, 500);
    for sender in [[0; 32], honest.sender] {
        let deliver = arriving(&mut world, &Message { sender, ..honest.clone() }, token);
        world.chain.refused(deliver, &[], Refusal::UnknownPeer);
    }
}

/// A transfer that is delivered as a message would mark it and pay nobody.
#[test]
fn a_transfer_is_not_delivered_as_a_message() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let message = world.transfer(1, token.mint.to_bytes(), world.bob.pubkey().to_bytes(), 500, 500);
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf]);
    let deliver = world.deliver(&proven, 0, &message);
    world.chain.refused(deliver, &[], Refusal::InvalidRecipient);
    let route = world.inward(REMOTE);
    let batch = calls::deliver_batch(world.payer(), &proven.checkpoint, (&[message], &route), &proven.proof(0));
    world.chain.done(&[batch], &[]);
    assert!(!world.chain.is_marked(CONSUMED, REMOTE, 1));
}

#[test]
fn a_payload_that_is_no_transfer_moves_nothing() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let honest = world.transfer(1, token.mint.to_bytes(), world.bob.pubkey().to_bytes(), 500, 500);
    let mut version = honest.payload.clone();
    version[0] = 2;
    let long = [&honest.payload[..], &[0]].concat();
    let short = honest.payload[..120].to_vec();
    let bent = Message { payload: version, ..honest.clone() };
    let deliver = arriving(&mut world, &bent, token);
    world.chain.refused(deliver, &[], Refusal::MalformedPayload);
    // Another length cannot even be said: what is read instead was never certified.
    for payload in [long, short, Vec::new()] {
        let bent = Message { payload, ..honest.clone() };
        let deliver = arriving(&mut world, &bent, token);
        world.chain.fails(&[deliver], &[]);
    }
    assert!(!world.chain.is_marked(CONSUMED, REMOTE, 1));
    assert_eq!(world.chain.supply(token), 0);
}

/// What was sent for one token is not paid in another, nor by another route.
#[test]
fn a_transfer_is_paid_in_its_own_token() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let other = world.token("other", TOKEN_LEGACY);
    let bob = world.bob.pubkey();
    world.chain.open_account(bob, other);
    let honest = world.transfer(1, token.mint.to_bytes(), bob.to_bytes(), 500, 500);
    let deliver = arriving(&mut world, &honest, other);
    world.chain.refused_account(deliver, &[], &[Refusal::UnknownRoute]);
    let claims_other = world.transfer(2, other.mint.to_bytes(), bob.to_bytes(), 500, 500);
    let deliver = arriving(&mut world, &claims_other, token);
    world.chain.refused(deliver, &[], Refusal::UnknownRoute);
    let claims_sol = world.transfer(3, SOL, bob.to_bytes(), 500, 500);
    let deliver = arriving(&mut world, &claims_sol, token);
    world.chain.refused(deliver, &[], Refusal::UnknownRoute);
}

#[test]
fn a_transfer_goes_to_its_recipient_s_own_account() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let (bob, mallory) = (world.bob.pubkey(), world.mallory.pubkey());
    let message = world.transfer(1, token.mint.to_bytes(), bob.to_bytes(), 500, 500);
    let deliver = arriving(&mut world, &message, token);
    let mallorys = world.chain.open_account(mallory, token);
    for other in [mallorys, associated(&pda::bridge(), token), associated(&pda::escrow(), token)] {
        let stolen = deliver.clone().substitute(associated(&bob, token), other);
        world.chain.refused_account(stolen, &[], &[Refusal::InvalidDestination]);
    }
    world.chain.done(&[give_account_away(&bob, token, &mallory)], &[&world.bob]);
    world.chain.refused(deliver, &[], Refusal::InvalidDestination);
    assert_eq!(world.chain.supply(token), 0);
}

#[test]
fn a_transfer_of_sol_goes_to_its_recipient() {
    let (mut world, _) = sol_out(1_000_000);
    let (bob, mallory) = (world.bob.pubkey(), world.mallory.pubkey());
    let message = world.transfer(1, SOL, bob.to_bytes(), 500, 500);
    let stolen = coming_home(&mut world, &message, mallory);
    world.chain.refused(stolen, &[], Refusal::InvalidDestination);
    for nobody in [[0; 32], pda::bridge().to_bytes(), pda::escrow().to_bytes(), pda::fees().to_bytes()] {
        let message = world.transfer(2, SOL, nobody, 500, 500);
        let to = Address::new_from_array(nobody);
        let deliver = coming_home(&mut world, &message, to);
        world.chain.refused_account(deliver, &[], &[Refusal::InvalidRecipient, Refusal::InvalidDestination]);
    }
}

#[test]
fn a_transfer_of_nothing_is_refused() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let message = world.transfer(1, token.mint.to_bytes(), world.bob.pubkey().to_bytes(), 0, 500);
    let deliver = arriving(&mut world, &message, token);
    world.chain.refused(deliver, &[], Refusal::ZeroAmount);
}

/// Amounts whose local units leave 64 bits arrive nowhere; they expire and go back.
#[test]
fn amounts_at_the_limit_do_not_wrap() {
    let (mut world, _) = sol_out(1_000_000);
    let bob = world.bob.pubkey();
    for amount in [u64::MAX, u64::MAX / UNIT + 1] {
        let message = world.transfer(1, SOL, bob.to_bytes(), amount, u128::MAX);
        let deliver = coming_home(&mut world, &message, bob);
        let or = [Refusal::MintExceedsLocked, Refusal::AmountTooLarge];
        world.chain.refused_account(deliver, &[], &or);
    }
    let (mut world, token) = minting(TOKEN_LEGACY);
    let mint = token.mint.to_bytes();
    world.limit(&mint, u64::MAX);
    let first = world.transfer(1, mint, bob.to_bytes(), u64::MAX, u128::from(u64::MAX));
    let deliver = arriving(&mut world, &first, token);
    world.chain.done(&[deliver], &[]);
    world.chain.pass(3_600);
    // The supply is full: the token program refuses, and the message is still there.
    let more = world.transfer(2, mint, bob.to_bytes(), 1, u128::MAX);
    let deliver = arriving(&mut world, &more, token);
    world.chain.fails(&[deliver], &[]);
    assert!(!world.chain.is_marked(CONSUMED, REMOTE, 2));
}

/// A forged transfer takes no more than the limit allows, and what is used refills evenly.
#[test]
fn arrivals_stay_within_the_outflow_limit() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let (bob, mint) = (world.bob.pubkey().to_bytes(), token.mint.to_bytes());
    world.limit(&mint, 3_600);
    let arrive = |world: &mut World, nonce: u64, amount: u64, is_allowed: bool| {
        let message = world.transfer(nonce, mint, bob, amount, u128::MAX);
        let deliver = arriving(world, &message, token);
        if is_allowed {
            world.chain.done(&[deliver], &[]);
        } else {
            world.chain.refused(deliver, &[], Refusal::OutflowLimit);
        }
    };
    arrive(&mut world, 1, 3_601, false);
    arrive(&mut world, 2, 3_600, true);
    arrive(&mut world, 3, 1, false);
    world.chain.pass(10);
    arrive(&mut world, 4, 11, false);
    arrive(&mut world, 5, 10, true);
    arrive(&mut world, 6, 1, false);
    world.chain.pass(7_200);
    arrive(&mut world, 7, 3_601, false);
    arrive(&mut world, 8, 3_600, true);
}
