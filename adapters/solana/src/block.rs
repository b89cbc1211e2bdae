//! What is believed of a block: its place in the chain, and what the gateway program said in it.
//!
//! An event counts where the program called itself with its event authority: an address that only the program can sign
//! for, so that nobody else makes such a call succeed. Logs are cut at some length and prove nothing; they are not read.
//! What an endpoint tells of events stays as it came until k endpoints agree on it: decoding base58 takes a time that
//! grows with the square of its length, and none alone is to choose that.

use infrastrukt_types::{B256, Bytes, Timestamp};
use serde_json::{Value, value::RawValue};
use solana_pubkey::Pubkey;
use solana_signature::Signature;

use crate::rpc::wire::{WireBlock, WireInner, WireMeta, WireTransaction};

/// First bytes of an instruction that carries an event (Anchor's `EVENT_IX_TAG`, little-endian).
pub(crate) const EVENT_TAG: [u8; 8] = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];

/// Events of one transaction at most: a transaction makes at most 64 calls that leave a trace.
pub(crate) const EVENTS_MAX: usize = 64;

/// Characters of one call's data at most: a program hands 10 KiB to another at most.
const CALL_TEXT_MAX: usize = 14_336;

/// Characters of a transaction's failure at most.
const FAILURE_TEXT_MAX: usize = 4_096;

/// A block and the transactions in which the gateway emitted something. Equal for all honest endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) slot: u64,
    pub(crate) hash: B256,
    pub(crate) parent_slot: u64,
    pub(crate) parent_hash: B256,
    pub(crate) time: Timestamp,
    pub(crate) emissions: Vec<Emission>,
}

/// What one transaction made the gateway emit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Emission {
    /// Position of the transaction in its block.
    pub(crate) tx_index: u32,
    pub(crate) signature: Signature,
    /// Discriminator and fields of each event, in the order in which they were emitted. At least one.
    pub(crate) events: Vec<Bytes>,
}

/// A block as an endpoint tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Without emissions.
    block: Block,
    /// Position, signature and calls of transactions in which the gateway may have emitted something.
    calls: Vec<(u32, Signature, Vec<String>)>,
}

/// What became of one transaction in a block. Endpoints agree where they tell the same of its failure, fee and calls;
/// figures that some leave out are those of whoever was first, and only counted.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The chain's own word for a failure, as JSON.
    pub(crate) error: Option<String>,
    /// Lamports for its inclusion.
    pub(crate) fee: u64,
    /// Lamports that left its payer: the fee, rent of new accounts, and what it moved.
    pub(crate) spent: u64,
    pub(crate) units: u64,
    /// Calls of the gateway to itself, in base58.
    calls: Vec<String>,
}

/// Whose events are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lens {
    program: String,
    authority: String,
}

/// Why a node's answer cannot be read as a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BlockError {
    #[error("{0} is no base58 of the right length")]
    Base58(&'static str),
    #[error("the block has no time")]
    NoTime,
    #[error("the block was given without its {0}")]
    Missing(&'static str),
    #[error("transaction {0} has no record of its inner instructions: use an endpoint that keeps them")]
    NoInner(usize),
    #[error("transaction {0} names an account beyond those it has")]
    NoSuchAccount(usize),
    #[error("transaction {0} has more than {EVENTS_MAX} events")]
    TooManyEvents(usize),
    #[error("transaction {0} has a call that is longer than any can be")]
    TooLong(usize),
}

impl Told {
    /// The block with its events.
    pub(crate) fn read(self) -> Result<Block, BlockError> {
        let mut block = self.block;
        for (tx_index, signature, calls) in self.calls {
            let events = decode(&calls)?;
            if !events.is_empty() {
                block.emissions.push(Emission { tx_index, signature, events });
            }
        }
        Ok(block)
    }
}

impl PartialEq for Outcome {
    fn eq(&self, other: &Self) -> bool {
        (&self.error, self.fee, &self.calls) == (&other.error, other.fee, &other.calls)
    }
}

impl Outcome {
    /// What it made the gateway emit.
    pub(crate) fn events(&self) -> Result<Vec<Bytes>, BlockError> {
        decode(&self.calls)
    }
}

impl Lens {
    pub(crate) fn new(program: &Pubkey, authority: &Pubkey) -> Self {
        Self { program: program.to_string(), authority: authority.to_string() }
    }

    /// The block with everything that the program may have emitted.
    pub(crate) fn block(&self, slot: u64, wire: &WireBlock) -> Result<Told, BlockError> {
        let transactions = wire.transactions.as_deref().ok_or(BlockError::Missing("transactions"))?;
        let mut told = Vec::new();
        for (index, transaction) in transactions.iter().enumerate() {
            let calls = self.calls(index, transaction)?;
            if !calls.is_empty() {
                let tx_index = u32::try_from(index).map_err(|_| BlockError::NoSuchAccount(index))?;
                told.push((tx_index, signature(transaction)?, calls));
            }
        }
        let time = wire.block_time.and_then(|time| u64::try_from(time).ok()).ok_or(BlockError::NoTime)?;
        let block = Block {
            slot,
            hash: hash(&wire.blockhash)?,
            parent_slot: wire.parent_slot,
            parent_hash: hash(&wire.previous_blockhash)?,
            time: Timestamp(time),
            emissions: Vec::new(),
        };
        Ok(Told { block, calls: told })
    }

    /// What became of the transaction with this signature, if the block holds it.
    pub(crate) fn outcome(&self, wire: &WireBlock, of: &Signature) -> Result<Option<Outcome>, BlockError> {
        let transactions = wire.transactions.as_deref().ok_or(BlockError::Missing("transactions"))?;
        let name = of.to_string();
        let is_it = |transaction: &&WireTransaction| transaction.transaction.signatures.first() == Some(&name);
        let Some((index, transaction)) = (0usize..).zip(transactions).find(|(_, transaction)| is_it(transaction))
        else {
            return Ok(None);
        };
        let meta = transaction.meta.as_ref().ok_or(BlockError::Missing("outcomes"))?;
        Ok(Some(Outcome {
            error: meta.err.as_deref().map(failure).transpose()?,
            fee: meta.fee,
            spent: match (meta.pre_balances.first(), meta.post_balances.first()) {
                (Some(before), Some(after)) => before.saturating_sub(*after),
                (Some(_) | None, Some(_) | None) => meta.fee,
            },
            units: meta.compute_units_consumed.unwrap_or(0),
            calls: self.calls(index, transaction)?,
        }))
    }

    /// Calls of the program by which it emits, in the order in which they were made.
    fn calls(&self, index: usize, transaction: &WireTransaction) -> Result<Vec<String>, BlockError> {
        let meta = transaction.meta.as_ref().ok_or(BlockError::Missing("outcomes"))?;
        let keys = keys(transaction, meta);
        if meta.err.is_some() || !keys.contains(&self.program.as_str()) {
            return Ok(Vec::new());
        }
        let inner = meta.inner_instructions.as_deref().ok_or(BlockError::NoInner(index))?;
        let mut ordered: Vec<&WireInner> = inner.iter().collect();
        ordered.sort_by_key(|calls| calls.index);
        let mut calls = Vec::new();
        for call in ordered.into_iter().flat_map(|calls| &calls.instructions) {
            let key = |at: u8| keys.get(usize::from(at)).copied().ok_or(BlockError::NoSuchAccount(index));
            let [authority] = call.accounts.as_slice() else { continue };
            if key(call.program_id_index)? != self.program || key(*authority)? != self.authority {
                continue;
            }
            if calls.len() == EVENTS_MAX {
                return Err(BlockError::TooManyEvents(index));
            }
            if call.data.len() > CALL_TEXT_MAX {
                return Err(BlockError::TooLong(index));
            }
            calls.push(call.data.clone());
        }
        Ok(calls)
    }
}

/// Why a transaction failed, without the blanks that endpoints may put into it.
fn failure(raw: &RawValue) -> Result<String, BlockError> {
    let short = Some(raw.get()).filter(|text| text.len() <= FAILURE_TEXT_MAX);
    let read: Option<Value> = short.and_then(|text| serde_json::from_str(text).ok());
    read.map(|value| value.to_string()).ok_or(BlockError::Missing("reason for a failure"))
}

/// The events among calls.
fn decode(calls: &[String]) -> Result<Vec<Bytes>, BlockError> {
    let mut events = Vec::with_capacity(calls.len());
    for call in calls {
        let data = bs58::decode(call).into_vec().map_err(|_| BlockError::Base58("an instruction"))?;
        events.extend(data.strip_prefix(&EVENT_TAG).map(Bytes::copy_from_slice));
    }
    Ok(events)
}

/// The transaction's accounts in the order by which instructions name them.
fn keys<'a>(transaction: &'a WireTransaction, meta: &'a WireMeta) -> Vec<&'a str> {
    let loaded = meta.loaded_addresses.iter().flat_map(|loaded| loaded.writable.iter().chain(&loaded.readonly));
    transaction.transaction.message.account_keys.iter().chain(loaded).map(String::as_str).collect()
}

fn signature(transaction: &WireTransaction) -> Result<Signature, BlockError> {
    let first = transaction.transaction.signatures.first().ok_or(BlockError::Missing("signatures"))?;
    first.parse().map_err(|_| BlockError::Base58("a signature"))
}

pub(crate) fn hash(text: &str) -> Result<B256, BlockError> {
    let hash: solana_hash::Hash = text.parse().map_err(|_| BlockError::Base58("a block hash"))?;
    Ok(B256::from(hash.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PROGRAM: Pubkey = Pubkey::new_from_array([7; 32]);
    const AUTHORITY: Pubkey = Pubkey::new_from_array([8; 32]);
    const STRANGER: Pubkey = Pubkey::new_from_array([9; 32]);

    fn call(program: u8, accounts: &[u8], data: &[u8]) -> Value {
        json!({ "programIdIndex": program, "accounts": accounts, "data": bs58::encode(data).into_string(),
            "stackHeight": 2 })
    }

    fn event(payload: &[u8]) -> Vec<u8> {
        [EVENT_TAG.as_slice(), payload].concat()
    }

    /// A block of one transaction over the accounts stranger, program and, from a lookup table, authority.
    fn block(calls: &[Value], error: Value) -> WireBlock {
        let name = |byte: u8| bs58::encode([byte; 32]).into_string();
        let wire = json!({
            "blockhash": name(1), "previousBlockhash": name(2), "parentSlot": 6, "blockTime": 1_700_000_000,
            "blockHeight": 5,
            "transactions": [{
                "transaction": {
                    "signatures": [bs58::encode([3u8; 64]).into_string()],
                    "message": { "accountKeys": [STRANGER.to_string(), PROGRAM.to_string()], "instructions": [] },
                },
                "meta": {
                    "err": error, "fee": 5_000, "computeUnitsConsumed": 77,
                    "loadedAddresses": { "writable": [], "readonly": [AUTHORITY.to_string()] },
                    "innerInstructions": [{ "index": 1, "instructions": calls }],
                },
            }],
        });
        serde_json::from_value(wire).expect("is a block")
    }

    fn events(wire: &WireBlock) -> Vec<Vec<u8>> {
        let block = Lens::new(&PROGRAM, &AUTHORITY).block(7, wire).and_then(Told::read).expect("reads");
        block.emissions.into_iter().flat_map(|emission| emission.events).map(|event| event.to_vec()).collect()
    }

    #[test]
    fn only_calls_of_the_program_by_its_event_authority_are_events() {
        let calls = [
            call(1, &[2], &event(b"first")),
            call(0, &[2], &event(b"of another program")),
            call(1, &[0], &event(b"without the authority")),
            call(1, &[2, 0], &event(b"with an account too many")),
            call(1, &[2], b"not an event"),
            call(1, &[2], &event(b"second")),
        ];
        assert_eq!(events(&block(&calls, Value::Null)), [b"first".to_vec(), b"second".to_vec()]);
    }

    #[test]
    fn what_a_failed_transaction_emitted_never_happened() {
        let calls = [call(1, &[2], &event(b"undone"))];
        let wire = block(&calls, json!({ "InstructionError": [1, { "Custom": 6044 }] }));
        assert!(events(&wire).is_empty());
        let lens = Lens::new(&PROGRAM, &AUTHORITY);
        let outcome = lens.outcome(&wire, &Signature::from([3; 64])).expect("reads").expect("is there");
        assert!(outcome.error.is_some_and(|error| error.contains("6044")));
        assert_eq!(lens.outcome(&wire, &Signature::from([4; 64])), Ok(None));
    }

    #[test]
    fn missing_records_are_no_silence() {
        let lens = Lens::new(&PROGRAM, &AUTHORITY);
        let mut wire = block(&[], Value::Null);
        let meta = |wire: &mut WireBlock| wire.transactions.as_mut().expect("has some")[0].meta.take();
        let mut bare = meta(&mut wire).expect("has one");
        assert_eq!(lens.block(7, &wire), Err(BlockError::Missing("outcomes")));
        bare.inner_instructions = None;
        wire.transactions.as_mut().expect("has some")[0].meta = Some(bare);
        assert_eq!(lens.block(7, &wire), Err(BlockError::NoInner(0)));
        wire.transactions = None;
        assert_eq!(lens.block(7, &wire), Err(BlockError::Missing("transactions")));
        let beyond = block(&[call(9, &[2], &event(b"x"))], Value::Null);
        assert_eq!(lens.block(7, &beyond), Err(BlockError::NoSuchAccount(0)));
    }

    #[test]
    fn a_call_that_nobody_could_make_is_not_kept() {
        let lens = Lens::new(&PROGRAM, &AUTHORITY);
        let wire = |data: String| {
            block(&[json!({ "programIdIndex": 1, "accounts": [2], "data": data, "stackHeight": 2 })], Value::Null)
        };
        let longest = event(&[0xff; 10 * 1_024 - 8]);
        assert_eq!(longest.len(), 10 * 1_024);
        assert_eq!(events(&block(&[call(1, &[2], &longest)], Value::Null)).len(), 1);
        assert_eq!(lens.block(7, &wire("z".repeat(CALL_TEXT_MAX + 1))), Err(BlockError::TooLong(0)));
        let nonsense = lens.block(7, &wire("0".into())).expect("is only decoded once others say the same");
        assert_eq!(nonsense.read(), Err(BlockError::Base58("an instruction")));
    }
}
