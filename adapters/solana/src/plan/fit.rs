//! What fits into one transaction.
//!
//! Lookup tables are not used. What fills a transaction is the certificate, its proofs and payloads, not the addresses: a
//! table would save 31 bytes for each of five to seven fixed accounts, and would have to be made, paid for, kept and
//! trusted on every deployment. Where a certificate leaves no room it goes into a transaction of its own, at the price
//! of one more signature, and stands on the chain for every later one.

use infrastrukt_ports::PortError;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_message::{VersionedMessage, v0};
use solana_pubkey::Pubkey;

use crate::instruction::{unit_limit, unit_price};

/// Bytes of a transaction at most: one IPv6 packet without its headers.
pub(crate) const TRANSACTION_BYTES_MAX: usize = 1_232;

/// Accounts that one transaction may lock.
const ACCOUNTS_MAX: usize = 64;

/// Bytes in front of the message: the count of signatures, and the only one.
const SIGNATURE_BYTES: usize = 1 + 64;

/// Instructions that belong into one transaction, and how many of the action's items they complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) items: usize,
}

/// As many groups as one transaction holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fitted {
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) items: usize,
    /// True where none is left for a later transaction.
    pub(crate) is_last: bool,
}

impl Group {
    /// One instruction that completes one item.
    pub(crate) fn whole(instruction: Instruction) -> Self {
        Self { instructions: vec![instruction], items: 1 }
    }

    /// What has to be there before the items.
    pub(crate) fn before(instructions: Vec<Instruction>) -> Self {
        Self { instructions, items: 0 }
    }
}

/// Takes groups from the front until the transaction is full.
pub(crate) fn fit(payer: &Pubkey, groups: &[Group]) -> Result<Fitted, PortError> {
    let mut fitted = Fitted { instructions: Vec::new(), items: 0, is_last: true };
    for (index, group) in groups.iter().enumerate() {
        let mut longer = fitted.instructions.clone();
        longer.extend(group.instructions.iter().cloned());
        match size(payer, &longer) {
            Some(bytes) if bytes <= TRANSACTION_BYTES_MAX => fitted.instructions = longer,
            Some(_) | None if index > 0 => return Ok(Fitted { is_last: false, ..fitted }),
            bytes => {
                let bytes = bytes.map_or("too many accounts".to_owned(), |bytes| format!("{bytes} bytes"));
                return Err(PortError::reject(format!(
                    "the call needs a transaction of {bytes}, and Solana takes {TRANSACTION_BYTES_MAX}: send less at once"
                )));
            }
        }
        fitted.items += group.items;
    }
    Ok(fitted)
}

/// The message that is signed: limits first, then the instructions.
pub(crate) fn message(
    payer: &Pubkey,
    instructions: &[Instruction],
    (units, price): (u32, u64),
    blockhash: Hash,
) -> Option<Vec<u8>> {
    let mut all = vec![unit_limit(units), unit_price(price)];
    all.extend(instructions.iter().cloned());
    let message = v0::Message::try_compile(payer, &all, &[], blockhash).ok()?;
    if message.account_keys.len() > ACCOUNTS_MAX || message.header.num_required_signatures != 1 {
        return None;
    }
    Some(VersionedMessage::V0(message).serialize())
}

/// A transaction that nobody signed yet, for simulations.
pub(crate) fn unsigned(message: &[u8]) -> Vec<u8> {
    signed(message, &[0; 64])
}

/// The transaction as it is sent.
pub(crate) fn signed(message: &[u8], signature: &[u8; 64]) -> Vec<u8> {
    [[1].as_slice(), signature, message].concat()
}

fn size(payer: &Pubkey, instructions: &[Instruction]) -> Option<usize> {
    message(payer, instructions, (u32::MAX, u64::MAX), Hash::default()).map(|message| SIGNATURE_BYTES + message.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_ports::Remedy;

    const PAYER: Pubkey = Pubkey::new_from_array([1; 32]);

    fn group(bytes: usize, items: usize) -> Group {
        let program_id = Pubkey::new_from_array([2; 32]);
        Group { instructions: vec![Instruction { program_id, accounts: Vec::new(), data: vec![0; bytes] }], items }
    }

    #[test]
    fn groups_are_taken_whole_until_the_transaction_is_full() {
        let all = fit(&PAYER, &[group(300, 0), group(300, 1)]).expect("fits");
        assert_eq!((all.instructions.len(), all.items, all.is_last), (2, 1, true));
        let some = fit(&PAYER, &[group(300, 0), group(500, 2), group(500, 3)]).expect("fits");
        assert_eq!((some.instructions.len(), some.items, some.is_last), (2, 2, false));
        let error = fit(&PAYER, &[group(1_300, 1)]).expect_err("does not fit");
        assert_eq!(error.remedy, Remedy::Reject);
    }

    #[test]
    fn a_transaction_is_measured_as_it_is_sent() {
        let fitted = fit(&PAYER, &[group(900, 1)]).expect("fits");
        let message = message(&PAYER, &fitted.instructions, (1, 1), Hash::default()).expect("compiles");
        let sent = signed(&message, &[3; 64]);
        assert_eq!(sent.len(), size(&PAYER, &fitted.instructions).expect("compiles"));
        assert_eq!((sent[0], sent[1], sent[65]), (1, 3, 0x80), "one signature, then a message of version 0");
    }
}
