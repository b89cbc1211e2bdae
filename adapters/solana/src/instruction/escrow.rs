//! Legs of deals, and what is owed after them.

use infrastrukt_types::{DealId, LockKey};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{LeafProof, Terms, read, sign, sign_write, write};
use crate::{
    address::{Gateway, Purse, SYSTEM_PROGRAM, associated_token},
    discriminator::instruction::{
        EXECUTE_ESCAPE, LOCK, LOCK_TOKEN, OPEN_ASSET, REQUEST_ESCAPE, SETTLE, WITHDRAW_CREDIT, WITHDRAW_CREDIT_TOKEN,
    },
};

/// A credit that is paid out to whom it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payout {
    pub(crate) purse: Purse,
    pub(crate) account: Pubkey,
    /// The mint and its token program; `None` for SOL.
    pub(crate) token: Option<(Pubkey, Pubkey)>,
    /// Who paid the rent of the credit's account and gets it back.
    pub(crate) rent_payee: Pubkey,
}

impl Gateway {
    /// Locks SOL; the depositor signs and pays.
    pub(crate) fn lock_native(&self, depositor: Pubkey, deal: DealId, (key, terms): (LockKey, &Terms)) -> Instruction {
        let accounts = vec![
            sign_write(depositor),
            sign_write(depositor),
            read(self.config),
            write(self.escrow),
            write(self.lock(key)),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(LOCK, &(deal.0.0, terms), accounts)
    }

    /// Locks tokens out of the depositor's associated account.
    pub(crate) fn lock_token(
        &self,
        depositor: Pubkey,
        deal: DealId,
        (key, terms): (LockKey, &Terms),
        (mint, token_program): (Pubkey, Pubkey),
    ) -> Instruction {
        let accounts = vec![
            sign_write(depositor),
            sign(depositor),
            read(self.config),
            read(self.asset(&mint)),
            read(mint),
            write(associated_token(&depositor, &mint, &token_program)),
            write(associated_token(&self.escrow, &mint, &token_program)),
            write(self.lock(key)),
            read(token_program),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(LOCK_TOKEN, &(deal.0.0, terms), accounts)
    }

    /// Releases or refunds a leg: its payee is credited, and the settler with the tip.
    pub(crate) fn settle(
        &self,
        settler: Pubkey,
        (epoch, checkpoint): (u64, Pubkey),
        (deal, commit, payee): (DealId, bool, Pubkey),
        (key, token, terms): (LockKey, Pubkey, &Terms),
        proof: &LeafProof,
    ) -> Instruction {
        let credit = self.credit(Purse::Escrow, &payee, &token);
        // Without a tip the settler's credit is never touched, and any account stands for it.
        let tip_credit = if terms.has_tip() { self.credit(Purse::Escrow, &settler, &token) } else { credit };
        let accounts = vec![
            sign_write(settler),
            read(self.config),
            read(self.epoch(epoch)),
            read(checkpoint),
            write(self.lock(key)),
            write(credit),
            write(tip_credit),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(SETTLE, &(deal.0.0, commit, terms, proof), accounts)
    }

    /// Asks for the timer refund.
    pub(crate) fn request_escape(&self, deal: DealId, key: LockKey, terms: &Terms) -> Instruction {
        self.emitting(REQUEST_ESCAPE, &(deal.0.0, terms), vec![read(self.config), write(self.lock(key))])
    }

    /// Takes the timer refund: `on_abort` is credited.
    pub(crate) fn execute_escape(
        &self,
        payer: Pubkey,
        deal: DealId,
        (key, token, terms): (LockKey, Pubkey, &Terms),
        on_abort: Pubkey,
    ) -> Instruction {
        let accounts = vec![
            sign_write(payer),
            read(self.config),
            write(self.lock(key)),
            write(self.credit(Purse::Escrow, &on_abort, &token)),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(EXECUTE_ESCAPE, &(deal.0.0, terms), accounts)
    }

    /// Pays a credit to its owner, into the associated account where it is of a token.
    pub(crate) fn withdraw_credit(&self, payout: &Payout) -> Instruction {
        let Payout { purse, account, token, rent_payee } = *payout;
        let holder = self.purse(purse);
        let Some((mint, token_program)) = token else {
            let credit = self.credit(purse, &account, &crate::address::NATIVE);
            let accounts = vec![write(credit), read(account), write(holder), write(account), write(rent_payee)];
            return self.emitting(WITHDRAW_CREDIT, &(), accounts);
        };
        let accounts = vec![
            write(self.credit(purse, &account, &mint)),
            read(account),
            read(self.asset(&mint)),
            read(mint),
            read(holder),
            write(associated_token(&holder, &mint, &token_program)),
            write(associated_token(&account, &mint, &token_program)),
            write(rent_payee),
            read(token_program),
        ];
        self.emitting(WITHDRAW_CREDIT_TOKEN, &(), accounts)
    }

    /// Makes a token known; its two vaults exist before it.
    pub(crate) fn open_asset(&self, payer: Pubkey, mint: Pubkey, token_program: Pubkey) -> Instruction {
        let accounts = vec![
            sign_write(payer),
            read(mint),
            read(token_program),
            write(self.asset(&mint)),
            read(associated_token(&self.escrow, &mint, &token_program)),
            read(associated_token(&self.bridge, &mint, &token_program)),
            read(SYSTEM_PROGRAM),
        ];
        self.call(OPEN_ASSET, &(), accounts)
    }
}
