//! Which messages the hub certifies. The gateways refuse the same at `send`; the hub does not rely on it.

use infrastrukt_types::{Account, AccountError, ChainId, MESSAGE_VERSION, Message, Nonce};

use super::{GAS_LIMIT_MAX, PAYLOAD_MAX};
use crate::genesis::Genesis;

/// Why a message is not certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageRefusal {
    /// Unknown version.
    #[error("message version {0} is not {MESSAGE_VERSION}, the only one there is")]
    Version(u8),
    /// Says another source than the chain it was read on.
    #[error("the message names {named} as its source but was sent on {origin}")]
    Source {
        /// In the message.
        named: ChainId,
        /// Where it was read.
        origin: ChainId,
    },
    /// Not registered here.
    #[error("chain {0} is not registered with this hub")]
    UnknownChain(ChainId),
    /// Sent to itself.
    #[error("source and target are the same chain {0}")]
    SameChain(ChainId),
    /// Emitted by another contract than the hub's.
    #[error("{given} is not the hub's gateway {expected} on the source")]
    Gateway {
        /// Who emitted it.
        given: Account,
        /// Who should have.
        expected: Account,
    },
    /// Counts from 1.
    #[error("nonce {0} is refused: nonces count from 1")]
    Nonce(Nonce),
    /// Nobody receives it.
    #[error("recipient: {0}")]
    Recipient(AccountError),
    /// Too long.
    #[error("a payload of {0} bytes is longer than {PAYLOAD_MAX}")]
    Payload(usize),
    /// Too much gas.
    #[error("a gas limit of {0} is above {GAS_LIMIT_MAX}")]
    GasLimit(u64),
}

/// Checks a message that `gateway` emitted on `origin`.
pub fn check_message(
    message: &Message,
    origin: ChainId,
    gateway: Account,
    genesis: &Genesis,
) -> Result<(), MessageRefusal> {
    if message.version != MESSAGE_VERSION {
        return Err(MessageRefusal::Version(message.version));
    }
    if message.source != origin {
        return Err(MessageRefusal::Source { named: message.source, origin });
    }
    if message.target == message.source {
        return Err(MessageRefusal::SameChain(origin));
    }
    let source = genesis.chain(message.source).ok_or(MessageRefusal::UnknownChain(message.source))?;
    let target = genesis.chain(message.target).ok_or(MessageRefusal::UnknownChain(message.target))?;
    if gateway != source.gateway {
        return Err(MessageRefusal::Gateway { given: gateway, expected: source.gateway });
    }
    if message.nonce == Nonce(0) {
        return Err(MessageRefusal::Nonce(message.nonce));
    }
    if message.recipient.is_zero() {
        return Err(MessageRefusal::Recipient(AccountError::Zero));
    }
    if target.has_evm_accounts() {
        message.recipient.to_evm().map_err(MessageRefusal::Recipient)?;
    }
    if message.payload.len() > PAYLOAD_MAX {
        return Err(MessageRefusal::Payload(message.payload.len()));
    }
    if message.gas_limit > GAS_LIMIT_MAX {
        return Err(MessageRefusal::GasLimit(message.gas_limit));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{genesis, message, mixed_genesis};
    use infrastrukt_types::B256;

    fn check(change: impl FnOnce(&mut Message), expected: MessageRefusal) {
        let genesis = genesis();
        let mut message = message(1);
        let (origin, gateway) = (message.source, genesis.chains[0].gateway);
        assert_eq!(check_message(&message, origin, gateway, &genesis), Ok(()));
        change(&mut message);
        assert_eq!(check_message(&message, origin, gateway, &genesis), Err(expected));
    }

    #[test]
    fn each_rule_is_enforced() {
        let genesis = genesis();
        let (source, target) = (genesis.chains[0].id, genesis.chains[1].id);
        check(|message| message.version = 2, MessageRefusal::Version(2));
        check(|message| message.source = target, MessageRefusal::Source { named: target, origin: source });
        check(|message| message.target = source, MessageRefusal::SameChain(source));
        check(|message| message.target = ChainId(9), MessageRefusal::UnknownChain(ChainId(9)));
        check(|message| message.nonce = Nonce(0), MessageRefusal::Nonce(Nonce(0)));
        check(|message| message.recipient = Account::ZERO, MessageRefusal::Recipient(AccountError::Zero));
        let dirty = Account(B256::repeat_byte(1));
        check(|message| message.recipient = dirty, MessageRefusal::Recipient(AccountError::DirtyUpperBytes(dirty)));
        check(|message| message.gas_limit = u64::MAX, MessageRefusal::GasLimit(u64::MAX));
        check(|message| message.payload = vec![0; PAYLOAD_MAX + 1].into(), MessageRefusal::Payload(PAYLOAD_MAX + 1));
    }

    #[test]
    fn a_recipient_is_as_wide_as_its_chain_has_accounts() {
        let genesis = mixed_genesis();
        let wide = Account(B256::repeat_byte(0xab));
        let there = Message { target: genesis.chains[1].id, recipient: wide, ..message(1) };
        assert_eq!(check_message(&there, there.source, genesis.chains[0].gateway, &genesis), Ok(()));
        let back = Message { source: there.target, target: there.source, sender: wide, ..there };
        let refused = check_message(&back, back.source, genesis.chains[1].gateway, &genesis);
        assert_eq!(refused, Err(MessageRefusal::Recipient(AccountError::DirtyUpperBytes(wide))));
    }

    #[test]
    fn poly_only_the_hubs_own_gateway_is_believed() {
        let genesis = genesis();
        let message = message(1);
        let stranger = genesis.chains[0].escrow;
        let refusal = check_message(&message, message.source, stranger, &genesis).expect_err("refused");
        assert_eq!(refusal, MessageRefusal::Gateway { given: stranger, expected: genesis.chains[0].gateway });
    }
}
