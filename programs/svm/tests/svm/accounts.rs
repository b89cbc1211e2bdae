//! Every account of every instruction is checked for what it is: no other account does in its place, whether it is
//! empty, a copy, a sibling, or another account of the same call; and nothing happens without the signatures and the
//! write locks that are asked for.

use infrastrukt_svm_tests::{
    Chain, FIRST_EXPIRY, PROGRAM, START, TOKEN_2022, TOKEN_LEGACY, World,
    calls::{self, Bend},
    code, framework, initialize_args, key_named,
};
use solana_account::Account;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_signer::Signer;

use crate::rich::{Case, rich};

/// What the failures of one case are collected in.
struct Findings<'a> {
    chain: &'a mut Chain,
    case: &'a Case,
    accepted: Vec<String>,
}

fn fresh() -> Address {
    key_named("nobody knows this account").pubkey()
}

fn other_program() -> Address {
    key_named("another program").pubkey()
}

impl Findings<'_> {
    /// Notes a bent call that goes through.
    fn must_fail(&mut self, what: &str, at: usize, call: Instruction) {
        if self.chain.simulate(&[call], &[]).is_ok() {
            self.accepted.push(format!("{}: account {at} {what}", self.case.name));
        }
    }

    fn replaced(&self, at: usize, by: Address) -> Instruction {
        let mut call = self.case.call.clone();
        call.accounts[at].pubkey = by;
        call
    }

    fn substitutions(&mut self, at: usize) {
        let own = self.case.call.accounts[at].pubkey;
        self.must_fail("may be an empty account", at, self.replaced(at, fresh()));
        for other in self.case.call.accounts.clone() {
            if other.pubkey != own {
                self.must_fail("may be another account of the call", at, self.replaced(at, other.pubkey));
            }
        }
        let Some(account) = self.chain.account(&own) else { return };
        self.copy(at, &account);
        if self.case.kin.contains(&at) {
            return;
        }
        for sibling in self.siblings(own, &account) {
            self.must_fail("may be a sibling", at, self.replaced(at, sibling));
        }
    }

    /// The same bytes elsewhere, owned as before or by another program.
    fn copy(&mut self, at: usize, account: &Account) {
        if account.executable {
            return;
        }
        let place = key_named("a copy").pubkey();
        if !self.case.copies.contains(&at) {
            self.chain.put(place, account.clone());
            self.must_fail("may be a copy of itself", at, self.replaced(at, place));
        }
        self.chain.put(place, Account { owner: other_program(), ..account.clone() });
        self.must_fail("may be a copy that another program owns", at, self.replaced(at, place));
        self.chain.put(place, Account::default());
    }

    /// Accounts of the same owner that begin alike.
    fn siblings(&self, own: Address, account: &Account) -> Vec<Address> {
        if ![PROGRAM, TOKEN_LEGACY, TOKEN_2022].contains(&account.owner) {
            return Vec::new();
        }
        let is_alike = |other: &Account| {
            if account.owner == PROGRAM {
                other.data.get(..8) == account.data.get(..8)
            } else {
                other.data.len() == account.data.len()
            }
        };
        let all = self.chain.owned_by(&account.owner).into_iter();
        all.filter(|(address, other)| *address != own && is_alike(other)).map(|(address, _)| address).collect()
    }

    fn flags(&mut self, at: usize) {
        let meta = self.case.call.accounts[at].clone();
        // The payer of the transaction signs and is written to, whatever an instruction says.
        if meta.pubkey == self.chain.payer.pubkey() {
            return;
        }
        if meta.is_signer {
            self.must_fail("need not sign", at, self.case.call.clone().unsigned(meta.pubkey));
        }
        if meta.is_writable {
            self.must_fail("need not be writable", at, self.case.call.clone().read_only(meta.pubkey));
        }
    }
}

fn accepted(world: &mut World, case: &Case) -> Vec<String> {
    let honest = world.chain.simulate(&[case.call.clone()], &[]);
    honest.unwrap_or_else(|failure| {
        panic!("{} does not even work: {:?}\n{}", case.name, failure.err, failure.meta.pretty_logs())
    });
    let mut findings = Findings { chain: &mut world.chain, case, accepted: Vec::new() };
    for (at, meta) in case.call.accounts.iter().enumerate() {
        findings.flags(at);
        // The program itself, which the runtime needs to call it and nothing reads.
        if meta.pubkey != PROGRAM && !case.free.contains(&at) {
            findings.substitutions(at);
        }
    }
    let Findings { mut accepted, chain, .. } = findings;
    let cut = chain.simulate(&[case.call.clone().without_last(1)], &[]);
    if cut.is_ok() {
        accepted.push(format!("{}: the last account may be left out", case.name));
    }
    accepted
}

#[test]
fn every_account_of_every_instruction_is_checked() {
    let (mut world, cases) = rich();
    let found: Vec<String> = cases.iter().flat_map(|case| accepted(&mut world, case)).collect();
    assert!(found.is_empty(), "{} substitutions are accepted:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_account_of_initialize_is_checked() {
    let mut world = World::bare(Chain::unsigned(START));
    let args = initialize_args(&world.hub.set);
    let authority = world.chain.upgrade_authority.pubkey();
    let call = calls::initialize(world.payer(), authority, Chain::program_data(), &args);
    let case = Case { name: "initialize", call, free: &[0], copies: &[], kin: &[] };
    let found = accepted(&mut world, &case);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_account_of_recover_is_checked() {
    let mut world = World::on(Chain::unsigned(START));
    let expired = FIRST_EXPIRY + 1;
    world.chain.set_time(expired);
    let following = (5, expired + 1_000_000, &[7; 32]);
    let call = calls::recover(world.recovery_owner.pubkey(), world.payer(), 1, following);
    let case = Case { name: "recover", call, free: &[1], copies: &[], kin: &[] };
    let found = accepted(&mut world, &case);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_account_of_publish_set_is_checked() {
    let mut world = World::on(Chain::unsigned(START));
    let expired = FIRST_EXPIRY + 1;
    world.chain.set_time(expired);
    let following = (5, expired + 1_000_000, &world.hub.set.hash());
    let recover = calls::recover(world.recovery_owner.pubkey(), world.payer(), 1, following);
    world.chain.done(&[recover], &[]);
    let call = calls::publish_set(world.payer(), 5, &world.hub.set.encoding());
    let case = Case { name: "publish_set", call, free: &[0], copies: &[], kin: &[] };
    let found = accepted(&mut world, &case);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Arguments that end too early, claim vectors beyond themselves, or belong to no instruction.
#[test]
fn arguments_that_are_cut_or_oversized_are_refused() {
    let (world, cases) = rich();
    for case in &cases {
        let arguments = case.call.data.len() - 8;
        for cut in 1..=arguments.min(200) {
            let outcome = world.chain.simulate(&[case.call.clone().cut(cut)], &[]);
            assert!(outcome.is_err(), "{} without its last {cut} bytes went through", case.name);
        }
        let mut unknown = case.call.clone();
        unknown.data[0] ^= 1;
        let failure = world.chain.simulate(&[unknown], &[]).expect_err("no instruction has this name");
        assert_eq!(code(&failure), Some(framework::UNKNOWN_INSTRUCTION), "{}", case.name);
    }
}

/// A vector that says it has 4 billion elements stops the call, and not the machine: the heap is 32 kB.
#[test]
fn lengths_beyond_the_data_are_refused() {
    let (world, cases) = rich();
    for case in &cases {
        for at in 8..case.call.data.len().saturating_sub(3) {
            let mut call = case.call.clone();
            call.data[at..at + 4].fill(0xff);
            let unchanged = call.data == case.call.data;
            let outcome = world.chain.simulate(&[call], &[]);
            assert!(unchanged || outcome.is_err() || is_price_or_time(case.name), "{} at {at} went through", case.name);
        }
    }
}

/// Instructions whose every argument is a number or an account that its signer chooses.
fn is_price_or_time(name: &str) -> bool {
    let chosen = [
        "send",
        "bridge",
        "bridge_token",
        "set_target",
        "set_fee",
        "pause_target",
        "pause",
        "set_guardian",
        "register_peer",
        "register_route",
        "set_receive_gas",
        "set_outflow_limit",
        "lock",
        "lock_token",
        "cancel_lock",
        "withdraw_fees",
        "open_page",
    ];
    chosen.contains(&name)
}
