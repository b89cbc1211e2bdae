//! Who and what there is before a sequence begins, the same for both sides.

use infrastrukt_svm_tests::{
    Chain, DAY, START, TOKEN_2022, TOKEN_LEGACY, TokenRef, World, key_named,
    tokens::{MintArgs, open_associated},
    wire::{Validator, ValidatorSet, Word, keccak},
};
use solana_address::Address;
use solana_signer::Signer;

/// Lamports of one unit: amounts are multiples, so that no account is left with less than its rent.
pub(crate) const SOL_UNIT: u64 = 10_000_000;
/// Units of SOL that each depositor has at first.
pub(crate) const SOL_UNITS: u64 = 40;
/// What each depositor has of each token at first: little, so that it runs out.
pub(crate) const TOKENS: u64 = 4_000;
/// Longest epoch that a generator asks for, in steps of [`EXPIRY_STEP`].
pub(crate) const EXPIRY_STEPS: u64 = 24;
/// Expiries come from a grid.
pub(crate) const EXPIRY_STEP: u64 = 20 * DAY;

/// People by their places.
pub(crate) const DEPOSITORS: usize = 3;

/// The world with accounts, mints and money.
pub(crate) struct Setting {
    pub(crate) world: World,
    /// Alice, Bob and Carol, who deposit, and Dave, who settles and is paid.
    pub(crate) people: [Word; 4],
    pub(crate) payer: Word,
    pub(crate) guardian: Word,
    pub(crate) recovery_owner: Word,
    pub(crate) tokens: [TokenRef; 2],
    /// An account that is named as a token and is none.
    pub(crate) no_token: Word,
    pub(crate) deals: [Word; 3],
    /// Sets that may rule; the last is too small to.
    pub(crate) sets: Vec<ValidatorSet>,
    /// Lamports that stay with every account, and that neither side counts.
    pub(crate) floor: u64,
}

impl Setting {
    pub(crate) fn new() -> Self {
        let mut world = World::on(Chain::unsigned(START));
        let tokens = [("legacy", TOKEN_LEGACY), ("newer", TOKEN_2022)].map(|(name, program)| {
            let token = world.chain.put_mint(name, program, &MintArgs::of(6));
            world.open_asset(token);
            token
        });
        let people = ["alice", "bob", "carol", "dave"].map(|name| key_named(name).pubkey());
        let floor = world.chain.rent(0);
        for (place, person) in people.into_iter().enumerate() {
            let units = if place < DEPOSITORS { SOL_UNITS } else { 1_000 };
            world.chain.fund(person, floor + units * SOL_UNIT);
            for token in tokens {
                let account = world.chain.open_account(person, token);
                world.chain.mint_to(token, account, TOKENS);
            }
        }
        for token in tokens {
            let payer = world.payer();
            world.chain.done(&[open_associated(payer, payer, token)], &[]);
        }
        let weighty = [1, 1, 2, 2].into_iter().enumerate();
        let weighty = weighty.map(|(place, weight)| Validator::named(&format!("weighty {place}"), weight)).collect();
        Self {
            people: people.map(|person| person.to_bytes()),
            payer: world.payer().to_bytes(),
            guardian: world.guardian.pubkey().to_bytes(),
            recovery_owner: world.recovery_owner.pubkey().to_bytes(),
            tokens,
            no_token: keccak(&[b"no token"]),
            deals: ["first deal", "second deal", "third deal"].map(|name| keccak(&[name.as_bytes()])),
            sets: vec![
                ValidatorSet::of("validator", 4),
                ValidatorSet::of("second", 4),
                ValidatorSet::new(weighty),
                ValidatorSet::of("few", 3),
            ],
            floor,
            world,
        }
    }

    /// Everyone who can be owed something.
    pub(crate) fn holders(&self) -> Vec<Word> {
        self.people.into_iter().chain([self.payer]).collect()
    }

    /// The token of a mint, unless it is none.
    pub(crate) fn token(&self, mint: &Word) -> Option<TokenRef> {
        self.tokens.into_iter().find(|token| token.mint == Address::new_from_array(*mint))
    }

    /// The set with this hash; the first for one that nobody made.
    pub(crate) fn set(&self, hash: &Word) -> &ValidatorSet {
        self.sets.iter().find(|set| set.hash() == *hash).unwrap_or(&self.sets[0])
    }
}
