//! What is owed is paid once, by the purse that owes it, to whom it is owed or says otherwise.

use infrastrukt_svm_tests::{
    FUNDS, Purse, Refusal, SOL, TOKEN_2022, TOKEN_LEGACY, TokenRef, World, associated,
    calls::{self, Bend},
    events, pda,
    tokens::{close_account, give_account_away, open_associated, transfer},
    wire::Word,
};
use solana_address::Address;
use solana_signer::Signer;

/// Bob is owed 990,000 lamports by the escrow.
fn owing() -> World {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, true);
    let settle = world.settle(&decision, true, &deal, &leg);
    world.chain.done(&[settle], &[]);
    world
}

/// Bob is owed 990 units of a token by the escrow.
fn owing_tokens(program: Address) -> (World, TokenRef) {
    let mut world = World::new();
    let token = world.token("token", program);
    let (deal, leg) = world.locked_token(token, 1_000);
    let decision = world.decided(&deal, true);
    let settle = world.settle(&decision, true, &deal, &leg);
    world.chain.done(&[settle], &[]);
    (world, token)
}

#[test]
fn a_credit_is_paid_once_to_its_owner_by_anyone() {
    let mut world = owing();
    let bob = world.bob.pubkey();
    let withdraw = calls::withdraw_credit(Purse::Escrow, bob, world.payer());
    let done = world.chain.done(&[withdraw.clone()], &[]);
    let expected = [&[0][..], &bob.to_bytes(), &SOL, &990_000u64.to_le_bytes(), &bob.to_bytes()].concat();
    assert_eq!(events(&done, "CreditWithdrawn"), [expected]);
    assert_eq!(world.chain.lamports(&bob), FUNDS + 990_000);
    assert!(world.chain.account(&pda::credit(Purse::Escrow, &bob.to_bytes(), &SOL)).is_none());
    world.chain.refused_account(withdraw, &[], &[Refusal::NoCredit]);
    assert_eq!(world.held(Purse::Escrow), 10_000);
}

/// Closing the credit and opening it anew in the same transaction pays each debt once.
#[test]
fn a_credit_that_is_closed_and_revived_owes_only_the_new_debt() {
    let mut world = owing();
    let (deal, leg) = world.locked(2_000_000);
    let decision = world.decided(&deal, true);
    let bob = world.bob.pubkey();
    let withdraw = calls::withdraw_credit(Purse::Escrow, bob, world.payer());
    let settle = world.settle(&decision, true, &deal, &leg);
    world.chain.done(&[withdraw.clone(), settle, withdraw], &[]);
    assert_eq!(world.chain.lamports(&bob), FUNDS + 990_000 + 1_980_000);
    assert_eq!(world.held(Purse::Escrow), 30_000);
}

#[test]
fn nobody_but_its_owner_says_where_a_credit_goes() {
    let mut world = owing();
    let (bob, mallory, payer) = (world.bob.pubkey(), world.mallory.pubkey(), world.payer());
    let stolen = calls::withdraw_credit_to(Purse::Escrow, bob, mallory, payer, false);
    world.chain.refused_account(stolen, &[], &[Refusal::InvalidDestination]);
    let as_mallory = calls::withdraw_credit_to(Purse::Escrow, bob, mallory, payer, true).substitute(bob, mallory);
    world.chain.refused_account(as_mallory, &[&world.mallory], &[Refusal::WrongAddress, Refusal::InvalidDestination]);
    let hub_s = [pda::escrow(), pda::bridge(), pda::fees(), pda::config(), pda::PROGRAM];
    for destination in hub_s {
        let call = calls::withdraw_credit_to(Purse::Escrow, bob, destination, payer, true);
        world.chain.refused_account(call, &[&world.bob], &[Refusal::InvalidDestination]);
    }
    let credit = pda::credit(Purse::Escrow, &bob.to_bytes(), &SOL);
    let into_itself = calls::withdraw_credit_to(Purse::Escrow, bob, credit, payer, true);
    world.chain.refused_account(into_itself, &[&world.bob], &[Refusal::InvalidDestination]);
    let elsewhere = calls::withdraw_credit_to(Purse::Escrow, bob, mallory, payer, true);
    world.chain.done(&[elsewhere], &[&world.bob]);
    assert_eq!(world.chain.lamports(&mallory), FUNDS + 990_000);
}

#[test]
fn the_rent_of_a_credit_goes_to_nobody_else() {
    let mut world = owing();
    let (bob, mallory) = (world.bob.pubkey(), world.mallory.pubkey());
    for other in [bob, mallory, pda::escrow(), pda::credit(Purse::Escrow, &bob.to_bytes(), &SOL)] {
        let call = calls::withdraw_credit(Purse::Escrow, bob, other);
        world.chain.refused_account(call, &[], &[Refusal::InvalidDestination]);
    }
}

/// The escrow's debts are not paid with the bridge's money, nor the other way round.
#[test]
fn each_purse_pays_its_own_debts() {
    let mut world = owing();
    let bob = world.bob.pubkey();
    world.chain.fund(pda::bridge(), 10_000_000_000);
    for other in [pda::bridge(), pda::fees(), pda::config()] {
        let call = calls::withdraw_credit(Purse::Escrow, bob, world.payer()).substitute(pda::escrow(), other);
        world.chain.refused_account(call, &[], &[Refusal::WrongAddress]);
    }
    let foreign = calls::withdraw_credit(Purse::Bridge, bob, world.payer());
    world.chain.refused_account(foreign, &[], &[Refusal::NoCredit]);
}

/// A debt of tokens is no debt of SOL, and the other way round, whatever is named as the asset.
#[test]
fn a_credit_is_paid_in_its_own_token() {
    let (mut world, token) = owing_tokens(TOKEN_LEGACY);
    let worthless = world.token("worthless", TOKEN_LEGACY);
    let (bob, mint) = (world.bob.pubkey(), token.mint.to_bytes());
    world.chain.fund(pda::escrow(), 10_000_000_000);
    world.chain.open_account(bob, token);
    world.chain.open_account(bob, worthless);
    let (of_token, of_sol) =
        (pda::credit(Purse::Escrow, &bob.to_bytes(), &mint), pda::credit(Purse::Escrow, &bob.to_bytes(), &SOL));
    let in_sol = calls::withdraw_credit(Purse::Escrow, bob, world.payer()).substitute(of_sol, of_token);
    world.chain.refused_account(in_sol, &[], &[Refusal::WrongToken]);
    let vault = associated(&pda::escrow(), worthless);
    world.chain.mint_to(worthless, vault, 5_000);
    let worthless_credit = pda::credit(Purse::Escrow, &bob.to_bytes(), &worthless.mint.to_bytes());
    let in_worthless = calls::withdraw_credit_token(Purse::Escrow, bob, worthless, world.payer())
        .substitute(worthless_credit, of_token);
    world.chain.refused_account(in_worthless, &[], &[Refusal::WrongToken]);
    let honest = calls::withdraw_credit_token(Purse::Escrow, bob, token, world.payer());
    let of_bridge = honest.clone().substitute(associated(&pda::escrow(), token), associated(&pda::bridge(), token));
    world.chain.refused_account(of_bridge, &[], &[Refusal::WrongAddress]);
    world.chain.done(&[honest], &[]);
    assert_eq!(world.chain.tokens(&associated(&bob, token)), 990);
}

#[test]
fn tokens_go_to_the_owner_s_associated_account_or_where_the_owner_says() {
    for program in [TOKEN_LEGACY, TOKEN_2022] {
        let (mut world, token) = owing_tokens(program);
        let (bob, mallory, payer) = (world.bob.pubkey(), world.mallory.pubkey(), world.payer());
        world.chain.open_account(bob, token);
        let mallorys = world.chain.open_account(mallory, token);
        let stolen = calls::withdraw_credit_token_to(Purse::Escrow, bob, token, mallorys, payer, false);
        world.chain.refused(stolen, &[], Refusal::InvalidDestination);
        for vault in [associated(&pda::escrow(), token), associated(&pda::bridge(), token)] {
            let lost = calls::withdraw_credit_token_to(Purse::Escrow, bob, token, vault, payer, true);
            world.chain.refused_account(lost, &[&world.bob], &[Refusal::InvalidDestination]);
        }
        let elsewhere = calls::withdraw_credit_token_to(Purse::Escrow, bob, token, mallorys, payer, true);
        world.chain.done(&[elsewhere], &[&world.bob]);
        assert_eq!(world.chain.tokens(&mallorys), 990);
        let again = calls::withdraw_credit_token(Purse::Escrow, bob, token, payer);
        world.chain.refused_account(again, &[], &[Refusal::NoCredit]);
    }
}

/// SPL Token lets the owner of an associated account give it away; its address says nothing about whose it is.
#[test]
fn an_associated_account_that_was_given_away_is_not_paid() {
    let (mut world, token) = owing_tokens(TOKEN_LEGACY);
    let (bob, mallory) = (world.bob.pubkey(), world.mallory.pubkey());
    let account = world.chain.open_account(bob, token);
    world.chain.done(&[give_account_away(&bob, token, &mallory)], &[&world.bob]);
    let withdraw = calls::withdraw_credit_token(Purse::Escrow, bob, token, world.payer());
    world.chain.refused(withdraw, &[], Refusal::InvalidDestination);
    assert_eq!(world.chain.tokens(&account), 0);
    assert_eq!(world.chain.owed(Purse::Escrow, &bob.to_bytes(), &token.mint.to_bytes()), 990);
}

/// A payee whose account is frozen between lock and settlement holds up nobody, and is paid when it is thawed.
#[test]
fn a_frozen_payee_holds_up_no_decision_and_loses_nothing() {
    for program in [TOKEN_LEGACY, TOKEN_2022] {
        let mut world = World::new();
        let token = world.token("token", program);
        let (deal, leg) = world.locked_token(token, 1_000);
        let bob = world.bob.pubkey();
        let account = world.chain.open_account(bob, token);
        world.chain.freeze(token, account);
        let decision = world.decided(&deal, true);
        let settle = world.settle(&decision, true, &deal, &leg);
        world.chain.done(&[settle], &[]);
        let withdraw = calls::withdraw_credit_token(Purse::Escrow, bob, token, world.payer());
        world.chain.fails(&[withdraw.clone()], &[]);
        assert_eq!(world.chain.owed(Purse::Escrow, &bob.to_bytes(), &token.mint.to_bytes()), 990);
        world.chain.thaw(token, account);
        world.chain.done(&[withdraw], &[]);
        assert_eq!(world.chain.tokens(&account), 990);
    }
}

/// A payee without a token account is owed until somebody opens one, in the same transaction if they like.
#[test]
fn a_payee_without_an_account_is_paid_when_there_is_one() {
    let (mut world, token) = owing_tokens(TOKEN_2022);
    let (bob, payer) = (world.bob.pubkey(), world.payer());
    let withdraw = calls::withdraw_credit_token(Purse::Escrow, bob, token, payer);
    world.chain.refused_account(withdraw.clone(), &[], &[Refusal::WrongToken, Refusal::InvalidDestination]);
    let open = open_associated(payer, bob, token);
    world.chain.done(&[open, withdraw], &[]);
    assert_eq!(world.chain.tokens(&associated(&bob, token)), 990);
}

/// Whoever opens an account for a payee gives its rent away.
#[test]
fn an_account_opened_for_a_payee_is_a_gift() {
    let (mut world, token) = owing_tokens(TOKEN_LEGACY);
    let (bob, payer) = (world.bob.pubkey(), world.payer());
    let mallorys = world.chain.open_account(world.mallory.pubkey(), token);
    let account = associated(&bob, token);
    let withdraw = calls::withdraw_credit_token(Purse::Escrow, bob, token, payer);
    world.chain.done(&[open_associated(payer, bob, token), withdraw], &[]);
    let empty = transfer(account, mallorys, bob, token, 990);
    world.chain.done(&[empty, close_account(account, bob, bob, token)], &[&world.bob]);
    assert_eq!(world.chain.lamports(&bob), FUNDS + world.chain.rent(165));
}

/// What others give to purses and vaults belongs to no debt and harms none.
#[test]
fn donations_change_no_debt() {
    let (mut world, token) = owing_tokens(TOKEN_LEGACY);
    let vault = associated(&pda::escrow(), token);
    world.chain.mint_to(token, vault, 123);
    let escrow = world.chain.lamports(&pda::escrow());
    world.chain.fund(pda::escrow(), escrow + 77);
    let bob = world.bob.pubkey();
    world.chain.open_account(bob, token);
    let withdraw = calls::withdraw_credit_token(Purse::Escrow, bob, token, world.payer());
    world.chain.done(&[withdraw], &[]);
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, false);
    let settle = world.settle(&decision, false, &deal, &leg);
    world.chain.done(&[settle], &[]);
    let owed: Word = leg.leg.on_abort;
    assert_eq!(world.chain.owed(Purse::Escrow, &owed, &SOL), 990_000);
    assert_eq!(world.chain.tokens(&associated(&bob, token)), 990);
    assert_eq!(world.chain.tokens(&vault), 10 + 123);
}

/// A purse never pays its own rent away: without it the runtime would take the account.
#[test]
fn a_purse_keeps_its_rent() {
    let mut world = owing();
    let bob = world.bob.pubkey();
    let rent = world.chain.rent(9);
    // As if 1 lamport of what is owed had gone missing.
    world.chain.fund(pda::escrow(), rent + 990_000 - 1);
    let withdraw = calls::withdraw_credit(Purse::Escrow, bob, world.payer());
    world.chain.refused_account(withdraw.clone(), &[], &[Refusal::InvalidAmount, Refusal::Overflow]);
    world.chain.fund(pda::escrow(), rent + 990_000);
    world.chain.done(&[withdraw], &[]);
    assert_eq!(world.chain.lamports(&pda::escrow()), rent);
}
