//! Which tokens go where: pairs that are made once, with mints that are the bridge's own.

use infrastrukt_svm_tests::{
    HERE, MintArgs, OTHER_REMOTE, REMOTE, Refusal, SOL, TOKEN_LEGACY, World,
    calls::{self, RouteArgs},
    evm_account, pda,
    tokens::issuer,
    wire::Word,
};
use solana_signer::Signer;

use crate::bridging::{LOCK, MINT, minting};

#[test]
fn a_route_that_mints_needs_a_mint_of_the_bridge_s_own() {
    let issuer = Some(issuer().pubkey());
    let bridge = Some(pda::bridge());
    let plain = MintArgs::of(6);
    let cases = [
        MintArgs { mint_authority: issuer, freeze_authority: None, ..plain },
        MintArgs { mint_authority: None, freeze_authority: None, ..plain },
        MintArgs { mint_authority: bridge, freeze_authority: issuer, ..plain },
        MintArgs { mint_authority: bridge, freeze_authority: None, supply: 1, ..plain },
    ];
    for args in cases {
        let mut world = World::new();
        let token = world.chain.put_mint("token", TOKEN_LEGACY, &args);
        world.open_asset(token);
        register(&mut world, &token.mint.to_bytes(), REMOTE, evm_account("there"), MINT, Some(Refusal::InvalidRoute));
    }
    let mut world = World::new();
    register(&mut world, &SOL, REMOTE, evm_account("there"), MINT, Some(Refusal::InvalidRoute));
}

fn register(world: &mut World, token: &Word, chain: u64, remote_token: Word, kind: u8, why: Option<Refusal>) {
    let args = RouteArgs { chain, remote_token, kind, remote_decimals: 18, receive_gas: 100_000 };
    let call = calls::register_route(world.owner.pubkey(), world.payer(), token, &args);
    match why {
        Some(why) => world.chain.refused(call, &[&world.owner], why),
        None => drop(world.chain.done(&[call], &[&world.owner])),
    }
}

#[test]
fn a_route_is_registered_once_and_a_remote_token_has_one_counterpart() {
    let mut world = World::new();
    let first = world.token("first", TOKEN_LEGACY).mint.to_bytes();
    let second = world.token("second", TOKEN_LEGACY).mint.to_bytes();
    let remote = evm_account("there");
    register(&mut world, &first, REMOTE, remote, LOCK, None);
    register(&mut world, &first, REMOTE, remote, LOCK, Some(Refusal::RouteExists));
    register(&mut world, &first, REMOTE, evm_account("another"), LOCK, Some(Refusal::RouteExists));
    register(&mut world, &second, REMOTE, remote, LOCK, Some(Refusal::RouteExists));
    register(&mut world, &second, OTHER_REMOTE, remote, LOCK, None);
    for (chain, remote, kind) in [
        (HERE, [3; 32], LOCK),
        (0, remote, LOCK),
        (REMOTE, [1; 32], LOCK),
        (REMOTE, [0; 32], LOCK),
        (REMOTE, evm_account("new"), 0),
        (REMOTE, evm_account("new"), 3),
    ] {
        register(&mut world, &second, chain, remote, kind, Some(Refusal::InvalidRoute));
    }
}

/// A token with two homes would be backed by neither.
#[test]
fn a_minted_token_has_one_home() {
    let (mut world, token) = minting(TOKEN_LEGACY);
    let mint = token.mint.to_bytes();
    register(&mut world, &mint, OTHER_REMOTE, evm_account("second home"), MINT, Some(Refusal::InvalidRoute));
}

#[test]
fn a_peer_is_registered_once() {
    let mut world = World::new();
    let owner = world.owner.pubkey();
    for peer in [[0; 32], [1; 32]] {
        world.chain.refused(calls::register_peer(owner, REMOTE, &peer), &[&world.owner], Refusal::UnknownPeer);
    }
    world.chain.done(&[calls::register_peer(owner, REMOTE, &evm_account("bridge"))], &[&world.owner]);
    let other = calls::register_peer(owner, REMOTE, &evm_account("impostor"));
    world.chain.refused(other, &[&world.owner], Refusal::PeerExists);
}
