//! A world in which every instruction has something to do, and every account has a sibling of its kind.

use infrastrukt_svm_tests::{
    CONSUMED, Certified, Chain, DAY, HERE, MintArgs, OTHER_REMOTE, Purse, REFUNDED, REMOTE, SOL, START, TOKEN_2022,
    TOKEN_LEGACY, TokenRef, World,
    calls::{self, BridgeArgs, SendArgs},
    evm_account, key_named, pda, target_args,
    wire::{Kind, LegRef, Message, TokenTransfer, ValidatorSet, Word, keccak, leaf},
};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_signer::Signer;

/// An honest call, and which of its accounts may be others.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) call: Instruction,
    /// Positions of accounts that the caller names freely.
    pub(crate) free: &'static [usize],
    /// Positions of accounts of which a faithful copy does as well.
    pub(crate) copies: &'static [usize],
    /// Positions of accounts that say which of their kind the call is about.
    pub(crate) kin: &'static [usize],
}

fn case(name: &'static str, call: Instruction, free: &'static [usize]) -> Case {
    Case { name, call, free, copies: &[], kin: &[] }
}

fn one_day_payload() -> Vec<u8> {
    b"for a day".to_vec()
}

struct Rich {
    world: World,
    token: TokenRef,
    minted: TokenRef,
}

/// The world at day four, and one case for each instruction that can be called there.
pub(crate) fn rich() -> (World, Vec<Case>) {
    let mut rich = Rich::new();
    let mut cases = rich.escrow();
    cases.extend(rich.verifier());
    cases.extend(rich.messages());
    cases.extend(rich.transfers());
    cases.extend(rich.administration());
    (rich.world, cases)
}

impl Rich {
    fn new() -> Self {
        let mut world = World::on(Chain::unsigned(START));
        world.rotate(ValidatorSet::of("next", 4), START + 90 * DAY);
        let token = world.token("token", TOKEN_LEGACY);
        world.token("newer token", TOKEN_2022);
        world.route(&SOL, 1, 18);
        let bridge = Some(pda::bridge());
        let args = MintArgs { mint_authority: bridge, freeze_authority: None, ..MintArgs::of(6) };
        let minted = world.chain.put_mint("minted", TOKEN_LEGACY, &args);
        world.open_asset(minted);
        let mut rich = Self { world, token, minted };
        rich.routes();
        rich
    }

    /// Routes that lock and mint; the peer is registered already.
    fn routes(&mut self) {
        let (owner, payer) = (self.world.owner.pubkey(), self.world.payer());
        for (token, kind, name) in [(self.token, 1, "remote token"), (self.minted, 2, "remote minted")] {
            let args = calls::RouteArgs {
                chain: REMOTE,
                remote_token: evm_account(name),
                kind,
                remote_decimals: 18,
                receive_gas: 200_000,
            };
            let mint = token.mint.to_bytes();
            self.world.chain.done(&[calls::register_route(owner, payer, &mint, &args)], &[]);
            self.world.limit(&mint, 1_000_000_000);
        }
        self.world.limit(&SOL, 100_000_000_000);
    }

    fn payer(&self) -> Address {
        self.world.payer()
    }

    fn deal(name: &str) -> Word {
        keccak(&[name.as_bytes()])
    }

    /// A leg with a deal of its own.
    fn leg(&self, token: Word, amount: u64) -> LegRef {
        self.world.leg(token, amount)
    }

    fn escrow(&mut self) -> Vec<Case> {
        let mint = self.token.mint.to_bytes();
        let (bob, payer) = (self.world.bob.pubkey(), self.payer());
        let (escaping, asking) = (self.leg(SOL, 1_000_000), self.leg(SOL, 2_000_000));
        let [a, b, c, d] = ["a", "b", "c", "d"].map(Self::deal);
        let paid = self.leg(SOL, 3_000_000);
        let paid_token = self.leg(mint, 4_000);
        let locks = [
            calls::lock(payer, &a, &escaping),
            calls::lock(payer, &b, &asking),
            calls::lock(payer, &c, &paid),
            calls::lock_token(payer, &d, &paid_token, self.token),
        ];
        for lock in locks {
            self.world.chain.done(&[lock], &[]);
        }
        for (deal, leg) in [(&c, &paid), (&d, &paid_token)] {
            let decision = self.world.decided(deal, true);
            let settle = self.world.settle(&decision, true, deal, leg);
            self.world.chain.done(&[settle], &[]);
        }
        self.world.chain.set_time(START + 2 * DAY);
        self.world.chain.done(&[calls::request_escape(&a, &escaping)], &[]);
        self.world.chain.set_time(START + 4 * DAY);
        let decision = self.world.decided(&a, true);
        self.world.chain.open_account(bob, self.token);
        let unopened = self.world.chain.put_mint("unopened", TOKEN_LEGACY, &MintArgs::of(6));
        let opening = self.world.opening(unopened);
        self.world.chain.done(&opening[..2], &[]);
        let (fresh, fresh_token) = (self.leg(SOL, 5_000), self.leg(mint, 5_000));
        vec![
            case("lock", calls::lock(payer, &Self::deal("e"), &fresh), &[0]),
            Case { copies: &[5], ..case("lock_token", calls::lock_token(payer, &a, &fresh_token, self.token), &[0]) },
            case("cancel_lock", calls::cancel_lock(payer, &Self::deal("f"), &fresh), &[0]),
            case("settle", self.world.settle(&decision, true, &a, &escaping), &[]),
            case("request_escape", calls::request_escape(&b, &asking), &[]),
            case("execute_escape", calls::execute_escape(payer, &a, &escaping), &[0]),
            case("withdraw_credit", calls::withdraw_credit(Purse::Escrow, bob, payer), &[]),
            case("withdraw_credit_token", calls::withdraw_credit_token(Purse::Escrow, bob, self.token, payer), &[]),
            case("open_asset", calls::open_asset(payer, unopened), &[0]),
        ]
    }

    fn verifier(&mut self) -> Vec<Case> {
        let payer = self.payer();
        let following = ValidatorSet::of("following", 4);
        let next = self.world.hub.epoch + 1;
        let expires_at = START + 100 * DAY;
        let old = self.world.proven(Kind::General, &[[9; 32]]);
        self.world.chain.pass(3_600);
        let rotation = self.world.proven(Kind::Rotation, &[leaf::rotate(next, &following.hash(), expires_at)]);
        let fresh = self.world.certify(Kind::General, &[[8; 32]]);
        let rotate =
            calls::rotate(payer, &rotation.checkpoint, (next, expires_at, &following.hash()), &rotation.proof(0));
        vec![
            case("verify_checkpoint", self.world.verify(&fresh), &[0]),
            case("close_checkpoint", calls::close_checkpoint(old.address(), payer), &[0]),
            case("rotate", rotate, &[0]),
        ]
    }

    fn messages(&mut self) -> Vec<Case> {
        let payer = self.payer();
        let alice = self.world.alice.pubkey();
        let now = self.world.chain.now();
        let (plain, second, third) = (self.world.message(1), self.world.message(2), self.world.message(3));
        let late = Message { deadline: now - 1, payload: one_day_payload(), ..self.world.message(4) };
        let read = self.world.message(5);
        let alices = Message { recipient: alice.to_bytes(), ..self.world.message(6) };
        let all = [&plain, &second, &third, &late, &read, &alices];
        let leaves: Vec<Word> = all.iter().map(|message| self.world.message_leaf(message)).collect();
        let proven = self.world.proven(Kind::General, &leaves);
        for (index, message) in [(4, &read), (5, &alices)] {
            let deliver = self.world.deliver(&proven, index, message);
            self.world.chain.done(&[deliver], &[]);
        }
        let route = self.world.inward(REMOTE);
        let batch = [second, third];
        let batch = calls::deliver_batch(payer, &proven.checkpoint, (&batch, &route), &proven.tree.proof(&[1, 2]));
        for chain in [REMOTE, OTHER_REMOTE] {
            self.world.chain.done(&[calls::open_page(payer, REFUNDED, chain, 0)], &[]);
        }
        let outward = self.world.outward(REMOTE);
        let (gone, refunded) = self.gone(alice);
        let bob = self.world.bob.pubkey();
        let notices = [alice, bob].map(|sender| self.noticed(sender));
        vec![
            Case { kin: &[3], ..case("send", calls::send(alice, payer, REMOTE, &self.world.send_args()), &[0, 1]) },
            case("open_page", calls::open_page(payer, CONSUMED, REMOTE, 7), &[0]),
            case("deliver", self.world.deliver(&proven, 0, &plain), &[0]),
            case("deliver_batch", batch, &[0]),
            case("expire", calls::expire(&proven.checkpoint, &late, &proven.proof(3)), &[]),
            case("refund", calls::refund(payer, &refunded.checkpoint, (&gone, &outward), &refunded.proof(0)), &[0]),
            case("consume", calls::consume(bob, pda::inbox(&read.id(&route)), payer), &[]),
            case("consume_notice", calls::consume_notice(alice, notices[0], payer), &[]),
        ]
    }

    /// The notice of a message that somebody sent in vain.
    fn noticed(&mut self, sender: Address) -> Address {
        let ((gone, refunded), outward) = (self.gone(sender), self.world.outward(REMOTE));
        let refund = calls::refund(self.payer(), &refunded.checkpoint, (&gone, &outward), &refunded.proof(0));
        self.world.chain.done(&[refund], &[]);
        pda::notice(&gone.id(&outward))
    }

    /// A message that somebody sent and that expired, with the proof of it.
    fn gone(&mut self, sender: Address) -> (Message, Certified) {
        let payer = self.payer();
        let args = SendArgs { deadline: self.world.chain.now() + DAY, ..self.world.send_args() };
        self.world.chain.done(&[calls::send(sender, payer, REMOTE, &args)], &[]);
        let gone = Message {
            sender: sender.to_bytes(),
            timestamp: self.world.chain.now(),
            gas_limit: args.gas_limit,
            deadline: args.deadline,
            payload: args.payload,
            ..Message::plain(HERE, REMOTE, self.world.chain.last_nonce(REMOTE), args.recipient)
        };
        let id = gone.id(&self.world.outward(REMOTE));
        (gone, self.world.proven(Kind::General, &[leaf::expired(&id)]))
    }

    fn transfers(&mut self) -> Vec<Case> {
        let (alice, bob, payer) = (self.world.alice.pubkey(), self.world.bob.pubkey(), self.payer());
        let args = BridgeArgs {
            recipient: evm_account("carol"),
            amount: 10_000,
            deadline: self.world.chain.now() + DAY,
            refund_to: alice.to_bytes(),
            max_fee: u64::MAX,
        };
        let out = calls::bridge(alice, REMOTE, &args);
        let out_token = calls::bridge_token(alice, REMOTE, self.token, &args);
        self.world.chain.done(&[out.clone()], &[]);
        let expired = self.expired_transfer(&args);
        self.world.chain.done(&[out_token.clone()], &[]);
        self.world.chain.open_account(bob, self.minted);
        let recipient = bob.to_bytes();
        let back = self.world.transfer(7, SOL, recipient, 500, 500);
        let minted = self.world.transfer(8, self.minted.mint.to_bytes(), recipient, 500, 500);
        let leaves = [self.world.message_leaf(&back), self.world.message_leaf(&minted)];
        let proven = self.world.proven(Kind::General, &leaves);
        let (gone, refunded) = expired;
        let terms = (&SOL, &alice.to_bytes(), None);
        let refund = calls::refund_transfer(payer, &refunded.checkpoint, &gone, terms, &refunded.proof(0));
        let (checkpoint, destination) = (&proven.checkpoint, (bob, self.minted));
        vec![
            Case { copies: &[0], ..case("bridge", out, &[]) },
            Case { copies: &[8], ..case("bridge_token", out_token, &[]) },
            case("deliver_transfer", calls::deliver_transfer(checkpoint, &back, bob, &proven.proof(0)), &[]),
            case(
                "deliver_transfer_token",
                calls::deliver_transfer_token(checkpoint, &minted, destination, &proven.proof(1)),
                &[],
            ),
            case("refund_transfer", refund, &[0]),
        ]
    }

    /// The transfer that went out last, expired.
    fn expired_transfer(&mut self, args: &BridgeArgs) -> (Message, Certified) {
        let remote_token = evm_account(&format!("counterpart of {SOL:?}"));
        let transfer = TokenTransfer {
            token: remote_token,
            amount: args.amount / 10,
            recipient: args.recipient,
            refund_to: args.refund_to,
            cumulative: u128::from(args.amount / 10),
        };
        let gone = Message {
            sender: pda::bridge().to_bytes(),
            timestamp: self.world.chain.now(),
            gas_limit: 200_000,
            deadline: args.deadline,
            payload: transfer.payload(),
            ..Message::plain(HERE, REMOTE, self.world.chain.last_nonce(REMOTE), evm_account("bridge"))
        };
        let id = gone.id(&self.world.outward(REMOTE));
        (gone, self.world.proven(Kind::General, &[leaf::expired(&id)]))
    }

    fn administration(&mut self) -> Vec<Case> {
        let (owner, guardian, payer) = (self.world.owner.pubkey(), self.world.guardian.pubkey(), self.payer());
        let mint = self.token.mint.to_bytes();
        let route = calls::RouteArgs {
            chain: OTHER_REMOTE,
            remote_token: evm_account("far token"),
            kind: 1,
            remote_decimals: 18,
            receive_gas: 100_000,
        };
        let until = START + 400 * DAY;
        vec![
            case("set_target", calls::set_target(owner, payer, &target_args(REMOTE)), &[1]),
            Case { kin: &[2], ..case("set_fee", calls::set_fee(owner, REMOTE, 1, 1, until), &[]) },
            Case { kin: &[2], ..case("pause_target", calls::pause_target(guardian, REMOTE, true), &[]) },
            case("pause", calls::pause(guardian, 7), &[]),
            case("set_guardian", calls::set_guardian(owner, key_named("new guardian").pubkey()), &[]),
            case("withdraw_fees", calls::withdraw_fees(owner, guardian, 5_000), &[3]),
            case("register_peer", calls::register_peer(owner, OTHER_REMOTE, &evm_account("far bridge")), &[]),
            case("register_route", calls::register_route(owner, payer, &mint, &route), &[1]),
            Case { kin: &[2], ..case("set_receive_gas", calls::set_receive_gas(owner, REMOTE, &SOL, 300_000), &[]) },
            Case { kin: &[2], ..case("set_outflow_limit", calls::set_outflow_limit(owner, &SOL, 5, 60), &[]) },
        ]
    }
}
