//! Who and what there is before a sequence begins.

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::Address;
use infrastrukt_sim::LegRules;
use infrastrukt_types::{Account, ChainId, DealId, HubId, Timestamp, keccak256};

pub(crate) const CHAIN: ChainId = ChainId(31_337);
pub(crate) const START: Timestamp = Timestamp(1_800_000_000);
pub(crate) const DAY_S: u64 = 86_400;
pub(crate) const WINDOW_MIN_S: u64 = DAY_S;
pub(crate) const HORIZON_S: u64 = 7 * DAY_S;
pub(crate) const GRACE_S: u64 = 10 * DAY_S;
pub(crate) const FIRST_EPOCH_S: u64 = 60 * DAY_S;
pub(crate) const MEMBERS_MIN: u16 = 4;
/// What each person has of the native coin and of the token at first: little, so that it runs out.
pub(crate) const BALANCE: u128 = 4_000;
/// What each person lets the escrow take of the token at first.
pub(crate) const ALLOWANCE: u128 = 2_500;

pub(crate) fn hub() -> HubId {
    HubId(keccak256("hub of the differential test"))
}

fn address(name: &str) -> Address {
    Address::from_slice(&keccak256(name)[12..])
}

/// Accounts and contracts, the same in every sequence.
pub(crate) struct World {
    /// Four who lock and settle, then the guardian and the owner of recoveries. All of them can sign.
    pub(crate) people: Vec<PrivateKeySigner>,
    /// Code that takes coins in even seconds and reverts in odd ones, so that credits come about and are paid out.
    pub(crate) refuser: Account,
    /// Where contracts come from: one deployer each, so that every address is known before.
    pub(crate) deployers: [Address; 3],
    pub(crate) verifier: Account,
    pub(crate) escrow: Account,
    pub(crate) token: Account,
    /// An address that is named as a token and has no code.
    pub(crate) no_code: Account,
    pub(crate) rules: LegRules,
    pub(crate) deals: [DealId; 3],
}

impl World {
    pub(crate) fn new() -> Self {
        let person = |name: &str| PrivateKeySigner::from_bytes(&keccak256(name)).expect("a hash is a key");
        let deployers = ["deployer of verifier", "deployer of escrow", "deployer of token"].map(address);
        let [verifier, escrow, token] = deployers.map(|deployer| Account::from(deployer.create(0)));
        Self {
            people: ["alice", "bob", "carol", "dave", "guardian", "owner"].map(person).to_vec(),
            refuser: address("refuser").into(),
            deployers,
            verifier,
            escrow,
            token,
            no_code: address("no code").into(),
            rules: LegRules { here: CHAIN, escrow, escape_window_min: WINDOW_MIN_S, lock_horizon_max: HORIZON_S },
            deals: ["first deal", "second deal", "third deal"].map(|name| DealId(keccak256(name))),
        }
    }

    pub(crate) fn person(&self, index: usize) -> Account {
        self.people[index].address().into()
    }

    pub(crate) fn guardian(&self) -> Account {
        self.person(4)
    }

    pub(crate) fn owner(&self) -> Account {
        self.person(5)
    }

    /// Everyone whose money is compared.
    pub(crate) fn holders(&self) -> Vec<Account> {
        let people = self.people.iter().map(|person| Account::from(person.address()));
        people.chain([self.refuser, self.escrow]).collect()
    }
}
