//! Messages: delivered, expired, given back, sent.

use infrastrukt_evm::CallError;
use infrastrukt_ports::{CertifiedLeaves, PortError};
use infrastrukt_types::{Account, Bytes, ChainId, Leaf, Message, MessageId, Timestamp};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::collections::BTreeSet;

use super::{Certificate, Draft, Group, Planner, fit::fit};
use crate::{
    address::{PAGE_NONCES, PageKind, account},
    instruction::{Inbound, Judged, Outbound, Sending},
    state::{self, Target},
};

/// Messages that one instruction delivers at most.
const BATCH_MAX: usize = 8;

/// Bytes that the gateway prices for each byte of a payload, in units of gas.
const GAS_PER_BYTE: u64 = 40;

/// Micro-lamports in a lamport.
const MICRO: u128 = 1_000_000;

/// A message with its place in the proof.
struct Parcel<'a> {
    place: usize,
    id: MessageId,
    message: &'a Message,
}

impl Planner<'_> {
    /// Deliveries from the item `done` on. What nobody can deliver any more, or not to that recipient, is passed over
    /// where there is more than one, so that it blocks nobody; alone it is left to the program to say why.
    pub(super) async fn deliver(
        &self,
        certified: &CertifiedLeaves,
        messages: &[Message],
        done: usize,
    ) -> Result<Draft, CallError> {
        if messages.is_empty() {
            return Err(PortError::reject("a delivery names at least one message").into());
        }
        let ids: Vec<MessageId> = messages.iter().map(|message| self.site.id(message)).collect::<Result<_, _>>()?;
        let leaves: Vec<Leaf> = ids.iter().map(|id| Leaf::Message(*id)).collect();
        let certificate = self.site.certificate(certified, &leaves)?;
        let mut groups = self.prelude(&certificate).await?;
        let mut opened = BTreeSet::new();
        let parcels: Vec<Parcel<'_>> = (0..)
            .zip(ids.into_iter().zip(messages))
            .map(|(place, (id, message))| Parcel { place, id, message })
            .skip(done)
            .collect();
        let mut rest = parcels.as_slice();
        while let Some(first) = rest.first() {
            let page = self.page(PageKind::Consumed, first.message.source, first.message).await?;
            if let Some(open) = page.missing.clone().filter(|_| opened.insert(page.key.to_bytes())) {
                groups.push(Group::before(vec![open]));
            }
            let alike = rest.iter().take_while(|parcel| self.goes_with(first, parcel)).count().clamp(1, BATCH_MAX);
            let taken = match account(&self.site.gateway.bridge) == first.message.recipient {
                true => self.add_transfer(&mut groups, &certificate, &page.judged(&certificate), first).await?,
                false => self.add_batch(&mut groups, &certificate, &page.judged(&certificate), &rest[..alike])?,
            };
            rest = &rest[taken..];
        }
        Ok(Draft { groups, ..Draft::default() })
    }

    /// True for messages that one instruction can deliver: one source, one page, none of them a transfer.
    fn goes_with(&self, first: &Parcel<'_>, other: &Parcel<'_>) -> bool {
        let page = |parcel: &Parcel<'_>| (parcel.message.source, parcel.message.nonce.0 / PAGE_NONCES);
        page(first) == page(other) && other.message.recipient != account(&self.site.gateway.bridge)
    }

    /// One message alone, or as many as fit into a transaction of their own.
    fn add_batch(
        &self,
        groups: &mut Vec<Group>,
        certificate: &Certificate,
        by: &Judged,
        parcels: &[Parcel<'_>],
    ) -> Result<usize, CallError> {
        let gateway = &self.site.gateway;
        if let [Parcel { place, id, message }] = parcels {
            let inbound = Inbound::from(*message);
            let call = gateway.deliver(self.payer, by, (*id, &inbound), &certificate.tree.one(*place));
            groups.push(Group::whole(call));
            return Ok(1);
        }
        for count in (1..=parcels.len()).rev() {
            let part = &parcels[..count];
            let places: Vec<usize> = part.iter().map(|parcel| parcel.place).collect();
            let bodies: Vec<_> = part.iter().map(|parcel| (parcel.id, Inbound::from(parcel.message))).collect();
            let call = gateway.deliver_batch(self.payer, by, &bodies, &certificate.tree.some(&places));
            let group = Group { instructions: vec![call], items: count };
            if count == 1 || fit(&self.payer, std::slice::from_ref(&group)).is_ok() {
                groups.push(group);
                return Ok(count);
            }
        }
        Ok(parcels.len())
    }

    async fn add_transfer(
        &self,
        groups: &mut Vec<Group>,
        certificate: &Certificate,
        by: &Judged,
        parcel: &Parcel<'_>,
    ) -> Result<usize, CallError> {
        let proof = certificate.tree.one(parcel.place);
        groups.extend(self.deliver_transfer(by, parcel.message, &proof).await?);
        Ok(1)
    }

    /// Marks a message as one that is never delivered.
    pub(super) async fn expire(&self, certified: &CertifiedLeaves, message: &Message) -> Result<Draft, CallError> {
        let leaf = Leaf::Message(self.site.id(message)?);
        let certificate = self.site.certificate(certified, &[leaf])?;
        let page = self.page(PageKind::Consumed, message.source, message).await?;
        let mut groups = self.prelude(&certificate).await?;
        groups.extend(page.missing.iter().cloned().map(|open| Group::before(vec![open])));
        let (by, proof) = (page.judged(&certificate), certificate.tree.one(0));
        groups.push(Group::whole(self.site.gateway.expire(&by, &Inbound::from(message), &proof)));
        Ok(Draft { groups, ..Draft::default() })
    }

    /// Gives an expired message back: a transfer to whom it named, anything else to its sender.
    pub(super) async fn refund(&self, certified: &CertifiedLeaves, message: &Message) -> Result<Draft, CallError> {
        let id = self.site.id(message)?;
        let certificate = self.site.certificate(certified, &[Leaf::Expired(id)])?;
        let page = self.page(PageKind::Refunded, message.target, message).await?;
        let mut groups = self.prelude(&certificate).await?;
        groups.extend(page.missing.iter().cloned().map(|open| Group::before(vec![open])));
        let (by, proof) = (page.judged(&certificate), certificate.tree.one(0));
        if message.sender == account(&self.site.gateway.bridge) {
            return self.refund_transfer(groups, &by, message, &proof).await;
        }
        let call = self.site.gateway.refund(self.payer, &by, (id, &Outbound::from(message)), &proof);
        groups.push(Group::whole(call));
        Ok(Draft { groups, ..Draft::default() })
    }

    /// Sends a message at the fee that holds now.
    pub(super) async fn send(
        &self,
        target: ChainId,
        recipient: Account,
        (gas_limit, deadline): (u64, Timestamp),
        payload: &Bytes,
    ) -> Result<Draft, CallError> {
        let max_fee = self.quote(target, gas_limit, payload.len()).await?;
        let recipient = recipient.0.0;
        let sending = Sending { target, recipient, gas_limit, deadline: deadline.0, max_fee, payload };
        let groups = vec![Group::whole(self.site.gateway.send(self.payer, &sending))];
        Ok(Draft { groups, plain: None, lamports: max_fee })
    }

    /// Lamports that the gateway takes for a message.
    pub(super) async fn quote(&self, target: ChainId, gas_limit: u64, payload: usize) -> Result<u64, CallError> {
        let key = self.site.gateway.target(target);
        let found: Option<Target> = self.fetch(key).await?;
        let unknown = || PortError::reject(format!("UnknownTarget: the gateway has no chain {target}; see `chains`"));
        Ok(fee(&found.ok_or_else(unknown)?, gas_limit, payload)
            .ok_or_else(|| PortError::reject(format!("the fee for {gas_limit} units of gas is beyond any balance")))?)
    }

    /// The page of a message's bit, and what makes it if it is missing.
    async fn page(&self, kind: PageKind, peer: ChainId, message: &Message) -> Result<Page, CallError> {
        let gateway = &self.site.gateway;
        let page = gateway.page(kind, peer, message.nonce);
        let found = self.accounts(&[page]).await?.pop().flatten();
        let missing = found.is_none().then(|| gateway.open_page(self.payer, kind, peer, message.nonce));
        if let Some(account) = found {
            // An account of somebody else at that address would be another program's gateway.
            state::bit(&gateway.program, &page, Some(&account), message.nonce)
                .map_err(|error| PortError::reject(error.to_string()))?;
        }
        Ok(Page { peer, key: page, missing })
    }
}

/// Where a message's bit is.
struct Page {
    peer: ChainId,
    key: Pubkey,
    /// What makes the page, where it is not there yet.
    missing: Option<Instruction>,
}

impl Page {
    fn judged(&self, certificate: &Certificate) -> Judged {
        Judged { epoch: certificate.epoch, checkpoint: certificate.key, peer: self.peer, page: self.key }
    }
}

/// The gateway's own formula: `base + ⌈(gas + 40 · length) · price / 10^6⌉`.
pub(super) fn fee(target: &Target, gas_limit: u64, payload: usize) -> Option<u64> {
    let length = u64::try_from(payload).ok()?;
    let gas = u128::from(gas_limit).checked_add(u128::from(GAS_PER_BYTE.checked_mul(length)?))?;
    let variable = gas.checked_mul(u128::from(target.fee_per_gas_micro))?.div_ceil(MICRO);
    u64::try_from(variable).ok()?.checked_add(target.base_fee)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_rounded_up_and_never_wrap() {
        let target = |base_fee, fee_per_gas_micro| Target {
            chain: 1,
            gateway: [0; 32],
            bridge_peer: [0; 32],
            nonce: 0,
            max_gas_limit: 0,
            max_payload: 0,
            flags: 0,
            base_fee,
            fee_per_gas_micro,
            valid_until: 0,
            bump: 0,
        };
        assert_eq!(fee(&target(5, 0), 100_000, 10), Some(5));
        assert_eq!(fee(&target(5, 1), 1, 0), Some(6));
        assert_eq!(fee(&target(5, 10), 100_000, 25), Some(7));
        assert_eq!(fee(&target(u64::MAX, 1), 1, 0), None);
        assert_eq!(fee(&target(0, u64::MAX), u64::MAX, 0), None);
    }
}
