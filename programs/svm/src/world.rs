//! People, tokens and validators on a chain where the program is set up.

use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::{
    Certified, Chain, Hub, Purse, SOL,
    calls::{self, InitializeArgs, RouteArgs, SendArgs, TargetArgs},
    key_named, pda,
    tokens::{self, MintArgs, TokenRef},
    wire::{Kind, Leg, LegRef, Message, Route, TokenTransfer, ValidatorSet, Word, keccak, leaf},
};

/// When everything begins, in seconds.
pub const START: u64 = 1_800_000_000;
/// Seconds of a day.
pub const DAY: u64 = 86_400;
/// Longest way to a `lock_by`.
pub const HORIZON: u64 = 7 * DAY;
/// Shortest window of an escape.
pub const WINDOW_MIN: u64 = DAY;
/// Seconds for which a retired epoch decides.
pub const GRACE: u64 = 10 * DAY;
/// Last second of the first epoch.
pub const FIRST_EXPIRY: u64 = START + 60 * DAY;
/// Least members of a set.
pub const MEMBERS_MIN: u16 = 4;
/// The chain that the program is on.
pub const HERE: u64 = (1 << 63) | 900;
/// An EVM chain.
pub const REMOTE: u64 = 31_337;
/// Another EVM chain.
pub const OTHER_REMOTE: u64 = 56;
/// What everybody begins with.
pub const FUNDS: u64 = 1_000_000_000_000;
/// Fee of every message, in lamports.
pub const BASE_FEE: u64 = 5_000;
/// Price of a million gas, in lamports.
pub const FEE_PER_GAS: u64 = 2_000;

/// The hub of all tests.
pub fn hub_id() -> Word {
    keccak(&[b"hub of the svm tests"])
}

/// An EVM address of somebody.
pub fn evm_account(name: &str) -> Word {
    let mut word = keccak(&[name.as_bytes()]);
    word[..12].fill(0);
    word
}

/// Everything that tests need.
pub struct World {
    /// The chain.
    pub chain: Chain,
    /// The hub in its current epoch.
    pub hub: Hub,
    /// Administers.
    pub owner: Keypair,
    /// Recovers.
    pub recovery_owner: Keypair,
    /// Pauses.
    pub guardian: Keypair,
    /// Locks and sends.
    pub alice: Keypair,
    /// Is paid by commits.
    pub bob: Keypair,
    /// Has no part in anything.
    pub mallory: Keypair,
}

impl Clone for World {
    fn clone(&self) -> Self {
        let [owner, recovery_owner, guardian, alice, bob, mallory] =
            [&self.owner, &self.recovery_owner, &self.guardian, &self.alice, &self.bob, &self.mallory]
                .map(Keypair::insecure_clone);
        let (chain, hub) = (self.chain.clone(), self.hub.clone());
        Self { chain, hub, owner, recovery_owner, guardian, alice, bob, mallory }
    }
}

/// What `initialize` is called with.
pub fn initialize_args(set: &ValidatorSet) -> InitializeArgs {
    InitializeArgs {
        hub_id: hub_id(),
        chain: HERE,
        owner: key_named("owner").pubkey(),
        recovery_owner: key_named("recovery owner").pubkey(),
        guardian: key_named("guardian").pubkey(),
        grace: GRACE,
        min_validators: MEMBERS_MIN,
        min_escape_window: WINDOW_MIN,
        max_lock_horizon: HORIZON,
        epoch: 1,
        expires_at: FIRST_EXPIRY,
        valset_hash: set.hash(),
    }
}

/// The way to [`REMOTE`].
pub fn target_args(chain: u64) -> TargetArgs {
    TargetArgs {
        chain,
        gateway: evm_account(&format!("gateway of {chain}")),
        max_gas_limit: 1_000_000,
        max_payload: 1_024,
        is_evm: true,
    }
}

impl World {
    /// A chain with the program set up, a set of four, and the way to two chains open.
    pub fn new() -> Self {
        Self::on(Chain::new(START))
    }

    /// The same on a chain of the caller's.
    pub fn on(chain: Chain) -> Self {
        let mut world = Self::bare(chain);
        let (set, payer) = (world.hub.set.clone(), world.chain.payer.pubkey());
        let authority = world.chain.upgrade_authority.insecure_clone();
        let args = initialize_args(&set);
        let initialize = calls::initialize(payer, authority.pubkey(), Chain::program_data(), &args);
        let publish = calls::publish_set(payer, args.epoch, &set.encoding());
        world.chain.done(&[initialize, publish], &[&authority]);
        for remote in [REMOTE, OTHER_REMOTE] {
            let owner = world.owner.pubkey();
            let target = calls::set_target(owner, payer, &target_args(remote));
            let fee = calls::set_fee(owner, remote, BASE_FEE, FEE_PER_GAS, START + 365 * DAY);
            let page = calls::open_page(payer, pda::CONSUMED, remote, 0);
            world.chain.done(&[target, fee, page], &[&world.owner]);
        }
        world
    }

    /// Everybody, and the program not yet initialized.
    pub fn bare(mut chain: Chain) -> Self {
        let names = ["owner", "recovery owner", "guardian", "alice", "bob", "mallory"];
        let [owner, recovery_owner, guardian, alice, bob, mallory] = names.map(key_named);
        for key in [&owner, &recovery_owner, &guardian, &alice, &bob, &mallory] {
            chain.fund(key.pubkey(), FUNDS);
        }
        let hub = Hub { id: hub_id(), epoch: 1, set: ValidatorSet::of("validator", 4), height: 0 };
        Self { chain, hub, owner, recovery_owner, guardian, alice, bob, mallory }
    }

    /// Who pays for rent.
    pub fn payer(&self) -> Address {
        self.chain.payer.pubkey()
    }

    /// A checkpoint over these leaves, certified now.
    pub fn certify(&mut self, kind: Kind, leaves: &[Word]) -> Certified {
        let now = self.chain.now();
        self.hub.certify(kind, now, leaves)
    }

    /// A checkpoint over these leaves that the program has verified.
    pub fn proven(&mut self, kind: Kind, leaves: &[Word]) -> Certified {
        let certified = self.certify(kind, leaves);
        let verify = self.verify(&certified);
        self.chain.done(&[verify], &[]);
        certified
    }

    /// The call that verifies a checkpoint.
    pub fn verify(&self, certified: &Certified) -> Instruction {
        calls::verify_checkpoint(self.payer(), &certified.checkpoint, &certified.signatures())
    }

    /// A deal's verified decision.
    pub fn decided(&mut self, deal: &Word, commit: bool) -> Certified {
        let kind = if commit { Kind::Commits } else { Kind::General };
        self.proven(kind, &[leaf::decision(deal, commit)])
    }

    /// Verifies the next epoch's rotation and carries it out.
    pub fn rotate(&mut self, set: ValidatorSet, expires_at: u64) {
        let next = self.hub.epoch + 1;
        let certified = self.proven(Kind::Rotation, &[leaf::rotate(next, &set.hash(), expires_at)]);
        let following = (next, expires_at, &set.hash());
        let rotate = calls::rotate(self.payer(), &certified.checkpoint, following, &certified.proof(0));
        let publish = calls::publish_set(self.payer(), next, &set.encoding());
        self.chain.done(&[rotate], &[]);
        self.chain.done(&[publish], &[]);
        (self.hub.epoch, self.hub.set) = (next, set);
    }

    /// Gateways at both ends of messages that come from a chain.
    pub fn inward(&self, source: u64) -> Route {
        Route { hub_id: self.hub.id, source: target_args(source).gateway, target: pda::PROGRAM.to_bytes() }
    }

    /// Gateways at both ends of messages that go to a chain.
    pub fn outward(&self, target: u64) -> Route {
        Route { hub_id: self.hub.id, source: pda::PROGRAM.to_bytes(), target: target_args(target).gateway }
    }

    /// A message from [`REMOTE`] to Bob.
    pub fn message(&self, nonce: u64) -> Message {
        Message::plain(REMOTE, HERE, nonce, self.bob.pubkey().to_bytes())
    }

    /// The leaf of a message that comes in.
    pub fn message_leaf(&self, message: &Message) -> Word {
        leaf::message(&message.id(&self.inward(message.source)))
    }

    /// The call that delivers a message under a checkpoint's leaf.
    pub fn deliver(&self, certified: &Certified, index: u32, message: &Message) -> Instruction {
        let route = self.inward(message.source);
        calls::deliver(self.payer(), &certified.checkpoint, (message, &route), &certified.proof(index))
    }

    /// What somebody sends who wants nothing unusual.
    pub fn send_args(&self) -> SendArgs {
        SendArgs {
            recipient: evm_account("dapp"),
            gas_limit: 100_000,
            deadline: 0,
            max_fee: u64::MAX,
            payload: b"hello".to_vec(),
        }
    }

    /// A leg of Alice's that commits to Bob and aborts to her, with a tip of a hundredth.
    pub fn leg(&self, token: Word, amount: u64) -> LegRef {
        let (alice, bob) = (self.alice.pubkey().to_bytes(), self.bob.pubkey().to_bytes());
        let lock_by = self.chain.now() + DAY;
        let leg = Leg {
            chain: HERE,
            escrow: pda::escrow().to_bytes(),
            token,
            amount: u128::from(amount),
            depositor: alice,
            on_commit: bob,
            on_abort: alice,
            escape_at: lock_by + DAY,
            escape_window: WINDOW_MIN,
            tip: u128::from(amount / 100),
        };
        LegRef { index: 0, lock_by, leg }
    }

    /// A leg in SOL that is locked, with its deal.
    pub fn locked(&mut self, amount: u64) -> (Word, LegRef) {
        let leg = self.leg(SOL, amount);
        let deal = keccak(&[b"deal", &self.chain.now().to_le_bytes(), &amount.to_le_bytes()]);
        let lock = calls::lock(self.payer(), &deal, &leg);
        self.chain.done(&[lock], &[&self.alice]);
        (deal, leg)
    }

    /// A leg in a token that is locked, with its deal.
    pub fn locked_token(&mut self, token: TokenRef, amount: u64) -> (Word, LegRef) {
        let leg = self.leg(token.mint.to_bytes(), amount);
        let deal = keccak(&[b"deal", token.mint.as_ref(), &amount.to_le_bytes()]);
        let lock = calls::lock_token(self.payer(), &deal, &leg, token);
        self.chain.done(&[lock], &[&self.alice]);
        (deal, leg)
    }

    /// The call by which the payer settles a leg.
    pub fn settle(&self, decision: &Certified, commit: bool, deal: &Word, leg: &LegRef) -> Instruction {
        calls::settle(self.payer(), &decision.checkpoint, (deal, commit), leg, &decision.proof(0))
    }

    /// A token that the program knows; Alice has a million units of it.
    pub fn token(&mut self, name: &str, program: Address) -> TokenRef {
        let token = self.chain.put_mint(name, program, &MintArgs::of(6));
        self.open_asset(token);
        let alice = self.alice.pubkey();
        let account = self.chain.open_account(alice, token);
        self.chain.mint_to(token, account, 1_000_000);
        token
    }

    /// What makes a token known, its vaults before it.
    pub fn opening(&self, token: TokenRef) -> [Instruction; 3] {
        let payer = self.payer();
        [
            tokens::open_associated(payer, pda::escrow(), token),
            tokens::open_associated(payer, pda::bridge(), token),
            calls::open_asset(payer, token),
        ]
    }

    /// Makes a token known.
    pub fn open_asset(&mut self, token: TokenRef) {
        let opening = self.opening(token);
        self.chain.done(&opening, &[]);
    }

    /// Registers the bridge of [`REMOTE`] and a route of a token to it.
    pub fn route(&mut self, token: &Word, kind: u8, remote_decimals: u8) -> RouteArgs {
        let peer = calls::register_peer(self.owner.pubkey(), REMOTE, &evm_account("bridge"));
        let remote_token = evm_account(&format!("counterpart of {token:?}"));
        let args = RouteArgs { chain: REMOTE, remote_token, kind, remote_decimals, receive_gas: 200_000 };
        let route = calls::register_route(self.owner.pubkey(), self.payer(), token, &args);
        self.chain.done(&[peer, route], &[&self.owner]);
        args
    }

    /// Lets up to `capacity` of a token out in a window of an hour.
    pub fn limit(&mut self, token: &Word, capacity: u64) {
        let limit = calls::set_outflow_limit(self.owner.pubkey(), token, capacity, 3_600);
        self.chain.done(&[limit], &[&self.owner]);
    }

    /// A transfer of a token that the bridge of [`REMOTE`] sent.
    pub fn transfer(&self, nonce: u64, token: Word, recipient: Word, amount: u64, cumulative: u128) -> Message {
        let refund_to = evm_account("refund");
        let transfer = TokenTransfer { token, amount, recipient, refund_to, cumulative };
        Message {
            sender: evm_account("bridge"),
            recipient: pda::bridge().to_bytes(),
            deadline: self.chain.now() + DAY,
            payload: transfer.payload(),
            ..Message::plain(REMOTE, HERE, nonce, recipient)
        }
    }

    /// What a purse holds in SOL above its own rent.
    pub fn held(&self, purse: Purse) -> u64 {
        let account = self.chain.account(&purse.address()).expect("purses are opened with the program");
        account.lamports - self.chain.rent(account.data.len())
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
