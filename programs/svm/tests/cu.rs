//! Compute units of every instruction that people and relayers call, as they call it: whole transactions, the compute
//! budget's own 150 units included. They are the same on every machine, so that the snapshot is compared exactly.
//!
//! `UPDATE_CU=1` writes `programs/artifacts/cu.json` anew; a changed line there is explained in its commit.

use std::{collections::BTreeMap, env, fs, path::Path};

use infrastrukt_svm_tests::{
    CONSUMED, DAY, HERE, MintArgs, Purse, REFUNDED, REMOTE, SOL, START, TOKEN_2022, TOKEN_LEGACY, TokenRef, World,
    calls::{self, BridgeArgs, SendArgs},
    evm_account, pda,
    wire::{Kind, Message, ValidatorSet, Word, keccak, leaf},
};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

const SNAPSHOT: &str = "../artifacts/cu.json";
const ELF: &str = "../artifacts/infrastrukt_gateway.so";
/// Bytes of the program, for which rent is paid.
const ELF_BYTES_MAX: u64 = 400_000;
/// What must not be exceeded, whatever the snapshot says.
const LIMITS: [(&str, u64); 9] = [
    ("verify 3 of 4 and deliver", 125_000),
    ("lock SOL", 20_000),
    ("lock SPL", 20_000),
    ("lock Token-2022", 20_000),
    ("verify 3 of 4 and settle, commit", 125_000),
    ("verify 3 of 4 and settle, abort", 125_000),
    ("settle on a verified checkpoint, commit", 25_000),
    ("settle on a verified checkpoint, abort", 25_000),
    ("settle on a verified checkpoint, without tip", 25_000),
];

/// Transactions by name, with their units.
#[derive(Default)]
struct Figures(BTreeMap<&'static str, u64>);

impl Figures {
    fn measure(&mut self, name: &'static str, world: &mut World, calls: &[Instruction], signers: &[&Keypair]) {
        let units = world.chain.done(calls, signers).compute_units_consumed;
        assert!(self.0.insert(name, units).is_none(), "{name} is measured twice");
    }
}

fn people(world: &World) -> [Keypair; 3] {
    [&world.alice, &world.bob, &world.owner].map(Keypair::insecure_clone)
}

fn deal(name: &str) -> Word {
    keccak(&[name.as_bytes()])
}

fn messages(figures: &mut Figures) {
    let mut world = World::new();
    let [alice, bob, _] = people(&world);
    let payer = world.payer();
    let send = calls::send(alice.pubkey(), payer, REMOTE, &world.send_args());
    figures.measure("send", &mut world, &[send], &[&alice]);
    let open = calls::open_page(payer, CONSUMED, REMOTE, 1);
    figures.measure("open a page", &mut world, &[open], &[]);
    let all: Vec<Message> = (1..=6).map(|nonce| world.message(nonce)).collect();
    let late = Message { deadline: START - 1, ..world.message(7) };
    let leaves: Vec<Word> = all.iter().chain([&late]).map(|message| world.message_leaf(message)).collect();
    let certified = world.certify(Kind::General, &leaves);
    let both = [world.verify(&certified), world.deliver(&certified, 0, &all[0])];
    figures.measure("verify 3 of 4 and deliver", &mut world, &both, &[]);
    let deliver = world.deliver(&certified, 1, &all[1]);
    figures.measure("deliver on a verified checkpoint", &mut world, &[deliver], &[]);
    let route = world.inward(REMOTE);
    let proof = certified.tree.proof(&[2, 3, 4, 5]);
    let batch = calls::deliver_batch(payer, &certified.checkpoint, (&all[2..], &route), &proof);
    figures.measure("deliver a batch of 4 on a verified checkpoint", &mut world, &[batch], &[]);
    let consume = calls::consume(bob.pubkey(), pda::inbox(&all[0].id(&route)), payer);
    figures.measure("consume", &mut world, &[consume], &[&bob]);
    let expire = calls::expire(&certified.checkpoint, &late, &certified.proof(6));
    figures.measure("expire on a verified checkpoint", &mut world, &[expire], &[]);
    world.chain.pass(3_600);
    let close = calls::close_checkpoint(certified.address(), payer);
    figures.measure("close a checkpoint", &mut world, &[close.clone()], &[]);
    figures.measure("close a checkpoint that is gone", &mut world, &[close], &[]);
    refunds(figures);
}

fn refunds(figures: &mut Figures) {
    let mut world = World::new();
    let [alice, ..] = people(&world);
    let payer = world.payer();
    let args = SendArgs { deadline: START + DAY, ..world.send_args() };
    let page = calls::open_page(payer, REFUNDED, REMOTE, 0);
    world.chain.done(&[calls::send(alice.pubkey(), payer, REMOTE, &args), page], &[&alice]);
    let message = Message {
        sender: alice.pubkey().to_bytes(),
        timestamp: world.chain.now(),
        gas_limit: args.gas_limit,
        deadline: args.deadline,
        payload: args.payload,
        ..Message::plain(HERE, REMOTE, 1, args.recipient)
    };
    let route = world.outward(REMOTE);
    let id = message.id(&route);
    let proven = world.proven(Kind::General, &[leaf::expired(&id)]);
    let refund = calls::refund(payer, &proven.checkpoint, (&message, &route), &proven.proof(0));
    figures.measure("refund on a verified checkpoint", &mut world, &[refund], &[]);
    let consume = calls::consume_notice(alice.pubkey(), pda::notice(&id), payer);
    figures.measure("consume a notice", &mut world, &[consume], &[&alice]);
}

fn verification(figures: &mut Figures) {
    let mut world = World::new();
    let certified = world.certify(Kind::General, &[[1; 32]]);
    let verify = world.verify(&certified);
    figures.measure("verify 3 of 4", &mut world, &[verify], &[]);
    let next = ValidatorSet::of("next", 4);
    let (hash, expires_at) = (next.hash(), START + 90 * DAY);
    let rotation = world.proven(Kind::Rotation, &[leaf::rotate(2, &hash, expires_at)]);
    let terms = (2, expires_at, &hash);
    let rotate = calls::rotate(world.payer(), &rotation.checkpoint, terms, &rotation.proof(0));
    figures.measure("rotate on a verified checkpoint", &mut world, &[rotate], &[]);
    let publish = calls::publish_set(world.payer(), 2, &next.encoding());
    figures.measure("publish a set of 4", &mut world, &[publish], &[]);
}

fn locks(figures: &mut Figures) {
    let mut world = World::new();
    let [alice, ..] = people(&world);
    let payer = world.payer();
    let leg = world.leg(SOL, 1_000_000);
    let lock = calls::lock(payer, &deal("sol"), &leg);
    figures.measure("lock SOL", &mut world, &[lock], &[&alice]);
    for (name, program) in [("lock SPL", TOKEN_LEGACY), ("lock Token-2022", TOKEN_2022)] {
        let token = world.token(name, program);
        let leg = world.leg(token.mint.to_bytes(), 1_000);
        let lock = calls::lock_token(payer, &deal(name), &leg, token);
        figures.measure(name, &mut world, &[lock], &[&alice]);
    }
    let cancel = calls::cancel_lock(payer, &deal("cancelled"), &leg);
    figures.measure("cancel a lock", &mut world, &[cancel], &[&alice]);
}

fn settlements(figures: &mut Figures) {
    let names = [
        (true, "verify 3 of 4 and settle, commit", "settle on a verified checkpoint, commit"),
        (false, "verify 3 of 4 and settle, abort", "settle on a verified checkpoint, abort"),
    ];
    for (commit, with_certificate, on_checkpoint) in names {
        let mut world = World::new();
        let kind = if commit { Kind::Commits } else { Kind::General };
        let (first, leg) = world.locked(1_000_000);
        let certified = world.certify(kind, &[leaf::decision(&first, commit), [1; 32]]);
        let both = [world.verify(&certified), world.settle(&certified, commit, &first, &leg)];
        figures.measure(with_certificate, &mut world, &both, &[]);
        // Credits of its own, as for another payee.
        let mut world = World::new();
        let (second, leg) = world.locked(2_000_000);
        let proven = world.proven(kind, &[leaf::decision(&second, commit), [1; 32]]);
        let settle = world.settle(&proven, commit, &second, &leg);
        figures.measure(on_checkpoint, &mut world, &[settle], &[]);
    }
    without_tip(figures);
}

fn without_tip(figures: &mut Figures) {
    let mut world = World::new();
    let mut leg = world.leg(SOL, 1_000_000);
    leg.leg.tip = 0;
    let lock = calls::lock(world.payer(), &deal("no tip"), &leg);
    world.chain.done(&[lock], &[&world.alice]);
    let decision = world.decided(&deal("no tip"), true);
    let settle = world.settle(&decision, true, &deal("no tip"), &leg);
    figures.measure("settle on a verified checkpoint, without tip", &mut world, &[settle], &[]);
    let withdraw = calls::withdraw_credit(Purse::Escrow, world.bob.pubkey(), world.payer());
    figures.measure("withdraw a credit of SOL", &mut world, &[withdraw], &[]);
}

fn tokens_paid(figures: &mut Figures) {
    let both = [("withdraw a credit of SPL", TOKEN_LEGACY), ("withdraw a credit of Token-2022", TOKEN_2022)];
    for (name, program) in both {
        let mut world = World::new();
        let token = world.token("token", program);
        let (deal, leg) = world.locked_token(token, 1_000);
        let decision = world.decided(&deal, true);
        let settle = world.settle(&decision, true, &deal, &leg);
        world.chain.done(&[settle], &[]);
        let bob = world.bob.pubkey();
        world.chain.open_account(bob, token);
        let withdraw = calls::withdraw_credit_token(Purse::Escrow, bob, token, world.payer());
        figures.measure(name, &mut world, &[withdraw], &[]);
    }
}

fn escapes(figures: &mut Figures) {
    let mut world = World::new();
    let (deal, leg) = world.locked(1_000_000);
    world.chain.set_time(leg.leg.escape_at);
    figures.measure("request an escape", &mut world, &[calls::request_escape(&deal, &leg)], &[]);
    world.chain.pass(leg.leg.escape_window);
    let execute = calls::execute_escape(world.payer(), &deal, &leg);
    figures.measure("execute an escape", &mut world, &[execute], &[]);
}

fn minted(world: &mut World) -> TokenRef {
    let args = MintArgs { mint_authority: Some(pda::bridge()), freeze_authority: None, ..MintArgs::of(6) };
    let token = world.chain.put_mint("minted", TOKEN_LEGACY, &args);
    world.open_asset(token);
    token
}

fn transfers(figures: &mut Figures) {
    let mut world = World::new();
    let [alice, bob, _] = people(&world);
    world.route(&SOL, 1, 18);
    world.limit(&SOL, 1_000_000_000);
    let args = BridgeArgs {
        recipient: evm_account("carol"),
        amount: 1_000_000,
        deadline: START + DAY,
        refund_to: alice.pubkey().to_bytes(),
        max_fee: u64::MAX,
    };
    let out = calls::bridge(alice.pubkey(), REMOTE, &args);
    figures.measure("bridge SOL", &mut world, &[out], &[&alice]);
    let back = world.transfer(1, SOL, bob.pubkey().to_bytes(), 500, 500);
    let leaf = world.message_leaf(&back);
    let proven = world.proven(Kind::General, &[leaf]);
    let deliver = calls::deliver_transfer(&proven.checkpoint, &back, bob.pubkey(), &proven.proof(0));
    figures.measure("deliver a transfer of SOL on a verified checkpoint", &mut world, &[deliver], &[]);
    minting(figures);
}

fn minting(figures: &mut Figures) {
    let mut world = World::new();
    let [alice, bob, _] = people(&world);
    let token = minted(&mut world);
    let mint = token.mint.to_bytes();
    world.route(&mint, 2, 18);
    world.limit(&mint, 1_000_000_000);
    world.chain.open_account(bob.pubkey(), token);
    let message = world.transfer(1, mint, bob.pubkey().to_bytes(), 500, 500);
    let leaf = world.message_leaf(&message);
    let proven = world.proven(Kind::General, &[leaf]);
    let to = (bob.pubkey(), token);
    let deliver = calls::deliver_transfer_token(&proven.checkpoint, &message, to, &proven.proof(0));
    figures.measure("deliver a transfer that mints on a verified checkpoint", &mut world, &[deliver], &[]);
    let args = BridgeArgs {
        recipient: evm_account("carol"),
        amount: 100,
        deadline: START + DAY,
        refund_to: alice.pubkey().to_bytes(),
        max_fee: u64::MAX,
    };
    let home = calls::bridge_token(bob.pubkey(), REMOTE, token, &args);
    figures.measure("bridge a token that burns", &mut world, &[home], &[&bob]);
}

fn figures() -> BTreeMap<&'static str, u64> {
    let mut figures = Figures::default();
    messages(&mut figures);
    verification(&mut figures);
    locks(&mut figures);
    settlements(&mut figures);
    tokens_paid(&mut figures);
    escapes(&mut figures);
    transfers(&mut figures);
    figures.0
}

#[test]
fn compute_units_are_those_of_the_snapshot() {
    let figures = figures();
    for (name, units) in &figures {
        println!("{name:<56} {units:>8}");
    }
    let json = serde_json::to_string_pretty(&figures).expect("names and numbers are JSON") + "\n";
    println!("{json}");
    for (name, most) in LIMITS {
        let units = figures.get(name).unwrap_or_else(|| panic!("{name} is not measured"));
        assert!(*units <= most, "{name} takes {units} compute units, more than {most}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(SNAPSHOT);
    if env::var_os("UPDATE_CU").is_some() {
        fs::write(&path, &json).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let snapshot = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}. `UPDATE_CU=1` writes it", path.display()));
    assert_eq!(json, snapshot, "the program costs something else; `UPDATE_CU=1` writes the snapshot anew");
}

#[test]
fn the_program_is_no_larger_than_its_bound() {
    let bytes = fs::metadata(Path::new(env!("CARGO_MANIFEST_DIR")).join(ELF)).expect("the program is committed").len();
    assert!(bytes <= ELF_BYTES_MAX, "the program has {bytes} bytes, more than {ELF_BYTES_MAX}");
}
