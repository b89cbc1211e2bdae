//! What broke other bridges, as it would be tried here. Each test bears the incident's name.

use infrastrukt_svm_tests::{
    Certified, FIRST_EXPIRY, PROGRAM, Purse, REMOTE, Refusal, SOL, START, SYSTEM, TOKEN_LEGACY, TokenRef, World,
    associated,
    calls::{self, Bend},
    discriminator, key_named, pda,
    tokens::{MintArgs, issuer},
    wire::{
        Certificate, Checkpoint, Kind, Message, Multiproof, Validator, ValidatorSet, encode_members, keccak, leaf,
        valset_hash,
    },
};
use solana_account::Account;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_signer::Signer;

const INSTRUCTIONS_SYSVAR: Address = Address::from_str_const("Sysvar1nstructions1111111111111111111111111");

fn forged(world: &mut World, message: &Message) -> Certified {
    let leaf = world.message_leaf(message);
    let mut certified = world.certify(Kind::General, &[leaf]);
    certified.certificate.signatures.clear();
    certified.certificate.bitmap = vec![0];
    certified
}

/// A spoofed system account was taken as the signature check. No account says here that a signature was checked: one
/// with every byte as the program writes it, at another address or under another owner, is worth nothing.
#[test]
fn wormhole_a_spoofed_account_is_no_signature_check() {
    let mut world = World::new();
    let message = world.message(1);
    let honest = world.proven(Kind::General, &[[1; 32]]);
    let certified = forged(&mut world, &message);
    let mut account = world.chain.account(&honest.address()).expect("it was opened");
    // digest, and behind kind, epoch, height and time the root, as a forger would like them.
    account.data[8..40].copy_from_slice(&certified.checkpoint.digest());
    account.data[65..97].copy_from_slice(&certified.checkpoint.outbox_root);
    let spoofed = key_named("spoofed checkpoint").pubkey();
    let deliver = world.deliver(&certified, 0, &message).substitute(certified.address(), spoofed);
    for owner in [PROGRAM, SYSTEM, key_named("mallory's program").pubkey()] {
        world.chain.put(spoofed, Account { owner, ..account.clone() });
        world.chain.refused_account(deliver.clone(), &[], &[Refusal::WrongAddress]);
    }
    let at_its_address = world.deliver(&certified, 0, &message);
    world.chain.put(certified.address(), Account { owner: key_named("mallory's program").pubkey(), ..account });
    world.chain.refused_account(at_its_address, &[], &[]);
}

/// Nothing is read from other instructions of the transaction, nor from a sysvar account that a caller names.
#[test]
fn wormhole_no_sysvar_account_stands_for_a_signature() {
    let mut world = World::new();
    let message = world.message(1);
    let certified = forged(&mut world, &message);
    let verify = world.verify(&certified);
    for other in [INSTRUCTIONS_SYSVAR, key_named("a sysvar of Mallory's").pubkey()] {
        world.chain.refused_account(verify.clone().substitute(SYSTEM, other), &[], &[]);
    }
    let mut with_sysvar = verify;
    with_sysvar.accounts.push(AccountMeta::new_readonly(INSTRUCTIONS_SYSVAR, false));
    world.chain.done(&[with_sysvar], &[]);
    assert!(!world.chain.checkpoint(&certified.address()).expect("it waits").is_verified);
    let deliver = world.deliver(&certified, 0, &message);
    world.chain.refused(deliver, &[], Refusal::NotVerified);
}

/// Nobody but the program reports what happened.
#[test]
fn wormhole_nobody_else_reports_events() {
    let mut world = World::new();
    let tag = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];
    let event = [&tag[..], &discriminator("event", "Locked"), &[0; 65]].concat();
    for authority in [pda::event_authority(), world.mallory.pubkey()] {
        let is_signed = authority == world.mallory.pubkey();
        let accounts = vec![AccountMeta::new_readonly(authority, is_signed)];
        let report = Instruction { program_id: PROGRAM, accounts, data: event.clone() };
        world.chain.refused_account(report, &[&world.mallory], &[]);
    }
}

#[test]
fn ronin_two_of_four_are_no_quorum() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let mut certified = world.certify(Kind::General, &[leaf]);
    certified.certificate = world.hub.set.certify(&certified.checkpoint.digest(), &[1, 2]);
    let (verify, deliver) = (world.verify(&certified), world.deliver(&certified, 0, &message));
    let is_expected = |code: u32| code == Refusal::NotVerified.code();
    world.chain.refused_with(&[verify, deliver], &[], is_expected, "NotVerified");
}

/// A delegation that nobody took back: a set has no say beyond its epoch.
#[test]
fn ronin_a_set_s_power_ends_with_its_epoch() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let certified = world.proven(Kind::General, &[leaf]);
    world.chain.set_time(FIRST_EXPIRY + 1);
    let deliver = world.deliver(&certified, 0, &message);
    world.chain.refused(deliver, &[], Refusal::ExpiredEpoch);
}

#[test]
fn ronin_2024_a_weight_left_at_zero_is_no_set() {
    let mut world = World::new();
    let members = (1..=4u8).map(|i| ([i; 20], u64::from(i != 3)));
    let set = encode_members(members.collect::<Vec<_>>().into_iter());
    let hash = valset_hash(&set);
    let certified = world.proven(Kind::Rotation, &[leaf::rotate(2, &hash, START + 1_000_000)]);
    let terms = (2, START + 1_000_000, &hash);
    let rotate = calls::rotate(world.payer(), &certified.checkpoint, terms, &certified.proof(0));
    world.chain.done(&[rotate], &[]);
    let publish = calls::publish_set(world.payer(), 2, &set);
    world.chain.refused(publish, &[], Refusal::InvalidValidatorSet);
}

/// A message could call the contract that held the keepers. Messages call nobody here, and the hub's own accounts take
/// none.
#[test]
fn poly_no_message_reaches_what_holds_power() {
    let mut world = World::new();
    for recipient in [pda::config(), pda::escrow(), pda::bridge(), pda::fees(), PROGRAM] {
        let message = Message { recipient: recipient.to_bytes(), ..world.message(1) };
        let leaf = world.message_leaf(&message);
        let proven = world.proven(Kind::General, &[leaf]);
        let deliver = world.deliver(&proven, 0, &message);
        world.chain.refused(deliver, &[], Refusal::InvalidRecipient);
    }
}

#[test]
fn bnb_token_hub_a_forged_tree_proof_is_refused() {
    let mut world = World::new();
    let message = world.message(1);
    let target = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[[1; 32], [2; 32], [3; 32]]);
    let good = proven.proof(1);
    let bent = [
        good.clone(),
        Multiproof { nodes: [good.nodes.clone(), vec![target]].concat(), ..good.clone() },
        Multiproof { nodes: vec![target; 2], ..good.clone() },
        Multiproof { count: 1, indices: vec![0], nodes: Vec::new() },
        Multiproof { nodes: Vec::new(), ..good },
    ];
    for proof in bent {
        let route = world.inward(REMOTE);
        let deliver = calls::deliver(world.payer(), &proven.checkpoint, (&message, &route), &proof);
        world.chain.refused_account(deliver, &[], &[Refusal::RootMismatch, Refusal::WrongNodeCount]);
    }
}

/// An inner node of the tree is no leaf, though both are 32 bytes.
#[test]
fn bnb_token_hub_a_node_is_no_leaf() {
    let mut world = World::new();
    let message = world.message(1);
    let route = world.inward(REMOTE);
    let id = message.id(&route);
    // What would be a leaf if prefixes did not tell them apart.
    let proven = world.proven(Kind::General, &[keccak(&[&[1], &id, &id])]);
    let deliver = world.deliver(&proven, 0, &message);
    world.chain.refused(deliver, &[], Refusal::RootMismatch);
}

/// The zero root was trusted after an upgrade.
#[test]
fn nomad_zero_roots_epochs_and_sets_are_refused_before_and_after_a_rotation() {
    let mut world = World::new();
    for round in 0..2 {
        let now = world.chain.now();
        let sound = world.hub.checkpoint(Kind::General, now, &[[1; 32]]);
        let zero_root = Checkpoint { outbox_root: [0; 32], ..sound };
        let signatures = world.hub.set.certify_least(&zero_root.digest());
        let zero_root = calls::verify_checkpoint(world.payer(), &zero_root, &flat(&signatures));
        world.chain.refused(zero_root, &[], Refusal::ZeroRoot);
        let zero_epoch = Checkpoint { epoch: 0, ..sound };
        let signatures = world.hub.set.certify_least(&zero_epoch.digest());
        let zero_epoch = calls::verify_checkpoint(world.payer(), &zero_epoch, &flat(&signatures));
        world.chain.refused_account(zero_epoch, &[], &[Refusal::UnknownEpoch]);
        if round == 0 {
            world.rotate(ValidatorSet::of("next", 4), START + 1_000_000);
        }
    }
    let deliver = {
        let message = world.message(1);
        let unverified = world.certify(Kind::General, &[[0; 32]]);
        world.deliver(&unverified, 0, &message)
    };
    world.chain.refused_account(deliver, &[], &[]);
}

fn flat(certificate: &Certificate) -> Vec<u8> {
    [&certificate.bitmap[..], &certificate.signatures.concat()].concat()
}

#[test]
fn harmony_a_set_below_the_least_size_has_no_say() {
    let mut world = World::new();
    let few = ValidatorSet::of("few", 3);
    let hash = few.hash();
    let rotation = world.proven(Kind::Rotation, &[leaf::rotate(2, &hash, START + 1_000_000)]);
    let terms = (2, START + 1_000_000, &hash);
    let rotate = calls::rotate(world.payer(), &rotation.checkpoint, terms, &rotation.proof(0));
    let publish = calls::publish_set(world.payer(), 2, &few.encoding());
    world.chain.done(&[rotate], &[]);
    world.chain.done(&[publish], &[]);
    (world.hub.epoch, world.hub.set) = (2, few);
    let certified = world.certify(Kind::General, &[[1; 32]]);
    let verify = world.verify(&certified);
    world.chain.refused(verify, &[], Refusal::TooFewValidators);
}

/// Keys that were stolen lose their power over messages with the next rotation.
#[test]
fn orbit_a_rotation_takes_the_power_of_stolen_keys() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let stolen = world.hub.clone();
    world.rotate(ValidatorSet::of("next", 4), START + 1_000_000);
    let fresh = std::mem::replace(&mut world.hub, stolen);
    let certified = world.certify(Kind::General, &[leaf]);
    let verify = world.verify(&certified);
    world.chain.try_send(&[verify], &[]).ok();
    let deliver = world.deliver(&certified, 0, &message);
    world.chain.refused_account(deliver, &[], &[Refusal::RetiredEpoch]);
    world.hub = fresh;
    let proven = world.proven(Kind::General, &[leaf]);
    let deliver = world.deliver(&proven, 0, &message);
    world.chain.done(&[deliver], &[]);
}

/// A deposit event without a deposit: a lock exists only with what moved.
#[test]
fn qubit_what_was_not_deposited_is_not_locked() {
    let mut world = World::new();
    let token = world.token("token", TOKEN_LEGACY);
    let alice = world.alice.pubkey();
    let leg = world.leg(token.mint.to_bytes(), 1_000_001);
    let lock = calls::lock_token(world.payer(), &[1; 32], &leg, token);
    // She has a million.
    world.chain.fails(&[lock.clone()], &[&world.alice]);
    assert!(world.chain.lock(&leg.lock_key(&[1; 32])).is_none());
    // A program of Mallory's in place of the token program moves nothing and says that it did.
    let fake = lock.substitute(TOKEN_LEGACY, key_named("mallory's token program").pubkey());
    world.chain.refused_account(fake, &[&world.alice], &[Refusal::WrongToken]);
    // Nor does an account in a mint's place that was never minted.
    let nothing = world.leg(key_named("no mint").pubkey().to_bytes(), 5);
    let no_mint = TokenRef { mint: key_named("no mint").pubkey(), program: TOKEN_LEGACY };
    let lock = calls::lock_token(world.payer(), &[1; 32], &nothing, no_mint);
    world.chain.refused_account(lock, &[&world.alice], &[]);
    assert_eq!(world.chain.tokens(&associated(&alice, token)), 1_000_000);
}

/// A valid proof of a payout that nothing backs.
#[test]
fn verus_a_payout_without_backing_is_refused() {
    let mut world = World::new();
    world.route(&SOL, 1, 18);
    world.limit(&SOL, 1_000_000_000_000);
    world.locked(500_000_000_000);
    world.chain.fund(pda::bridge(), 500_000_000_000);
    let bob = world.bob.pubkey();
    let forged = world.transfer(1, SOL, bob.to_bytes(), 1, u128::MAX);
    let leaf = world.message_leaf(&forged);
    let proven = world.proven(Kind::General, &[leaf]);
    let deliver = calls::deliver_transfer(&proven.checkpoint, &forged, bob, &proven.proof(0));
    world.chain.refused(deliver, &[], Refusal::MintExceedsLocked);
    assert_eq!(world.held(Purse::Escrow), 500_000_000_000);
}

/// Keys below a quorum are worth nothing, however often they sign.
#[test]
fn thorchain_leaked_keys_below_a_quorum_are_worth_nothing_together() {
    let mut world = World::new();
    let checkpoint = world.hub.checkpoint(Kind::General, START, &[[1; 32]]);
    for signers in [&[0, 1][..], &[1], &[0], &[0, 1]] {
        let certificate = world.hub.set.certify(&checkpoint.digest(), signers);
        let verify = calls::verify_checkpoint(world.payer(), &checkpoint, &flat(&certificate));
        world.chain.done(&[verify], &[]);
    }
    assert!(!world.chain.checkpoint(&pda::checkpoint(&checkpoint.digest())).expect("it waits").is_verified);
}

/// The owner's key replaced the verifier. Here the owner names no set, no hub and no second gateway.
#[test]
fn iotube_the_owner_cannot_replace_a_living_set() {
    let mut world = World::new();
    let hash = ValidatorSet::of("owner's own", 4).hash();
    for (key, why) in [(&world.owner, Refusal::Unauthorized), (&world.recovery_owner, Refusal::EpochNotExpired)] {
        let terms = (2, START + 1_000_000, &hash);
        let recover = calls::recover(key.pubkey(), world.chain.payer.pubkey(), 1, terms);
        world.chain.refused(recover, &[key], why);
    }
}

/// Every entry point asks where its right comes from: a signature of a role, a certificate, or nothing but time.
#[test]
fn crosscurve_nothing_is_delivered_without_a_certificate() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let certified = world.certify(Kind::General, &[leaf]);
    let deliver = world.deliver(&certified, 0, &message);
    world.chain.refused_account(deliver, &[], &[]);
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.certify(Kind::Commits, &[leaf::decision(&deal, true)]);
    let settle = world.settle(&decision, true, &deal, &leg);
    world.chain.refused_account(settle, &[], &[]);
}

/// A leaf's index was not bound to the number of leaves.
#[test]
fn hyperbridge_an_index_beyond_the_count_is_refused() {
    let mut world = World::new();
    let message = world.message(1);
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf, [2; 32], [3; 32]]);
    let route = world.inward(REMOTE);
    let good = proven.proof(0);
    let bent = [
        (Multiproof { indices: vec![3], ..good.clone() }, Refusal::IndexOutOfRange),
        (Multiproof { indices: vec![4], ..good.clone() }, Refusal::IndexOutOfRange),
        (Multiproof { count: 4, ..good.clone() }, Refusal::RootMismatch),
        (Multiproof { count: 4, indices: vec![3], ..good.clone() }, Refusal::RootMismatch),
        (Multiproof { count: 0, ..good }, Refusal::EmptyProof),
    ];
    for (proof, why) in bent {
        let deliver = calls::deliver(world.payer(), &proven.checkpoint, (&message, &route), &proof);
        world.chain.refused(deliver, &[], why);
    }
}

/// One deposit, several approvals: the same refund again, within one transaction.
#[test]
fn messina_a_credit_is_paid_once_in_a_transaction() {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    let decision = world.decided(&deal, false);
    let settle = world.settle(&decision, false, &deal, &leg);
    let withdraw = calls::withdraw_credit(Purse::Escrow, world.alice.pubkey(), world.payer());
    let is_account = |code: u32| (3_000..4_000).contains(&code);
    world.chain.refused_with(&[settle, withdraw.clone(), withdraw], &[], is_account, "an account that is gone");
}

/// A validator that stands twice has its weight twice.
#[test]
fn bsc_precompile_a_member_that_stands_twice_is_no_set() {
    let mut world = World::new();
    let one = Validator::named("one", 1).address;
    let set = encode_members([(one, 1), (one, 1), (one, 1), (one, 1)].into_iter());
    let hash = valset_hash(&set);
    let certified = world.proven(Kind::Rotation, &[leaf::rotate(2, &hash, START + 1_000_000)]);
    let terms = (2, START + 1_000_000, &hash);
    let rotate = calls::rotate(world.payer(), &certified.checkpoint, terms, &certified.proof(0));
    world.chain.done(&[rotate], &[]);
    let publish = calls::publish_set(world.payer(), 2, &set);
    world.chain.refused(publish, &[], Refusal::InvalidValidatorSet);
}

/// The issuer of a bridged token is the bridge alone.
#[test]
fn poly_only_the_bridge_mints_what_it_backs() {
    let mut world = World::new();
    let args = MintArgs { mint_authority: Some(pda::bridge()), freeze_authority: None, ..MintArgs::of(6) };
    let token = world.chain.put_mint("minted", TOKEN_LEGACY, &args);
    let account = world.chain.open_account(world.mallory.pubkey(), token);
    for thief in [issuer(), key_named("mallory")] {
        let accounts = vec![
            AccountMeta::new(token.mint, false),
            AccountMeta::new(account, false),
            AccountMeta::new_readonly(thief.pubkey(), true),
        ];
        let data = [&[7][..], &1u64.to_le_bytes()].concat();
        world.chain.fails(&[Instruction { program_id: TOKEN_LEGACY, accounts, data }], &[&thief]);
    }
}
