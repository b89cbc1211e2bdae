//! Transfers of tokens: sent, delivered, given back.

use infrastrukt_evm::CallError;
use infrastrukt_ports::PortError;
use infrastrukt_types::{Account, Amount, ChainId, Message, Timestamp};
use solana_pubkey::Pubkey;

use super::{Draft, Group, Planner, deal::is_native};
use crate::{
    address::{Purse, associated_token, pubkey_of},
    instruction::{Judged, LeafProof, Passage, Refunded, TRANSFER_BYTES, Transfer, create_associated_token},
    state::Route,
};

/// Where in a transfer's payload the token, the recipient and the account of a refund are.
const TOKEN_AT: usize = 1;
const RECIPIENT_AT: usize = TOKEN_AT + 32 + 8;
const REFUND_AT: usize = RECIPIENT_AT + 32;

/// What a transfer's payload names, as far as the accounts of a call follow from it. The program checks all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named {
    token: Pubkey,
    recipient: Pubkey,
    refund_to: Pubkey,
}

fn named(message: &Message) -> Result<Named, PortError> {
    let payload: &[u8] = &message.payload;
    if payload.len() != TRANSFER_BYTES {
        return Err(malformed(message));
    }
    let key = |at: usize| {
        let bytes = payload[at..at + 32].try_into();
        Pubkey::new_from_array(bytes.expect("32 bytes are an address, and the length was checked"))
    };
    Ok(Named { token: key(TOKEN_AT), recipient: key(RECIPIENT_AT), refund_to: key(REFUND_AT) })
}

fn malformed(message: &Message) -> PortError {
    let length = message.payload.len();
    PortError::reject(format!("MalformedPayload: a transfer has {TRANSFER_BYTES} bytes, not {length}"))
}

/// The message of a transfer as the program takes it.
pub(super) fn passage(by: &Judged, message: &Message) -> Result<Passage, PortError> {
    Passage::new(by.peer, message).ok_or_else(|| malformed(message))
}

/// The token here and the recipient that a transfer names.
pub(super) fn delivered(message: &Message) -> Result<(Pubkey, Pubkey), PortError> {
    named(message).map(|named| (named.token, named.recipient))
}

impl Planner<'_> {
    /// Sends tokens over the bridge at the fee that holds now.
    pub(super) async fn bridge(
        &self,
        (token, amount): (Account, Amount),
        target: ChainId,
        recipient: Account,
        (deadline, refund_to): (Timestamp, Account),
    ) -> Result<Draft, CallError> {
        let units =
            || PortError::reject(format!("the amount of {amount} is above 2^64 - 1, the most that Solana counts"));
        let amount = u64::try_from(amount.0).map_err(|_| units())?;
        let mint = pubkey_of(token);
        let route: Option<Route> = self.fetch(self.site.gateway.route(target, &mint)).await?;
        let unknown = || PortError::reject(format!("UnknownRoute: {mint} has no way to {target}"));
        let gas = route.ok_or_else(unknown)?.receive_gas;
        let max_fee = self.quote(target, gas, TRANSFER_BYTES).await?;
        let (recipient, deadline, refund_to) = (recipient.0.0, deadline.0, refund_to.0.0);
        let transfer = Transfer { target, recipient, amount, deadline, refund_to, max_fee };
        let call = self.site.gateway.transfer(self.payer, self.token(mint).await?, &transfer);
        let attached = if is_native(&mint) { amount } else { 0 };
        Ok(Draft { groups: vec![Group::whole(call)], plain: None, lamports: max_fee.saturating_add(attached) })
    }

    /// Delivers a transfer into the recipient's account. Where that is made first, a deep proof may leave no room for it
    /// in one transaction.
    pub(super) async fn deliver_transfer(
        &self,
        by: &Judged,
        message: &Message,
        proof: &LeafProof,
    ) -> Result<Vec<Group>, CallError> {
        let Named { token, recipient, .. } = named(message)?;
        let token = self.token(token).await?;
        let mut groups = Vec::new();
        if let Some((mint, token_program)) = token {
            let holding = associated_token(&recipient, &mint, &token_program);
            if self.accounts(&[holding]).await?.pop().flatten().is_none() {
                if !self.site.opens_accounts {
                    return Err(PortError::reject(format!(
                        "NoTokenAccount: {recipient} has no account of the token {mint}; once it has opened one, deliver \
                         again, or let the transfer go back after its deadline"
                    ))
                    .into());
                }
                let open = create_associated_token(self.payer, recipient, mint, token_program);
                groups.push(Group::before(vec![open]));
            }
        }
        let call = self.site.gateway.deliver_transfer(by, (recipient, token), &passage(by, message)?, proof);
        groups.push(Group::whole(call));
        Ok(groups)
    }

    /// Gives an expired transfer back and pays it to whom it named for that.
    pub(super) async fn refund_transfer(
        &self,
        mut groups: Vec<Group>,
        by: &Judged,
        message: &Message,
        proof: &LeafProof,
    ) -> Result<Draft, CallError> {
        let refund_to = named(message)?.refund_to;
        let mint = self.refunded_token(message).await?;
        let route: Option<Route> = self.fetch(self.site.gateway.route(message.target, &mint)).await?;
        let mints = route.is_some_and(|route| route.kind == Route::MINT);
        let refunded = Refunded { refund_to, token: self.token(mint).await?, mints };
        let call = self.site.gateway.refund_transfer(self.payer, by, &refunded, &passage(by, message)?, proof);
        let mut plain = groups.clone();
        plain.push(Group::whole(call.clone()));
        let mut instructions = vec![call];
        instructions.extend(self.payouts(Purse::Bridge, &[refund_to], mint, false).await?);
        groups.push(Group { instructions, items: 1 });
        Ok(Draft { groups, plain: Some(plain), lamports: 0 })
    }

    /// The token here of which a transfer names its counterpart there.
    async fn refunded_token(&self, message: &Message) -> Result<Pubkey, CallError> {
        let remote = named(message)?.token;
        let pair = self.site.gateway.pair(message.target, remote.to_bytes().into());
        let found: Option<crate::state::Pair> = self.fetch(pair).await?;
        let unknown = || PortError::reject(format!("UnknownRoute: no token here belongs to {remote}"));
        Ok(found.map(|pair| Pubkey::new_from_array(pair.token)).ok_or_else(unknown)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::NATIVE;
    use infrastrukt_types::{B256, Nonce};

    #[test]
    fn a_transfer_names_token_recipient_and_refund() {
        let mut message = Message {
            version: 1,
            source: ChainId(56),
            target: ChainId(1 << 63),
            nonce: Nonce(1),
            sender: Account::ZERO,
            recipient: Account::ZERO,
            timestamp: Timestamp(0),
            gas_limit: 0,
            deadline: Timestamp(0),
            payload: [[1u8].as_slice(), &[2; 32], &[0; 8], &[3; 32], &[4; 32], &[0; 16]].concat().into(),
        };
        let key = |byte: u8| Pubkey::new_from_array([byte; 32]);
        assert_eq!(named(&message).expect("reads"), Named { token: key(2), recipient: key(3), refund_to: key(4) });
        assert_eq!(B256::from(NATIVE.to_bytes()), B256::ZERO);
        let (checkpoint, page) = (key(7), key(8));
        let by = |peer| Judged { epoch: 1, checkpoint, peer, page };
        let bytes = borsh::to_vec(&passage(&by(ChainId(56)), &message).expect("is a transfer")).expect("serializes");
        let numbers = [56u64, 1, 0, 0, 0].map(u64::to_le_bytes).concat();
        assert_eq!((bytes.len(), bytes), (161, [numbers.as_slice(), &message.payload[..]].concat()));
        message.payload = message.payload.slice(1..);
        assert!(named(&message).is_err() && passage(&by(ChainId(56)), &message).is_err());
    }

    /// A proof of so many nodes.
    fn proof(nodes: usize) -> LeafProof {
        LeafProof { count: 1 << nodes, index: 0, nodes: vec![[9; 32]; nodes] }
    }

    #[test]
    fn transfers_and_their_refunds_fit_beside_deep_proofs() {
        let key = |byte: u8| Pubkey::new_from_array([byte; 32]);
        let message = Message {
            version: 1,
            source: ChainId(56),
            target: ChainId(1 << 63),
            nonce: Nonce(1),
            sender: Account::ZERO,
            recipient: Account::ZERO,
            timestamp: Timestamp(0),
            gas_limit: 0,
            deadline: Timestamp(0),
            payload: vec![1u8; TRANSFER_BYTES].into(),
        };
        let gateway = crate::address::Gateway::new(key(5));
        let (payer, token) = (key(6), (key(2), crate::address::TOKEN_PROGRAM));
        let by = Judged { epoch: 1, checkpoint: key(7), peer: ChainId(56), page: key(8) };
        let passage = passage(&by, &message).expect("is a transfer");
        let fits = |calls: Vec<Group>| super::super::fit(&payer, &calls).is_ok_and(|fitted| fitted.is_last);
        let to = (key(3), Some(token));
        let deliver = |nodes| Group::whole(gateway.deliver_transfer(&by, to, &passage, &proof(nodes)));
        let open = Group::before(vec![create_associated_token(payer, key(3), token.0, token.1)]);
        assert!(fits(vec![open.clone(), deliver(8)]) && !fits(vec![open, deliver(10)]));
        assert!(fits(vec![deliver(11)]));
        let refunded = Refunded { refund_to: key(4), token: Some(token), mints: true };
        let refund = |nodes| Group::whole(gateway.refund_transfer(payer, &by, &refunded, &passage, &proof(nodes)));
        assert!(fits(vec![refund(10)]));
    }
}
