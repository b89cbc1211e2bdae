//! What a failed transaction means, and what to do about it.

use infrastrukt_ports::PortError;
use serde_json::Value;
use solana_pubkey::Pubkey;
use std::time::Duration;

use crate::{
    address::{ASSOCIATED_TOKEN, SYSTEM_PROGRAM, TOKEN_2022, TOKEN_PROGRAM},
    rpc::Simulation,
};

/// Number of the gateway's first error.
const FIRST: u64 = 6_000;

/// Errors below it are Anchor's own: constraints on accounts.
const ANCHOR_FIRST: u64 = 100;

/// Anchor's errors about an account that is not there any more: it belongs to no program, or to the system's.
const GONE: [u64; 2] = [3_012, 3_007];

/// Characters of the chain's own words that are repeated to people.
const WORDS_MAX: usize = 200;

/// How long to wait for somebody to fund a wallet.
const FUNDING_RETRY: Duration = Duration::from_secs(30);

/// How long to wait where the chain would not run a transaction now.
const CHAIN_RETRY: Duration = Duration::from_secs(2);

/// The gateway's errors from [`FIRST`] on, in the order of its interface, with the remedy.
const ERRORS: [(&str, &str); 78] = [
    ("UnknownEpoch", "the chain has no such epoch yet; bring the hub's rotations first"),
    ("RetiredEpoch", "its time is over; ask the hub for a checkpoint of the present epoch"),
    ("ExpiredEpoch", "its set has lost all power; the chain needs the timelocked recovery"),
    ("WrongKind", "leaves of this kind are certified apart; take the hub's own checkpoint"),
    ("ZeroRoot", "the checkpoint is empty; take the hub's own"),
    ("WrongValidatorSet", "the set has not the epoch's hash; take the certificate of that epoch"),
    ("InvalidValidatorSet", "the epoch's members are not published, or are no set"),
    ("WrongScheme", "only ECDSA certificates count here"),
    ("TooFewValidators", "the set is smaller than the gateway allows"),
    ("TooManyValidators", "a set has 32 members at most here"),
    ("MalformedCertificate", "its length or bitmap does not fit the set; fetch it again"),
    ("InvalidSignature", "a signature is not of its validator over this checkpoint; fetch the certificate again"),
    ("NotVerified", "fewer than two thirds have signed; fetch the certificate again"),
    ("NotConsecutive", "rotations take one epoch after the other; bring the missing one first"),
    ("EpochNotExpired", "the epoch still stands; nothing is to be recovered"),
    ("InvalidExpiry", "the expiry is not after the present one"),
    ("CheckpointTooYoung", "it can be closed an hour after it was opened"),
    ("EmptyProof", "a proof names at least one leaf"),
    ("LeafCountMismatch", "the proof was built for other leaves; fetch it again"),
    ("IndicesNotAscending", "the proof was built wrongly; fetch it again"),
    ("IndexOutOfRange", "the proof was built wrongly; fetch it again"),
    ("WrongNodeCount", "the proof was built wrongly; fetch it again"),
    ("RootMismatch", "the leaf is not in this checkpoint; fetch the proof again"),
    ("Unauthorized", "the signer may not do this"),
    ("Paused", "this function is paused; try later"),
    ("UnknownTarget", "the gateway has no such chain; see `chains`"),
    ("UnknownSource", "the gateway has no such chain"),
    ("WrongTarget", "the message is for another chain; deliver it there"),
    ("WrongSource", "the message is from another chain; refund it there"),
    ("InvalidRecipient", "name an account that can receive"),
    ("GasLimitTooHigh", "the target allows less"),
    ("PayloadTooLarge", "the target allows less; with a deadline, 256 bytes are the most"),
    ("DeadlinePassed", "expire the message, or choose a later deadline"),
    ("FeeTooHigh", "the fee has risen; quote again"),
    ("QuoteExpired", "the owner must set a new fee first"),
    ("QuoteStillValid", "fees may rise only after it"),
    ("AlreadyDelivered", "delivered or expired before; nothing is left to do"),
    ("AlreadyRefunded", "refunded before; nothing is left to do"),
    ("MessageNotExpired", "deliver it, or wait"),
    ("PeerFixed", "a peer is registered once"),
    ("WrongPage", "the account is not the page of this nonce"),
    ("TooManyMessages", "deliver fewer at once"),
    ("InvalidIndex", "a deal has legs 0 to 7"),
    ("InvalidAmount", "the amount is zero, or its tip takes all of it"),
    ("InvalidEscape", "the escape is too early, or its window too short"),
    ("LockPassed", "the time to lock is over"),
    ("LockHorizon", "the time to lock is too far ahead"),
    ("InvalidPayee", "name payees that can receive"),
    ("NotDepositor", "only the leg's depositor may lock it"),
    ("AlreadyLocked", "the leg is locked; nothing is left to do"),
    ("CancelledLock", "the depositor gave this lock up"),
    ("NotLocked", "the leg is not locked, or was settled before"),
    ("EscapeNotYet", "wait until its time"),
    ("EscapeNotRequested", "request the escape first"),
    ("EscapeAlreadyRequested", "wait until its window is over"),
    ("NoCredit", "nothing is owed"),
    ("TransferMismatch", "the token takes fees or moves otherwise; it cannot be used"),
    ("InvalidDestination", "a credit is paid to its owner only"),
    ("HostileToken", "the token's extensions are refused; it cannot be used"),
    ("WrongToken", "the account is of another token"),
    ("UnknownRoute", "the token has no such way"),
    ("RouteExists", "nothing is left to do"),
    ("InvalidRoute", "the route's decimals or mint do not fit"),
    ("UnknownPeer", "the other chain's bridge is not registered"),
    ("PeerExists", "nothing is left to do"),
    ("MalformedPayload", "the transfer was not sent by the hub's bridge"),
    ("Dust", "the amount has more decimals than the route carries"),
    ("ZeroAmount", "move more than nothing"),
    ("AmountTooLarge", "more than the token's supply can be"),
    ("InvalidDeadline", "transfers have a deadline of 30 days at most"),
    ("InvalidRefund", "name an account that can be refunded"),
    ("OutflowLimit", "the token's outflow of this window is used up; try later"),
    ("AboveOutflowLimit", "the amount is above the whole limit; send it in parts"),
    ("MintExceedsLocked", "more than the other chain has locked; call the operators"),
    ("InvalidArgument", "an argument is out of its range"),
    ("WrongAddress", "an account is not at its address"),
    ("AlreadyExists", "it is there already; nothing is left to do"),
    ("Overflow", "a number leaves its range"),
];

/// Why a transaction that was simulated would fail, if it would.
pub(crate) fn judge(simulation: &Simulation, programs: &[Pubkey], gateway: &Pubkey) -> Result<(), PortError> {
    let Some(error) = &simulation.error else { return Ok(()) };
    let told = explain(error, programs, gateway);
    match error.as_str() {
        Some("InsufficientFundsForFee" | "AccountNotFound" | "InvalidAccountForFee") => Err(PortError::retry(
            FUNDING_RETRY,
            format!("the wallet cannot pay the transaction's fee ({told}): fund it"),
        )),
        Some(
            "InvalidAccountIndex"
            | "InvalidProgramForExecution"
            | "MaxLoadedAccountsDataSizeExceeded"
            | "ProgramAccountNotFound"
            | "TooManyAccountLocks",
        ) => Err(PortError::reject(format!("the transaction would never run: {told}"))),
        // What befalls a transaction as a whole for a reason of the moment.
        Some(_) => Err(PortError::retry(CHAIN_RETRY, format!("the chain would not run the transaction: {told}"))),
        None => Err(PortError::reject(format!("the transaction would fail: {told}"))),
    }
}

/// The chain's word for a failure as a sentence, by the programs of the transaction's instructions. It is shown and never
/// judged.
pub(crate) fn explain(error: &Value, programs: &[Pubkey], gateway: &Pubkey) -> String {
    let Some((index, inner)) = failed_instruction(error) else { return bounded(&error.to_string()) };
    let program = programs.get(index).copied();
    let Some(code) = inner.get("Custom").and_then(Value::as_u64) else {
        return format!("instruction {index} of {}: {}", name(program, gateway), bounded(&inner.to_string()));
    };
    let known = code.checked_sub(FIRST).and_then(|place| ERRORS.get(usize::try_from(place).ok()?));
    match known.filter(|_| program == Some(*gateway)) {
        Some((name, remedy)) => format!("{name}: {remedy}"),
        None if program == Some(*gateway) && code >= ANCHOR_FIRST => {
            format!("error {code} of the gateway: an account is missing, or is not the one it should be")
        }
        None => format!("error {code} of {}: too little money, or an account in another state", name(program, gateway)),
    }
}

/// The same for an error that was kept as text.
pub(crate) fn explain_text(error: &str, programs: &[Pubkey], gateway: &Pubkey) -> String {
    match serde_json::from_str(error) {
        Ok(value) => explain(&value, programs, gateway),
        Err(_) => bounded(error),
    }
}

/// True where the gateway missed an account, in an error that was kept as text.
pub(crate) fn is_gone(error: &str, programs: &[Pubkey], gateway: &Pubkey) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(error) else { return false };
    let Some((index, inner)) = failed_instruction(&value) else { return false };
    let code = inner.get("Custom").and_then(Value::as_u64);
    programs.get(index) == Some(gateway) && code.is_some_and(|code| GONE.contains(&code))
}

fn failed_instruction(error: &Value) -> Option<(usize, &Value)> {
    let [index, inner] = error.get("InstructionError")?.as_array()?.as_slice() else { return None };
    Some((usize::try_from(index.as_u64()?).ok()?, inner))
}

fn name(program: Option<Pubkey>, gateway: &Pubkey) -> String {
    match program {
        Some(program) if program == *gateway => "the gateway".into(),
        Some(SYSTEM_PROGRAM) => "the system program".into(),
        Some(TOKEN_PROGRAM | TOKEN_2022) => "the token program".into(),
        Some(ASSOCIATED_TOKEN) => "the associated token program".into(),
        Some(other) => other.to_string(),
        None => "an unknown program".into(),
    }
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_ports::Remedy;
    use serde_json::json;

    const GATEWAY: Pubkey = Pubkey::new_from_array([7; 32]);

    fn check(error: Value, remedy: Option<Remedy>, words: &str) {
        let simulation = Simulation { error: Some(error), units: 0, logs: Vec::new() };
        let told = judge(&simulation, &[SYSTEM_PROGRAM, GATEWAY], &GATEWAY).expect_err("fails");
        assert!(told.message.contains(words), "{told}");
        match remedy {
            Some(remedy) => assert_eq!(told.remedy, remedy, "{told}"),
            None => assert!(matches!(told.remedy, Remedy::Retry { .. }), "{told}"),
        }
    }

    #[test]
    fn failures_have_names_and_remedies() {
        let custom = |index: u64, code: u64| json!({ "InstructionError": [index, { "Custom": code }] });
        check(custom(1, 6_000), Some(Remedy::Reject), "UnknownEpoch");
        check(custom(1, 6_036), Some(Remedy::Reject), "AlreadyDelivered");
        check(custom(1, 6_051), Some(Remedy::Reject), "NotLocked");
        check(custom(1, 6_077), Some(Remedy::Reject), "Overflow");
        check(custom(1, 6_078), Some(Remedy::Reject), "error 6078 of the gateway");
        check(custom(1, 3_012), Some(Remedy::Reject), "error 3012 of the gateway");
        check(custom(0, 1), Some(Remedy::Reject), "error 1 of the system program");
        check(custom(9, 6_000), Some(Remedy::Reject), "unknown program");
        check(json!({ "InstructionError": [1, "ProgramFailedToComplete"] }), Some(Remedy::Reject), "ProgramFailed");
        check(json!({ "InsufficientFundsForRent": { "account_index": 3 } }), Some(Remedy::Reject), "ForRent");
        check(json!("InsufficientFundsForFee"), None, "fund it");
        check(json!("AccountInUse"), None, "AccountInUse");
        check(json!("TooManyAccountLocks"), Some(Remedy::Reject), "never run");
    }

    #[test]
    fn accounts_that_went_away_are_told_from_other_failures() {
        let custom = |index: u64, code: u64| json!({ "InstructionError": [index, { "Custom": code }] }).to_string();
        let gone = |error: &str| is_gone(error, &[SYSTEM_PROGRAM, GATEWAY], &GATEWAY);
        assert!(gone(&custom(1, 3_012)) && gone(&custom(1, 3_007)));
        assert!(!gone(&custom(0, 3_012)) && !gone(&custom(1, 6_051)) && !gone(&custom(9, 3_012)) && !gone("?"));
    }
}
