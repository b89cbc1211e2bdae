//! The program's side: the same calls as transactions.

use infrastrukt_svm_tests::{
    Purse, Refusal, SOL, TokenRef, World,
    calls::{self, Bend},
    code, hub_id,
    wire::{Checkpoint, Word},
};
use solana_address::Address;
use solana_instruction::Instruction;

use crate::{
    op::{Call, Evidence, Op, Outcome},
    setting::Setting,
};

/// A chain with the program, in the middle of a sequence.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) world: World,
}

fn address(word: &Word) -> Address {
    Address::new_from_array(*word)
}

impl Program {
    pub(crate) fn run(&mut self, setting: &Setting, op: &Op) -> Outcome {
        self.world.chain.set_time(op.at);
        let instructions = self.instructions(setting, op);
        match self.world.chain.try_send(&instructions, &[]) {
            Ok(_) => {
                self.publish(setting, &op.call);
                Outcome::Done
            }
            Err(failure) => Outcome::Refused(reason(&op.call, code(&failure))),
        }
    }

    fn instructions(&self, setting: &Setting, op: &Op) -> Vec<Instruction> {
        let (payer, caller) = (self.world.payer(), address(&op.caller));
        match &op.call {
            Call::Lock { deal, leg } if leg.leg.token == SOL => {
                vec![by(calls::lock(payer, deal, leg), &leg.leg.depositor, caller)]
            }
            Call::Lock { deal, leg } => {
                let unknown = TokenRef { mint: address(&leg.leg.token), program: setting.tokens[0].program };
                let token = setting.token(&leg.leg.token).unwrap_or(unknown);
                vec![by(calls::lock_token(payer, deal, leg, token), &leg.leg.depositor, caller)]
            }
            Call::CancelLock { deal, leg } => {
                vec![by(calls::cancel_lock(payer, deal, leg), &leg.leg.depositor, caller)]
            }
            Call::Settle { evidence, deal, commit, leg } => {
                let checkpoint = self.known(evidence);
                let settle = calls::settle(caller, &checkpoint, (deal, *commit), leg, &evidence.proof);
                vec![self.verify(evidence), settle]
            }
            Call::RequestEscape { deal, leg } => vec![calls::request_escape(deal, leg)],
            Call::ExecuteEscape { deal, leg } => vec![calls::execute_escape(payer, deal, leg)],
            Call::Withdraw { account, token } => vec![self.withdraw(setting, account, token)],
            Call::Pause(paused) => vec![calls::pause(caller, if *paused { 2 } else { 0 })],
            Call::SetGuardian(guardian) => vec![calls::set_guardian(caller, address(guardian))],
            Call::Rotate { evidence, epoch, valset_hash, expires_at } => {
                let terms = (*epoch, *expires_at, valset_hash);
                let rotate = calls::rotate(payer, &self.known(evidence), terms, &evidence.proof);
                vec![self.verify(evidence), rotate]
            }
            Call::Recover { epoch, valset_hash, expires_at } => {
                let current = self.world.chain.config().current_epoch;
                vec![calls::recover(caller, payer, current, (*epoch, *expires_at, valset_hash))]
            }
        }
    }

    fn withdraw(&self, setting: &Setting, account: &Word, token: &Word) -> Instruction {
        let credit = self.world.chain.credit(Purse::Escrow, account, token);
        let rent_payee = credit.map_or(self.world.payer(), |credit| address(&credit.payer));
        match setting.token(token) {
            Some(token) => calls::withdraw_credit_token(Purse::Escrow, address(account), token, rent_payee),
            None => calls::withdraw_credit(Purse::Escrow, address(account), rent_payee),
        }
    }

    fn verify(&self, evidence: &Evidence) -> Instruction {
        let certificate = &evidence.certificate;
        let signatures = [&certificate.bitmap[..], &certificate.signatures.concat()].concat();
        calls::verify_checkpoint(self.world.payer(), &self.known(evidence), &signatures)
    }

    /// The checkpoint as the program sees it, which knows the hub and the epoch's set itself.
    fn known(&self, evidence: &Evidence) -> Checkpoint {
        let epoch = self.world.chain.epoch(evidence.checkpoint.epoch);
        let valset_hash = epoch.map_or(evidence.checkpoint.valset_hash, |epoch| epoch.valset_hash);
        Checkpoint { hub_id: hub_id(), valset_hash, ..evidence.checkpoint }
    }

    /// The members of a set that came to power, as anybody would publish them.
    fn publish(&mut self, setting: &Setting, call: &Call) {
        if let Call::Rotate { epoch, valset_hash, .. } | Call::Recover { epoch, valset_hash, .. } = call {
            let set = setting.set(valset_hash).encoding();
            let publish = calls::publish_set(self.world.payer(), *epoch, &set);
            self.world.chain.done(&[publish], &[]);
        }
    }
}

/// The call as somebody makes it who may be another than the depositor.
fn by(call: Instruction, depositor: &Word, caller: Address) -> Instruction {
    let depositor = address(depositor);
    if caller == depositor { call } else { call.substitute(depositor, caller) }
}

/// The reference's word for an error.
fn reason(call: &Call, code: Option<u32>) -> String {
    let Some(code) = code.filter(|code| *code >= 2_000) else { return "TransferFailed".into() };
    let Some(error) = Refusal::of(code) else { return account_reason(call).into() };
    let name = match error {
        Refusal::Paused => "LockingPaused",
        Refusal::InvalidPayee | Refusal::InvalidArgument => "InvalidAddress",
        Refusal::NotVerified => "BelowQuorum",
        Refusal::EmptyProof | Refusal::IndexOutOfRange | Refusal::WrongNodeCount => "Proof",
        other => return format!("{other:?}"),
    };
    name.into()
}

/// What it means that an account is not there.
const fn account_reason(call: &Call) -> &'static str {
    match call {
        Call::Lock { .. } => "TokenWithoutCode",
        Call::Settle { .. } | Call::RequestEscape { .. } | Call::ExecuteEscape { .. } => "NotLocked",
        Call::Withdraw { .. } => "NoCredit",
        Call::CancelLock { .. }
        | Call::Pause(_)
        | Call::SetGuardian(_)
        | Call::Rotate { .. }
        | Call::Recover { .. } => "Account",
    }
}
