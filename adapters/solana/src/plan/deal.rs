//! Legs of deals: locked, settled, escaped, and what is owed afterwards.
//!
//! The program credits and never pays by itself, so that no payee can hold up a decision. Payments are added behind it
//! in the same transaction. Where the chain refuses them, before or in its block, the leg is settled without at once, and
//! the credit stays for anyone to push. It stays as well where a payee has no account of the token: whoever opened one
//! for strangers would be giving them its rent.

use infrastrukt_evm::CallError;
use infrastrukt_ports::{CertifiedLeaves, PortError};
use infrastrukt_types::{Account, DealId, Decision, Leaf, LegRef, LockKey};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{Certificate, Draft, Group, Planner, Site};
use crate::{
    address::{NATIVE, Purse, account, associated_token, pubkey_of},
    instruction::{Payout, Terms, create_associated_token},
    state::{Asset, Credit, Lock},
};

/// State of a lock that can be settled.
const LOCKED: u8 = 1;

/// A leg, read for this program.
pub(super) struct Read {
    pub(super) key: LockKey,
    pub(super) token: Pubkey,
    pub(super) terms: Terms,
}

impl Site {
    /// A leg of this chain and this escrow, which the program takes for granted.
    pub(super) fn read_leg(&self, deal: DealId, leg: &LegRef) -> Result<Read, PortError> {
        if leg.leg.chain != self.chain {
            return Err(PortError::reject(format!("the leg is of {}, not of {}", leg.leg.chain, self.chain)));
        }
        if leg.leg.escrow != account(&self.gateway.escrow) {
            let (other, escrow) = (pubkey_of(leg.leg.escrow), self.gateway.escrow);
            return Err(PortError::reject(format!("the leg is of the escrow {other}, and this chain has {escrow}")));
        }
        let terms = Terms::try_from(leg).map_err(|error| PortError::reject(error.to_string()))?;
        Ok(Read { key: leg.lock_key(deal), token: pubkey_of(leg.leg.token), terms })
    }

    /// Asks for the timer refund; anyone may.
    pub(super) fn request_escape(&self, deal: DealId, leg: &LegRef) -> Result<Group, PortError> {
        let Read { key, terms, .. } = self.read_leg(deal, leg)?;
        Ok(Group::whole(self.gateway.request_escape(deal, key, &terms)))
    }

    pub(super) fn settle_call(
        &self,
        settler: Pubkey,
        certificate: &Certificate,
        place: usize,
        settled: (DealId, Decision, &LegRef),
    ) -> Result<Instruction, PortError> {
        let (deal, decision, leg) = settled;
        let Read { key, token, terms } = self.read_leg(deal, leg)?;
        let (commit, payee) = payee(decision, leg);
        let by = (certificate.epoch, certificate.key);
        let proof = certificate.tree.one(place);
        Ok(self.gateway.settle(settler, by, (deal, commit, payee), (key, token, &terms), &proof))
    }
}

/// The decision's bit, and who is paid under it.
pub(super) fn payee(decision: Decision, leg: &LegRef) -> (bool, Pubkey) {
    match decision {
        Decision::Commit => (true, pubkey_of(leg.leg.on_commit)),
        Decision::Abort => (false, pubkey_of(leg.leg.on_abort)),
    }
}

impl Planner<'_> {
    /// Locks the wallet's own leg. The wallet's signature is all that moves its money; no approval is needed before.
    pub(super) async fn lock(&self, deal: DealId, leg: &LegRef) -> Result<Draft, CallError> {
        let Read { key, token, terms } = self.site.read_leg(deal, leg)?;
        if leg.leg.depositor != account(&self.payer) {
            let depositor = pubkey_of(leg.leg.depositor);
            let text = format!("NotDepositor: the leg is locked by {depositor}, whose signature it needs");
            return Err(PortError::reject(text).into());
        }
        let gateway = &self.site.gateway;
        let Some(token) = self.token(token).await? else {
            let groups = vec![Group::whole(gateway.lock_native(self.payer, deal, (key, &terms)))];
            let lamports = u64::try_from(leg.leg.amount.0).unwrap_or(u64::MAX);
            return Ok(Draft { groups, plain: None, lamports });
        };
        let mut groups = self.open_asset(token).await?;
        groups.push(Group::whole(gateway.lock_token(self.payer, deal, (key, &terms), token)));
        Ok(Draft { groups, ..Draft::default() })
    }

    /// Makes a token known to the gateway where nobody did yet.
    async fn open_asset(&self, (mint, token_program): (Pubkey, Pubkey)) -> Result<Vec<Group>, CallError> {
        let gateway = &self.site.gateway;
        let found: Option<Asset> = self.fetch(gateway.asset(&mint)).await?;
        if found.is_some() {
            return Ok(Vec::new());
        }
        let vault = |owner| create_associated_token(self.payer, owner, mint, token_program);
        let open = gateway.open_asset(self.payer, mint, token_program);
        Ok(vec![Group::before(vec![vault(gateway.escrow), vault(gateway.bridge), open])])
    }

    /// Settles the legs from the item `done` on.
    pub(super) async fn settle(
        &self,
        certified: &CertifiedLeaves,
        settlements: &[(DealId, Decision, Vec<LegRef>)],
        done: usize,
    ) -> Result<Draft, CallError> {
        let leaf = |(deal, decision, _): &(DealId, Decision, Vec<LegRef>)| Leaf::Decision(*deal, *decision);
        let leaves: Vec<Leaf> = settlements.iter().map(leaf).collect();
        let certificate = self.site.certificate(certified, &leaves)?;
        let prelude = self.prelude(&certificate).await?;
        let (mut groups, mut plain) = (prelude.clone(), prelude);
        let mut legs = Vec::new();
        for (place, (deal, decision, of_deal)) in settlements.iter().enumerate() {
            legs.extend(of_deal.iter().map(|leg| (place, (*deal, *decision, leg))));
        }
        for (place, settled) in legs.into_iter().skip(done) {
            let (_, decision, leg) = settled;
            self.check_locked(leg.lock_key(settled.0)).await?;
            let call = self.site.settle_call(self.payer, &certificate, place, settled)?;
            let mut payees = vec![payee(decision, leg).1];
            if leg.leg.tip.0 > 0 && payees[0] != self.payer {
                payees.push(self.payer);
            }
            let mut instructions = vec![call.clone()];
            instructions.extend(self.payouts(Purse::Escrow, &payees, pubkey_of(leg.leg.token), false).await?);
            groups.push(Group { instructions, items: 1 });
            plain.push(Group::whole(call));
        }
        Ok(Draft { groups, plain: Some(plain), lamports: 0 })
    }

    /// A certificate that goes in a transaction of its own costs something, and is worth it for a locked leg only.
    async fn check_locked(&self, key: LockKey) -> Result<(), CallError> {
        let lock: Option<Lock> = self.fetch(self.site.gateway.lock(key)).await?;
        match lock {
            Some(Lock { state: LOCKED, .. }) => Ok(()),
            Some(_) => Err(PortError::reject(format!("NotLocked: lock {key} was settled or given up before")).into()),
            None => Err(PortError::reject(format!("NotLocked: nobody locked {key}")).into()),
        }
    }

    /// Takes the timer refund and pays it.
    pub(super) async fn execute_escape(&self, deal: DealId, leg: &LegRef) -> Result<Draft, CallError> {
        let Read { key, token, terms } = self.site.read_leg(deal, leg)?;
        let on_abort = pubkey_of(leg.leg.on_abort);
        let call = self.site.gateway.execute_escape(self.payer, deal, (key, token, &terms), on_abort);
        let mut instructions = vec![call.clone()];
        instructions.extend(self.payouts(Purse::Escrow, &[on_abort], token, false).await?);
        let groups = vec![Group { instructions, items: 1 }];
        Ok(Draft { groups, plain: Some(vec![Group::whole(call)]), lamports: 0 })
    }

    /// Pays what both purses owe an account.
    pub(super) async fn withdraw(&self, token: Account, owner: Account) -> Result<Draft, CallError> {
        let (token, owner) = (pubkey_of(token), pubkey_of(owner));
        let mut groups = Vec::new();
        for purse in Purse::ALL {
            let credit: Option<Credit> = self.fetch(self.site.gateway.credit(purse, &owner, &token)).await?;
            if credit.is_some() {
                groups.push(Group::before(self.payouts(purse, &[owner], token, true).await?));
            }
        }
        let Some(last) = groups.last_mut() else {
            return Err(PortError::reject(format!("NoCredit: nothing is owed to {owner}")).into());
        };
        last.items = 1;
        Ok(Draft { groups, ..Draft::default() })
    }

    /// Payments of credits that are there when they run. Who has no account of the token is passed over, unless the
    /// caller `opens` one: its rent is the payee's from then on.
    pub(super) async fn payouts(
        &self,
        purse: Purse,
        payees: &[Pubkey],
        token: Pubkey,
        opens: bool,
    ) -> Result<Vec<Instruction>, CallError> {
        let gateway = &self.site.gateway;
        let mint = self.token(token).await?;
        let mut calls = Vec::new();
        for payee in payees.iter().copied() {
            if let Some((mint, token_program)) = mint {
                let holding = associated_token(&payee, &mint, &token_program);
                if self.accounts(&[holding]).await?.pop().flatten().is_none() {
                    if !opens {
                        continue;
                    }
                    calls.push(create_associated_token(self.payer, payee, mint, token_program));
                }
            }
            let before: Option<Credit> = self.fetch(gateway.credit(purse, &payee, &token)).await?;
            let rent_payee = before.map_or(self.payer, |credit| Pubkey::new_from_array(credit.payer));
            calls.push(gateway.withdraw_credit(&Payout { purse, account: payee, token: mint, rent_payee }));
        }
        Ok(calls)
    }
}

/// True for SOL.
pub(super) fn is_native(token: &Pubkey) -> bool {
    *token == NATIVE
}
