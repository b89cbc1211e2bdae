//! What a person needs to do an action without a relayer: unsigned messages, and the command that signs and sends them.
//!
//! Nothing is asked from the chain here, so a call assumes what is usual: the checkpoint is not on the chain yet, the
//! epoch's members are, and whoever calls pays. Where an address follows from the caller's key, which is not known, the
//! command names how; `deployments/solana/send.py` puts the key and those addresses in.

use alloy_primitives::hex;
use infrastrukt_ports::{Action, CertifiedLeaves, ManualCall, PortError};
use infrastrukt_types::{Amount, Bytes, Epoch, Leaf, LegRef, Message};
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{
    Certificate, Counted, Group, Site,
    deal::is_native,
    fit::{fit, message},
};
use crate::{
    address::{PageKind, Purse, account, associated_token, pubkey_of},
    instruction::{Inbound, Judged, LeafProof, Outbound, Payout, Sending, Transfer, approve},
};

/// Stands for the key of whoever calls: it reads so in ASCII.
const CALLER: Pubkey = Pubkey::new_from_array(*b"INFRASTRUKT: PUT YOUR KEY HERE!!");

/// Fee of a message up to which a call by hand agrees, in lamports: the program takes what holds when it runs.
const FEE_LAMPORTS_MAX: u64 = 10_000_000;

/// Compute units of a transaction made by hand, and nothing above the fee for its signature.
const LIMITS: (u32, u64) = (1_400_000, 0);

/// An address that follows from the caller's key, as the command tells it.
struct Derived {
    placeholder: Pubkey,
    how: String,
}

/// A call, ready to be written down.
struct Call {
    function: &'static str,
    groups: Vec<Group>,
    value: u128,
    derived: Vec<Derived>,
}

impl Call {
    fn of(function: &'static str, groups: Vec<Group>) -> Self {
        Self { function, groups, value: 0, derived: Vec::new() }
    }

    fn one(function: &'static str, instruction: Instruction) -> Self {
        Self::of(function, vec![Group::whole(instruction)])
    }
}

/// What a person needs. `token_program` says which program a mint belongs to.
pub(crate) fn manual(
    site: &Site,
    action: &Action,
    token_program: &dyn Fn(&Pubkey) -> Pubkey,
) -> Result<ManualCall, PortError> {
    let Call { function, groups, value, derived } = site.manual_call(action, token_program)?;
    let caller = match action {
        Action::Lock { leg, .. } => pubkey_of(leg.leg.depositor),
        Action::Deliver { .. }
        | Action::Expire { .. }
        | Action::Refund { .. }
        | Action::Settle { .. }
        | Action::Rotate { .. }
        | Action::Send { .. }
        | Action::Bridge { .. }
        | Action::Approve { .. }
        | Action::RequestEscape { .. }
        | Action::ExecuteEscape { .. }
        | Action::WithdrawCredit { .. } => CALLER,
    };
    let data = encode(&caller, &groups)?;
    let program = site.gateway.program;
    let mut command = format!(
        "python3 deployments/solana/send.py --url \"$RPC_URL\" --keypair <YOUR_KEYPAIR_FILE> --program {program}"
    );
    for Derived { placeholder, how } in derived {
        command.push_str(&format!(" --derived {placeholder}={how}"));
    }
    command.push_str(&format!(" {data}"));
    Ok(ManualCall { to: program.to_string(), function: function.into(), data, value: Amount(value), command })
}

/// Messages one after the other, each behind its length in two bytes.
fn encode(caller: &Pubkey, groups: &[Group]) -> Result<Bytes, PortError> {
    let mut bytes = Vec::new();
    let mut rest = groups.to_vec();
    while !rest.is_empty() {
        let fitted = fit(caller, &rest)?;
        let whole = |count: usize| rest[..count].iter().map(|group| group.instructions.len()).sum::<usize>();
        let taken = (1..=rest.len()).find(|count| whole(*count) == fitted.instructions.len()).unwrap_or(rest.len());
        let message = message(caller, &fitted.instructions, LIMITS, Hash::default())
            .ok_or_else(|| PortError::reject("the call names too many accounts for one transaction"))?;
        let length = u16::try_from(message.len()).expect("what fits into a transaction is shorter than 2^16");
        bytes.extend(length.to_be_bytes());
        bytes.extend(message);
        rest.drain(..taken);
    }
    Ok(bytes.into())
}

impl Site {
    fn manual_call(&self, action: &Action, program: &dyn Fn(&Pubkey) -> Pubkey) -> Result<Call, PortError> {
        let gateway = &self.gateway;
        let token = |mint: Pubkey| (!is_native(&mint)).then(|| (mint, program(&mint)));
        Ok(match action {
            Action::Deliver { certified, messages } => self.manual_deliver(certified, messages, program)?,
            Action::Expire { certified, message } => {
                let certificate = self.certificate(certified, &[Leaf::Message(self.id(message)?)])?;
                let (mut groups, by) = self.manual_page(&certificate, PageKind::Consumed, message);
                let call = gateway.expire(&by, &Inbound::from(message), &certificate.tree.one(0));
                groups.push(Group::whole(call));
                Call::of("expire", groups)
            }
            Action::Refund { certified, message } => self.manual_refund(certified, message)?,
            Action::Settle { certified, settlements } => {
                let leaves: Vec<Leaf> = settlements.iter().map(|(deal, bit, _)| Leaf::Decision(*deal, *bit)).collect();
                let certificate = self.certificate(certified, &leaves)?;
                let mut call = Call::of("settle", certificate.prelude(gateway, CALLER, Counted::NOTHING));
                for (place, (deal, decision, legs)) in settlements.iter().enumerate() {
                    for leg in legs {
                        let settle = self.settle_call(CALLER, &certificate, place, (*deal, *decision, leg))?;
                        call.groups.push(Group::whole(settle));
                        if leg.leg.tip.0 > 0 {
                            call.derived.push(self.tip_credit(leg));
                        }
                    }
                }
                call
            }
            Action::Rotate { certified, epoch, valset_hash, expires_at } => {
                let (valset, expires) = (*valset_hash, *expires_at);
                let leaf = Leaf::Rotate { epoch: Epoch(*epoch), valset_hash: valset, expires_at: expires };
                let certificate = self.certificate(certified, &[leaf])?;
                let mut groups = certificate.prelude(gateway, CALLER, Counted::NOTHING);
                let by = (certificate.epoch, certificate.key);
                let next = (*epoch, valset.0, expires.0);
                groups.push(Group::whole(gateway.rotate(CALLER, by, next, &certificate.tree.one(0))));
                Call::of("rotate", groups)
            }
            Action::Send { target, recipient, gas_limit, deadline, payload } => {
                let (target, recipient, gas_limit) = (*target, recipient.0.0, *gas_limit);
                let (deadline, max_fee) = (deadline.0, FEE_LAMPORTS_MAX);
                let sending = Sending { target, recipient, gas_limit, deadline, max_fee, payload };
                Call::one("send, at a fee of 0.01 SOL at most", gateway.send(CALLER, &sending))
            }
            Action::Bridge { token: mint, target, recipient, amount, deadline, refund_to } => {
                let (mint, target, recipient) = (pubkey_of(*mint), *target, recipient.0.0);
                let (deadline, refund_to, max_fee) = (deadline.0, refund_to.0.0, FEE_LAMPORTS_MAX);
                let amount = units(*amount)?;
                let transfer = Transfer { target, recipient, amount, deadline, refund_to, max_fee };
                let call = gateway.transfer(CALLER, token(mint), &transfer);
                let derived = token(mint).map(holding).into_iter().collect();
                let value = if is_native(&mint) { u128::from(amount) } else { 0 };
                Call { value, derived, ..Call::one("bridge, at a fee of 0.01 SOL at most", call) }
            }
            Action::Approve { token: mint, spender, amount } => {
                let mint = pubkey_of(*mint);
                let missing = || PortError::reject("approve names a token; the native coin needs none");
                let (mint, token_program) = token(mint).ok_or_else(missing)?;
                let source = associated_token(&CALLER, &mint, &token_program);
                let call = approve(token_program, source, pubkey_of(*spender), CALLER, units(*amount)?);
                Call { derived: vec![holding((mint, token_program))], ..Call::one("approve", call) }
            }
            Action::Lock { deal, leg } => {
                let read = self.read_leg(*deal, leg)?;
                let depositor = pubkey_of(leg.leg.depositor);
                match token(read.token) {
                    None => {
                        let call = gateway.lock_native(depositor, *deal, (read.key, &read.terms));
                        Call { value: leg.leg.amount.0, ..Call::one("lock", call) }
                    }
                    Some(token) => {
                        let call = gateway.lock_token(depositor, *deal, (read.key, &read.terms), token);
                        Call::one("lock_token", call)
                    }
                }
            }
            Action::RequestEscape { deal, leg } => Call::of("request_escape", vec![self.request_escape(*deal, leg)?]),
            Action::ExecuteEscape { deal, leg } => {
                let read = self.read_leg(*deal, leg)?;
                let on_abort = pubkey_of(leg.leg.on_abort);
                let call = gateway.execute_escape(CALLER, *deal, (read.key, read.token, &read.terms), on_abort);
                Call::one("execute_escape", call)
            }
            Action::WithdrawCredit { token: mint, account } => {
                let (mint, owner) = (pubkey_of(*mint), pubkey_of(*account));
                let payout = Payout { purse: Purse::Escrow, account: owner, token: token(mint), rent_payee: CALLER };
                Call::one("withdraw_credit, of a credit that the caller opened", gateway.withdraw_credit(&payout))
            }
        })
    }

    fn manual_deliver(
        &self,
        certified: &CertifiedLeaves,
        messages: &[Message],
        program: &dyn Fn(&Pubkey) -> Pubkey,
    ) -> Result<Call, PortError> {
        let ids = messages.iter().map(|message| self.id(message)).collect::<Result<Vec<_>, _>>()?;
        let leaves: Vec<Leaf> = ids.iter().map(|id| Leaf::Message(*id)).collect();
        let Some(first) = messages.first() else {
            return Err(PortError::reject("a delivery names at least one message"));
        };
        let certificate = self.certificate(certified, &leaves)?;
        let mut call = Call::of("deliver", self.manual_page(&certificate, PageKind::Consumed, first).0);
        for (place, (id, message)) in ids.into_iter().zip(messages).enumerate() {
            let by = self.judged(&certificate, PageKind::Consumed, message);
            let (inbound, proof) = (Inbound::from(message), certificate.tree.one(place));
            let deliver = match message.recipient == account(&self.gateway.bridge) {
                true => self.manual_transfer(&by, message, &proof, program)?,
                false => self.gateway.deliver(CALLER, &by, (id, &inbound), &proof),
            };
            call.groups.push(Group::whole(deliver));
        }
        Ok(call)
    }

    /// The recipient's token account must be there: `spl-token create-account` makes it.
    fn manual_transfer(
        &self,
        by: &Judged,
        message: &Message,
        proof: &LeafProof,
        program: &dyn Fn(&Pubkey) -> Pubkey,
    ) -> Result<Instruction, PortError> {
        let (mint, recipient) = super::transfer::delivered(message)?;
        let token = (!is_native(&mint)).then(|| (mint, program(&mint)));
        Ok(self.gateway.deliver_transfer(by, (recipient, token), &super::transfer::passage(by, message)?, proof))
    }

    fn manual_refund(&self, certified: &CertifiedLeaves, message: &Message) -> Result<Call, PortError> {
        let id = self.id(message)?;
        if message.sender == account(&self.gateway.bridge) {
            return Err(PortError::reject("the refund of a transfer depends on its route: let a relayer do it"));
        }
        let certificate = self.certificate(certified, &[Leaf::Expired(id)])?;
        let (mut groups, by) = self.manual_page(&certificate, PageKind::Refunded, message);
        let call = self.gateway.refund(CALLER, &by, (id, &Outbound::from(message)), &certificate.tree.one(0));
        groups.push(Group::whole(call));
        Ok(Call::of("refund", groups))
    }

    /// Certificate and page, and what judges by them.
    fn manual_page(&self, certificate: &Certificate, kind: PageKind, message: &Message) -> (Vec<Group>, Judged) {
        let by = self.judged(certificate, kind, message);
        let open = self.gateway.open_page(CALLER, kind, by.peer, message.nonce);
        let mut groups = certificate.prelude(&self.gateway, CALLER, Counted::NOTHING);
        groups.push(Group::before(vec![open]));
        (groups, by)
    }

    fn judged(&self, certificate: &Certificate, kind: PageKind, message: &Message) -> Judged {
        let peer = match kind {
            PageKind::Consumed => message.source,
            PageKind::Refunded => message.target,
        };
        let page = self.gateway.page(kind, peer, message.nonce);
        Judged { epoch: certificate.epoch, checkpoint: certificate.key, peer, page }
    }

    /// The settler's credit, for its tip.
    fn tip_credit(&self, leg: &LegRef) -> Derived {
        let token = pubkey_of(leg.leg.token);
        let placeholder = self.gateway.credit(Purse::Escrow, &CALLER, &token);
        let (name, purse) = (hex::encode(b"credit"), Purse::Escrow.byte());
        Derived { placeholder, how: format!("{name},{purse:02x},@,{}", hex::encode(token.to_bytes())) }
    }
}

/// The caller's account of a token.
fn holding((mint, token_program): (Pubkey, Pubkey)) -> Derived {
    let placeholder = associated_token(&CALLER, &mint, &token_program);
    Derived { placeholder, how: format!("associated,{mint},{token_program}") }
}

fn units(amount: Amount) -> Result<u64, PortError> {
    let too_large =
        || PortError::reject(format!("the amount of {amount} is above 2^64 - 1, the most that Solana counts"));
    u64::try_from(amount.0).map_err(|_| too_large())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Gateway, NATIVE, TOKEN_PROGRAM};
    use infrastrukt_types::{Account, B256, ChainId, DealId, HubId, Leg, Timestamp};

    fn site() -> Site {
        let gateway = Gateway::new(Pubkey::new_from_array([7; 32]));
        let chain = ChainId(1 << 63);
        let (hub, gateways) = (HubId(B256::repeat_byte(9)), Default::default());
        Site { gateway, chain, hub, gateways, opens_accounts: false }
    }

    fn leg(token: u8) -> LegRef {
        let site = site();
        let someone = |byte: u8| Account(B256::repeat_byte(byte));
        let leg = Leg {
            chain: site.chain,
            escrow: account(&site.gateway.escrow),
            token: someone(token),
            amount: Amount(77),
            depositor: someone(5),
            on_commit: someone(6),
            on_abort: someone(5),
            escape_at: Timestamp(10),
            escape_window: 5,
            tip: Amount(1),
        };
        LegRef { index: 1, lock_by: Timestamp(9), leg }
    }

    fn call(action: &Action) -> Result<ManualCall, PortError> {
        manual(&site(), action, &|_| TOKEN_PROGRAM)
    }

    #[test]
    fn messages_can_be_cut_apart_again() {
        let lock = call(&Action::Lock { deal: DealId::default(), leg: leg(0) }).expect("drafts");
        assert_eq!(lock.value, Amount(77));
        assert!(lock.command.contains(&lock.to) && lock.command.ends_with(&lock.data.to_string()), "{lock:?}");
        let (length, message) = lock.data.split_first_chunk::<2>().expect("has a length");
        assert_eq!(usize::from(u16::from_be_bytes(*length)), message.len());
        let payer = message[5..37].to_vec();
        assert_eq!(payer, vec![5; 32], "the depositor pays");
        let token = call(&Action::Lock { deal: DealId::default(), leg: leg(3) }).expect("drafts");
        assert_eq!((token.value, token.function.as_str()), (Amount::ZERO, "lock_token"));
    }

    #[test]
    fn addresses_of_the_caller_are_told() {
        let (token, spender) = (Account(B256::repeat_byte(3)), Account(B256::repeat_byte(4)));
        let approve = call(&Action::Approve { token, spender, amount: Amount(5) }).expect("drafts");
        let mint = pubkey_of(token);
        let placeholder = associated_token(&CALLER, &mint, &TOKEN_PROGRAM);
        let told = format!("--derived {placeholder}=associated,{mint},{TOKEN_PROGRAM}");
        assert!(approve.command.contains(&told), "{}", approve.command);
    }

    #[test]
    fn legs_of_elsewhere_are_refused() {
        let mut elsewhere = leg(0);
        elsewhere.leg.chain = ChainId(1);
        assert!(call(&Action::Lock { deal: DealId::default(), leg: elsewhere }).is_err());
        let mut other = leg(0);
        other.leg.escrow = account(&NATIVE);
        assert!(call(&Action::RequestEscape { deal: DealId::default(), leg: other }).is_err());
        let mut rich = leg(0);
        rich.leg.amount = Amount(u128::MAX);
        assert!(call(&Action::Lock { deal: DealId::default(), leg: rich }).is_err());
    }
}
