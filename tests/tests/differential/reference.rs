//! The Rust reference, called as the contracts are.

use infrastrukt_ports::TokenInfo;
use infrastrukt_sim::{Environment, Epochs, Escrow, Ledger, Money, Revert, TokenKind};
use infrastrukt_types::{Account, Amount, CertificateError, Epoch};

use crate::{
    notary::{FIRST, Notary},
    op::{Call, Op, Outcome},
    world::{self, World},
};

/// All state of the reference.
#[derive(Clone)]
pub(crate) struct Reference {
    pub(crate) ledger: Ledger,
    pub(crate) escrow: Escrow,
    pub(crate) epochs: Epochs,
    environment: Environment,
    token: Account,
    escrow_account: Account,
    refuser: Account,
}

impl Reference {
    pub(crate) fn new(world: &World) -> Self {
        let mut ledger = Ledger::new();
        let info = TokenInfo { symbol: "TOK".into(), decimals: 18 };
        ledger.add_token(world.token, info, TokenKind::Honest);
        for person in &world.people {
            let (account, balance) = (Account::from(person.address()), Amount(world::BALANCE));
            for token in [Account::ZERO, world.token] {
                ledger.mint(token, account, balance).expect("within the supply");
            }
            ledger.approve(world.token, account, world.escrow, Amount(world::ALLOWANCE)).expect("is a token");
        }
        let expires_at = world::START.plus(world::FIRST_EPOCH_S);
        let epochs = Epochs::new(world::hub(), Epoch(1), Notary::new().hash(FIRST), expires_at, world::GRACE_S)
            .governed(usize::from(world::MEMBERS_MIN), world.owner());
        let escrow = Escrow::new(world::hub(), world.guardian(), world.rules);
        let environment = Environment::default();
        Self {
            ledger,
            escrow,
            epochs,
            environment,
            token: world.token,
            escrow_account: world.escrow,
            refuser: world.refuser,
        }
    }

    pub(crate) fn run(&mut self, op: &Op) -> Outcome {
        match self.call(op) {
            Ok(events) => Outcome::Done { events },
            Err(revert) => Outcome::Refused(class(&revert)),
        }
    }

    /// Events of escrow or verifier, or why there are none.
    fn call(&mut self, op: &Op) -> Result<usize, Revert> {
        let Op { at, caller, call } = op;
        let (now, caller) = (*at, *caller);
        self.ledger.require(Account::ZERO, caller, call.value())?;
        if now.0 % 2 == 1 {
            self.environment.refusing_payees.insert(self.refuser);
        } else {
            self.environment.refusing_payees.remove(&self.refuser);
        }
        let Self { ledger, escrow, epochs, environment, token: own_token, escrow_account, .. } = self;
        match call {
            Call::Lock { deal, leg, value } => escrow.lock(ledger, caller, *deal, leg, *value, now).map(|_| 1),
            Call::LockCompact { deal, leg, value } => {
                escrow.lock_compact(ledger, caller, *deal, leg, *value, now).map(|_| 1)
            }
            Call::LockSigned { deal, leg, deadline, signature } => {
                escrow.lock_signed(ledger, *deal, leg, *deadline, signature, now).map(|_| 1)
            }
            Call::CancelLock { deal, leg } => escrow.cancel_lock(caller, *deal, leg).map(|_| 1),
            Call::Settle { certified, settlements } => {
                let money = Money { ledger, environment };
                escrow.settle(epochs, money, caller, certified, settlements, now).map(|events| events.len())
            }
            Call::RequestEscape { deal, leg } => escrow.request_escape(*deal, leg, now).map(|_| 1),
            Call::ExecuteEscape { deal, leg } => {
                escrow.execute_escape(Money { ledger, environment }, *deal, leg, now).map(|events| events.len())
            }
            Call::WithdrawCredit { token, account } => {
                escrow.withdraw(Money { ledger, environment }, *token, *account).map(|_| 1)
            }
            Call::SetLocksPaused(paused) => escrow.set_locks_paused(caller, *paused).map(|()| 1),
            Call::SetGuardian(guardian) => escrow.set_guardian(caller, *guardian).map(|()| 1),
            Call::Rotate { certified, epoch, valset_hash, expires_at } => {
                epochs.rotate(certified, *epoch, *valset_hash, *expires_at, now).map(|()| 1)
            }
            Call::Recover { epoch, valset_hash, expires_at } => {
                epochs.recover(caller, *epoch, *valset_hash, *expires_at, now).map(|()| 1)
            }
            Call::Approve { amount } => ledger.approve(*own_token, caller, *escrow_account, *amount).map(|()| 0),
        }
    }
}

/// The error's name on the chain. A proof that is wrong in itself has one class: the contract tells more cases apart.
fn class(revert: &Revert) -> String {
    if let Revert::Certificate(error) = revert {
        let name = match error {
            CertificateError::Malformed => "MalformedCertificate",
            CertificateError::Signature(_) => "InvalidSignature",
            CertificateError::BelowQuorum { .. } => "BelowQuorum",
            CertificateError::WrongSet => "WrongValidatorSet",
            CertificateError::UnknownSigner(_) => "UnknownSigner",
        };
        return name.into();
    }
    if matches!(revert, Revert::Multiproof(_)) {
        return "Proof".into();
    }
    if matches!(revert, Revert::InsufficientFunds { .. }) {
        return "InsufficientFunds".into();
    }
    let text = revert.to_string();
    text.split('(').next().unwrap_or_default().to_string()
}
