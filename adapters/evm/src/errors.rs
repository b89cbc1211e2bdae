//! What a contract's revert means and what to do about it.

use alloy::sol_types::{Panic, Revert, SolError, SolInterface};
use alloy_primitives::hex;

use crate::bindings::{IERC20, IEscrow, IGateway, ILibraryErrors, ITokenBridge, IVerifier};

/// Characters of a contract's own words that are repeated to people.
const REASON_MAX: usize = 300;

/// Revert data as a sentence: the typed error with its values, and the remedy.
pub fn explain(data: &[u8]) -> String {
    let reason = decode(data).unwrap_or_else(|| unknown(data));
    reason.chars().filter(|c| !c.is_control()).take(REASON_MAX).collect()
}

fn decode(data: &[u8]) -> Option<String> {
    if data.len() < 4 {
        return None;
    }
    if let Ok(error) = IGateway::IGatewayErrors::abi_decode(data) {
        return Some(gateway(&error));
    }
    if let Ok(error) = IEscrow::IEscrowErrors::abi_decode(data) {
        return Some(escrow(&error));
    }
    if let Ok(error) = IVerifier::IVerifierErrors::abi_decode(data) {
        return Some(verifier(&error));
    }
    if let Ok(error) = ITokenBridge::ITokenBridgeErrors::abi_decode(data) {
        return Some(token_bridge(&error));
    }
    if let Ok(error) = ILibraryErrors::ILibraryErrorsErrors::abi_decode(data) {
        return Some(format!("{error:?}: the proof or call was encoded wrongly; build it anew from the hub's answer"));
    }
    if let Ok(error) = IERC20::IERC20Errors::abi_decode(data) {
        return Some(token(&error));
    }
    if let Ok(error) = Revert::abi_decode(data) {
        return Some(format!("reverted with \"{}\"", error.reason));
    }
    Panic::abi_decode(data).ok().map(|error| format!("panicked: {error}"))
}

fn unknown(data: &[u8]) -> String {
    if data.is_empty() {
        return "reverted without a reason: the contract address may be wrong, or gas ran out".into();
    }
    format!("reverted with {}, which is no error of the hub's contracts", hex::encode_prefixed(data))
}

fn gateway(error: &IGateway::IGatewayErrors) -> String {
    use IGateway::IGatewayErrors as E;
    match error {
        E::UnknownTarget(e) => format!("UnknownTarget({}): the gateway has no such chain; see `chains`", e.target),
        E::PausedTarget(e) => format!("PausedTarget({}): sending there is paused; try later", e.target),
        E::InvalidRecipient(e) => format!("InvalidRecipient({}): name an address of the target chain", e.recipient),
        E::GasLimitTooHigh(e) => format!("GasLimitTooHigh({}): the target allows {} gas", e.given, e.max),
        E::PayloadTooLarge(e) => format!("PayloadTooLarge({}): the target allows {} bytes", e.given, e.max),
        E::DeadlinePassed(e) => {
            format!(
                "DeadlinePassed({}): chain time is {}; expire the message or choose a later deadline",
                e.deadline, e.now_
            )
        }
        E::WrongFee(e) => format!("WrongFee({}): the fee is {} wei now; quote again", e.given, e.required),
        E::QuoteExpired(e) => format!("QuoteExpired({}): the owner must set a new fee first", e.validUntil),
        E::QuoteStillValid(e) => format!("QuoteStillValid({}): fees may rise only after that", e.validUntil),
        E::WrongVersion(e) => format!("WrongVersion({}): message versions other than 1 are unknown", e.given),
        E::WrongTarget(e) => format!("WrongTarget({}): this is chain {}; deliver there", e.given, e.here),
        E::WrongSource(e) => format!("WrongSource({}): this is chain {}; refund there", e.given, e.here),
        E::UnknownSource(e) => format!("UnknownSource({}): the gateway has no such chain", e.source),
        E::AlreadyDelivered(e) => {
            format!("AlreadyDelivered({}, {}): delivered or expired before; nothing is left to do", e.source, e.nonce)
        }
        E::AlreadyRefunded(e) => {
            format!("AlreadyRefunded({}, {}): refunded before; nothing is left to do", e.target, e.nonce)
        }
        E::NotExpired(e) => format!("NotExpired({}): chain time is {}; deliver it, or wait", e.deadline, e.now_),
        E::InsufficientGas(e) => {
            format!("InsufficientGas({}): {} are needed; send with a higher gas limit", e.available, e.required)
        }
        E::NotOneMessage(e) => format!("NotOneMessage({}): one leaf was expected", e.given),
        E::PeerFixed(e) => format!("PeerFixed({}): its gateway stays {}", e.chain, e.gateway),
        E::ChainsAreOpen(_) => "ChainsAreOpen: bar recipients before the first chain is opened".into(),
        E::ZeroAddress(_) => "ZeroAddress: name an address".into(),
        E::TransferFailed(e) => format!("TransferFailed({}): it did not take {} wei", e.to, e.amount),
        E::Unauthorized(e) => unauthorized(e.caller),
        E::ReentrantCall(_) => "ReentrantCall: a recipient may not deliver while it is called".into(),
    }
}

fn escrow(error: &IEscrow::IEscrowErrors) -> String {
    use IEscrow::IEscrowErrors as E;
    match error {
        E::LockingPaused(_) => "LockingPaused: new locks are paused; what is locked can still be settled".into(),
        E::WrongChain(e) => format!("WrongChain({}): this is chain {}; lock the leg there", e.given, e.here),
        E::WrongEscrow(e) => format!("WrongEscrow({}): the leg names another escrow", e.given),
        E::InvalidAddress(e) => format!("InvalidAddress({}): use 12 zero bytes and the 20 of the address", e.given),
        E::InvalidIndex(e) => format!("InvalidIndex({}): a deal has at most 8 legs", e.index),
        E::InvalidAmount(e) => format!("InvalidAmount({}, tip {}): 0 < amount and tip < amount", e.amount, e.tip),
        E::InvalidEscape(e) => {
            format!("InvalidEscape({}, {}): let the hub compute the deadlines", e.escapeAt, e.escapeWindow)
        }
        E::LockPassed(e) => format!("LockPassed({}): chain time is {}; make a new deal", e.lockBy, e.now_),
        E::LockHorizon(e) => format!("LockHorizon({}): at most {}; make the deal shorter", e.lockBy, e.latest),
        E::NotDepositor(e) => format!("NotDepositor({}): the leg is to be locked by {}", e.caller, e.depositor),
        E::InvalidSignature(_) => "InvalidSignature: not the depositor's signature over this lock".into(),
        E::SignatureExpired(e) => format!("SignatureExpired({}): sign again", e.deadline),
        E::AlreadyLocked(e) => format!("AlreadyLocked({}): nothing is left to do", e.lockKey),
        E::CancelledLock(e) => {
            format!("CancelledLock({}): its depositor gave it up; the deal aborts, make a new one", e.lockKey)
        }
        E::NotLocked(e) => format!("NotLocked({}): never locked, or paid already", e.lockKey),
        E::WrongValue(e) => format!("WrongValue({}): attach {} wei", e.given, e.required),
        E::TokenWithoutCode(e) => format!("TokenWithoutCode({}): no token there; check its address", e.token),
        E::TransferMismatch(e) => format!(
            "TransferMismatch({}): {} were to arrive; tokens that charge on transfer cannot be used",
            e.received, e.expected
        ),
        // The bridge shares this error.
        E::TransferFailed(_) => "TransferFailed: token or payee refused; check payee, balance and allowance".into(),
        E::NothingSettled(_) => "NothingSettled: no named leg is locked; nothing is left to do".into(),
        E::MixedDecisions(e) => format!("MixedDecisions({}): settle commits and aborts apart", e.dealId),
        E::TooManyLegs(e) => format!("TooManyLegs: settle at most {} at once", e.max),
        E::InsufficientGas(e) => {
            format!("InsufficientGas({}): {} are needed; send with a higher gas limit", e.available, e.required)
        }
        E::EscapeNotYet(e) => format!("EscapeNotYet({}): possible from {}", e.now_, e.executableAt),
        E::EscapeNotRequested(e) => format!("EscapeNotRequested({}): request the escape first", e.lockKey),
        E::EscapeAlreadyRequested(e) => format!("EscapeAlreadyRequested({}): wait for its window", e.lockKey),
        E::NoCredit(e) => format!("NoCredit({}): nothing of token {} is owed", e.account, e.token),
        E::Unauthorized(e) => unauthorized(e.caller),
    }
}

fn verifier(error: &IVerifier::IVerifierErrors) -> String {
    use IVerifier::IVerifierErrors as E;
    match error {
        E::WrongHub(e) => format!("WrongHub({}): the checkpoint is of another hub", e.given),
        E::WrongKind(e) => format!("WrongKind({}): a checkpoint of kind {} is needed", e.given, e.expected),
        E::UnknownEpoch(e) => format!("UnknownEpoch({}): bring the rotations to this chain first", e.given),
        E::RetiredEpoch(e) => format!(
            "RetiredEpoch({}): usable until {}; use the certificate that the hub re-issues under the current epoch",
            e.given, e.usableUntil
        ),
        E::ExpiredEpoch(e) => {
            format!(
                "ExpiredEpoch({}): since {}; the chain needs its recovery, escapes still work",
                e.given, e.expiredAt
            )
        }
        E::WrongValidatorSet(e) => format!("WrongValidatorSet({}): the epoch has {}", e.given, e.expected),
        E::ZeroRoot(_) => "ZeroRoot: an empty outbox proves nothing".into(),
        E::MalformedCertificate(_) => "MalformedCertificate: fetch the certificate anew".into(),
        E::WrongScheme(e) => format!("WrongScheme({}): this verifier takes ECDSA certificates (1)", e.given),
        E::InvalidValidatorSet(e) => format!("InvalidValidatorSet: member {} is out of order or zero", e.index),
        E::TooFewValidators(e) => {
            format!("TooFewValidators({}): {} are needed here; rotate to a larger set", e.given, e.min)
        }
        E::InvalidSignature(e) => format!("InvalidSignature: of validator {}; fetch the certificate anew", e.index),
        E::BelowQuorum(e) => format!(
            "BelowQuorum({} of {}): more than two thirds must sign; wait for more shares",
            e.signedWeight, e.totalWeight
        ),
        E::NotConsecutive(e) => format!("NotConsecutive({}): bring epoch {} first", e.given, e.expected),
        E::NotExpired(e) => format!("NotExpired({}): recovery is for expired epochs only", e.expiresAt),
        E::InvalidExpiry(e) => format!("InvalidExpiry({}): it must lie ahead, by 400 days at most", e.expiresAt),
    }
}

fn token_bridge(error: &ITokenBridge::ITokenBridgeErrors) -> String {
    use ITokenBridge::ITokenBridgeErrors as E;
    match error {
        E::UnknownRoute(e) => format!("UnknownRoute({}, {}): the token is not listed for that chain", e.token, e.chain),
        E::UnknownPeer(e) => format!("UnknownPeer({}, {}): not the bridge of that chain", e.chain, e.sender),
        E::NotGateway(e) => format!("NotGateway({}): only the gateway may call this", e.caller),
        E::Dust(e) => format!("Dust({}): use a multiple of {}", e.amount, e.unit),
        E::ZeroAmount(_) => "ZeroAmount: name an amount above zero".into(),
        E::InvalidRecipient(e) => format!("InvalidRecipient({}): name an address of the target chain", e.recipient),
        E::InvalidDeadline(e) => format!("InvalidDeadline({}): name one, {} at the latest", e.given, e.latest),
        E::InvalidRefund(e) => format!("InvalidRefund({}): name an account of yours on this chain", e.refundTo),
        E::OutflowLimit(e) => format!(
            "OutflowLimit({}): {} asked, {} left in this window; wait or send less",
            e.token, e.amount, e.available
        ),
        E::AboveOutflowLimit(e) => format!(
            "AboveOutflowLimit({}): {} could never be given back, {} at once is the most; send less",
            e.token, e.amount, e.capacity
        ),
        E::MintExceedsLocked(e) => {
            format!("MintExceedsLocked({}): only {} are locked at the source; call the operators", e.minted, e.locked)
        }
        E::TransferMismatch(e) => format!(
            "TransferMismatch({}): {} were to arrive; tokens that charge on transfer cannot be used",
            e.received, e.expected
        ),
        E::WrongValue(e) => format!("WrongValue({}): attach {} wei; quote again", e.given, e.required),
        E::MalformedPayload(_) => "MalformedPayload: not a transfer of this version".into(),
        E::RouteExists(e) => format!("RouteExists({}, {}): routes stay as they were set", e.token, e.chain),
        E::BridgingIsPaused(_) => "BridgingIsPaused: transfers out are paused; what was sent still arrives".into(),
        E::PeerExists(e) => format!("PeerExists({}): peers stay as they were set", e.chain),
        E::InvalidRoute(e) => format!("InvalidRoute({}, {}): it could not work", e.token, e.chain),
        E::AmountTooLarge(e) => format!("AmountTooLarge({}): at most {}", e.amount, e.max),
        E::TransferFailed(_) => "TransferFailed: the recipient or the token refused; try again when they do not".into(),
        E::TokenWithoutCode(e) => format!("TokenWithoutCode({}): no token there; check its address", e.token),
        E::InsufficientGas(e) => {
            format!("InsufficientGas({}): {} are needed; send with a higher gas limit", e.available, e.required)
        }
        E::NoCredit(e) => format!("NoCredit({}): nothing of token {} is owed", e.account, e.token),
        E::ZeroAddress(_) => "ZeroAddress: name an address".into(),
        E::Unauthorized(e) => unauthorized(e.caller),
    }
}

fn token(error: &IERC20::IERC20Errors) -> String {
    use IERC20::IERC20Errors as E;
    match error {
        E::ERC20InsufficientBalance(e) => {
            format!("ERC20InsufficientBalance({}): it has {} of {}; fund it", e.sender, e.balance, e.needed)
        }
        E::ERC20InsufficientAllowance(e) => {
            format!("ERC20InsufficientAllowance({}): {} of {}; approve it first", e.spender, e.allowance, e.needed)
        }
        E::ERC20InvalidSender(e) => format!("ERC20InvalidSender({})", e.sender),
        E::ERC20InvalidReceiver(e) => format!("ERC20InvalidReceiver({})", e.receiver),
        E::ERC20InvalidApprover(e) => format!("ERC20InvalidApprover({})", e.approver),
        E::ERC20InvalidSpender(e) => format!("ERC20InvalidSpender({})", e.spender),
    }
}

fn unauthorized(caller: alloy_primitives::Address) -> String {
    format!("Unauthorized({caller}): the contract does not allow this caller")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    #[test]
    fn names_the_error_and_the_remedy() {
        let data = IGateway::AlreadyDelivered { source: 1, nonce: 5 }.abi_encode();
        assert!(explain(&data).starts_with("AlreadyDelivered(1, 5)"));
        let data = Revert::from("no\u{1b}[31m luck").abi_encode();
        assert_eq!(explain(&data), "reverted with \"no[31m luck\"");
        assert!(explain(&[]).contains("without a reason"));
        assert!(explain(&[1, 2, 3, 4, 5]).contains("0x0102030405"));
    }

    #[test]
    fn says_what_a_transfer_needs_to_have_a_way_back() {
        let token = alloy_primitives::Address::repeat_byte(7);
        let late = ITokenBridge::InvalidDeadline { given: 0, latest: U256::from(99) };
        assert_eq!(explain(&late.abi_encode()), "InvalidDeadline(0): name one, 99 at the latest");
        let nobody = ITokenBridge::InvalidRefund { refundTo: token };
        assert!(explain(&nobody.abi_encode()).contains("an account of yours"));
        let (amount, capacity) = (U256::from(6), U256::from(5));
        let high = ITokenBridge::AboveOutflowLimit { token, amount, capacity };
        assert!(explain(&high.abi_encode()).ends_with("6 could never be given back, 5 at once is the most; send less"));
    }
}
