//! Which mints the program takes in, and what their issuers may still do afterwards.

use infrastrukt_svm_tests::{
    Extension, MintArgs, Purse, Refusal, TOKEN_2022, TOKEN_LEGACY, TokenRef, World, associated,
    calls::{self, Bend},
    key_named, pda,
    tokens::{close_account, open_associated, transfer},
};
use solana_account::Account;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_signer::Signer;

const MEMO: Address = Address::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

/// A mint with extensions, with the vaults' accounts opened where its token program lets them.
fn mint(world: &mut World, extensions: &[Extension]) -> TokenRef {
    let token = world.chain.put_mint("hostile", TOKEN_2022, &MintArgs { extensions, ..MintArgs::of(6) });
    let payer = world.payer();
    for purse in [pda::escrow(), pda::bridge()] {
        world.chain.try_send(&[open_associated(payer, purse, token)], &[]).ok();
    }
    token
}

#[track_caller]
fn not_opened(extensions: &[Extension]) {
    let mut world = World::new();
    let token = mint(&mut world, extensions);
    let open = calls::open_asset(world.payer(), token);
    world.chain.refused(open, &[], Refusal::HostileToken);
    assert!(world.chain.account(&pda::asset(&token.mint.to_bytes())).is_none());
}

#[test]
fn a_mint_that_takes_a_fee_is_not_taken_in() {
    not_opened(&[Extension::TransferFee]);
}

#[test]
fn a_mint_with_a_hook_is_not_taken_in() {
    not_opened(&[Extension::TransferHook]);
}

#[test]
fn a_mint_with_a_permanent_delegate_is_not_taken_in() {
    not_opened(&[Extension::PermanentDelegate]);
}

#[test]
fn a_mint_that_does_not_move_is_not_taken_in() {
    not_opened(&[Extension::NonTransferable]);
}

#[test]
fn a_mint_that_freezes_by_default_is_not_taken_in() {
    not_opened(&[Extension::DefaultFrozen]);
}

/// Closed with a supply of zero, it could come back with other extensions and other decimals.
#[test]
fn a_mint_that_can_be_closed_is_not_taken_in() {
    not_opened(&[Extension::CloseAuthority]);
}

#[test]
fn a_mint_that_hides_amounts_shows_others_or_can_be_paused_is_not_taken_in() {
    for extension in
        [Extension::ConfidentialTransfer, Extension::InterestBearing, Extension::ScaledUiAmount, Extension::Pausable]
    {
        not_opened(&[extension]);
    }
}

/// An extension behind a harmless one is found.
#[test]
fn nothing_hides_behind_a_harmless_extension() {
    for extension in Extension::ALL {
        if extension != Extension::MetadataPointer {
            not_opened(&[Extension::MetadataPointer, extension]);
        }
    }
}

#[test]
fn a_mint_with_a_name_is_taken_in_and_locked() {
    let mut world = World::new();
    let token = mint(&mut world, &[Extension::MetadataPointer]);
    let open = calls::open_asset(world.payer(), token);
    world.chain.done(&[open], &[]);
    let account = world.chain.open_account(world.alice.pubkey(), token);
    world.chain.mint_to(token, account, 5_000);
    let (deal, leg) = world.locked_token(token, 5_000);
    assert_eq!(world.chain.tokens(&associated(&pda::escrow(), token)), 5_000);
    assert!(world.chain.lock(&leg.lock_key(&deal)).is_some());
}

#[test]
fn an_asset_is_opened_once() {
    let mut world = World::new();
    let token = world.token("token", TOKEN_LEGACY);
    let again = calls::open_asset(world.payer(), token);
    world.chain.refused_account(again, &[], &[Refusal::AlreadyExists]);
}

/// A mint of one token program is not read by the other's rules, which know no extensions.
#[test]
fn a_mint_belongs_to_its_own_program() {
    let mut world = World::new();
    let token = world.chain.put_mint("token", TOKEN_2022, &MintArgs::of(6));
    let opening = world.opening(token);
    world.chain.done(&opening[..2], &[]);
    let open = calls::open_asset(world.payer(), token);
    let or = [Refusal::WrongToken, Refusal::WrongAddress, Refusal::HostileToken];
    for other in [TOKEN_LEGACY, key_named("token program").pubkey(), pda::PROGRAM] {
        world.chain.refused_account(open.clone().substitute(TOKEN_2022, other), &[], &or);
    }
    world.chain.done(&[open], &[]);
}

/// Bytes that look like a mint are none unless a token program owns them.
#[test]
fn what_only_looks_like_a_mint_is_refused() {
    let or = [Refusal::WrongToken, Refusal::WrongAddress, Refusal::HostileToken];
    for owner in [pda::PROGRAM, Address::default(), key_named("somebody's program").pubkey()] {
        let mut world = World::new();
        let token = world.chain.put_mint("fake", TOKEN_LEGACY, &MintArgs::of(6));
        let opening = world.opening(token);
        world.chain.done(&opening[..2], &[]);
        let account = world.chain.account(&token.mint).expect("it was put there");
        world.chain.put(token.mint, Account { owner, ..account });
        world.chain.refused_account(calls::open_asset(world.payer(), token), &[], &or);
    }
    // Nor is a token account a mint, of whichever program.
    let mut world = World::new();
    let token = world.token("token", TOKEN_2022);
    let account = associated(&world.alice.pubkey(), token);
    let open = calls::open_asset(world.payer(), TokenRef { mint: account, program: TOKEN_2022 });
    world.chain.refused_account(open, &[], &or);
}

#[test]
fn a_mint_that_is_not_initialised_is_refused() {
    let mut world = World::new();
    let token = world.chain.put_mint("token", TOKEN_LEGACY, &MintArgs::of(6));
    let opening = world.opening(token);
    world.chain.done(&opening[..2], &[]);
    let mut account = world.chain.account(&token.mint).expect("it was put there");
    account.data[45] = 0;
    world.chain.put(token.mint, account);
    let or = [Refusal::WrongToken, Refusal::HostileToken];
    world.chain.refused_account(calls::open_asset(world.payer(), token), &[], &or);
}

/// Accounts that anybody can name as vaults: only the purses' own associated accounts are.
#[test]
fn only_the_purses_own_accounts_are_vaults() {
    let mut world = World::new();
    let token = world.chain.put_mint("token", TOKEN_LEGACY, &MintArgs::of(6));
    let opening = world.opening(token);
    world.chain.done(&opening[..2], &[]);
    let mallorys = world.chain.open_account(world.mallory.pubkey(), token);
    let open = calls::open_asset(world.payer(), token);
    let (escrows, bridges) = (associated(&pda::escrow(), token), associated(&pda::bridge(), token));
    let or = [Refusal::WrongAddress, Refusal::WrongToken];
    for (own, other) in [(escrows, mallorys), (bridges, mallorys), (escrows, bridges), (bridges, escrows)] {
        world.chain.refused_account(open.clone().substitute(own, other), &[], &or);
    }
    world.chain.done(&[open], &[]);
}

/// Nobody but the purse closes, empties or gives away a vault, and the program never does.
#[test]
fn a_vault_is_neither_closed_nor_emptied_by_others() {
    for program in [TOKEN_LEGACY, TOKEN_2022] {
        let mut world = World::new();
        let token = world.token("token", program);
        let (vault, mallory) = (associated(&pda::escrow(), token), world.mallory.pubkey());
        world.chain.fails(&[close_account(vault, mallory, mallory, token)], &[&world.mallory]);
        world.locked_token(token, 1_000);
        let mallorys = world.chain.open_account(mallory, token);
        world.chain.fails(&[transfer(vault, mallorys, mallory, token, 1)], &[&world.mallory]);
        world.chain.fails(&[close_account(vault, mallory, mallory, token)], &[&world.mallory]);
        assert_eq!(world.chain.tokens(&vault), 1_000);
    }
}

/// The memo would have to come right before the token program is called, where the program's own event is. What cannot
/// be paid there waits until its owner says where else.
#[test]
fn an_account_that_wants_memos_is_not_paid_and_loses_nothing() {
    let mut world = World::new();
    let token = world.token("token", TOKEN_2022);
    let (deal, leg) = world.locked_token(token, 1_000);
    let (bob, payer) = (world.bob.pubkey(), world.payer());
    let account = world.chain.open_account(bob, token);
    world.chain.demand_memos(account);
    let decision = world.decided(&deal, true);
    let settle = world.settle(&decision, true, &deal, &leg);
    world.chain.done(&[settle], &[]);
    let withdraw = calls::withdraw_credit_token(Purse::Escrow, bob, token, payer);
    let memo = Instruction { program_id: MEMO, accounts: Vec::new(), data: b"for bob".to_vec() };
    world.chain.fails(&[memo, withdraw], &[]);
    assert_eq!(world.chain.owed(Purse::Escrow, &bob.to_bytes(), &token.mint.to_bytes()), 990);
    let elsewhere = world.chain.open_account(world.mallory.pubkey(), token);
    let withdraw = calls::withdraw_credit_token_to(Purse::Escrow, bob, token, elsewhere, payer, true);
    world.chain.done(&[withdraw], &[&world.bob]);
    assert_eq!((world.chain.tokens(&account), world.chain.tokens(&elsewhere)), (0, 990));
}

/// An issuer who froze the vault stops payouts of its token, and of nothing else, until it thaws it.
#[test]
fn a_frozen_vault_stops_its_own_token_only() {
    let mut world = World::new();
    let token = world.token("token", TOKEN_LEGACY);
    let (deal, leg) = world.locked_token(token, 1_000);
    let (sol_deal, sol_leg) = world.locked(1_000_000);
    let vault = associated(&pda::escrow(), token);
    world.chain.freeze(token, vault);
    for (deal, leg) in [(deal, leg), (sol_deal, sol_leg)] {
        let decision = world.decided(&deal, false);
        let settle = world.settle(&decision, false, &deal, &leg);
        world.chain.done(&[settle], &[]);
    }
    let (alice, payer) = (world.alice.pubkey(), world.payer());
    world.chain.done(&[calls::withdraw_credit(Purse::Escrow, alice, payer)], &[]);
    let withdraw = calls::withdraw_credit_token(Purse::Escrow, alice, token, payer);
    world.chain.fails(&[withdraw.clone()], &[]);
    assert_eq!(world.chain.owed(Purse::Escrow, &alice.to_bytes(), &token.mint.to_bytes()), 990);
    world.chain.thaw(token, vault);
    world.chain.done(&[withdraw], &[]);
}
