//! The program's accounts, read field by field.

use solana_address::Address;

use crate::{
    Chain,
    data::discriminator,
    pda::{self, Purse},
    wire::Word,
};

/// Reads fields one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn new(name: &str, data: &'a [u8]) -> Self {
        let fields = data.strip_prefix(&discriminator("account", name)[..]);
        Self(fields.unwrap_or_else(|| panic!("the account is no {name}")))
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk::<N>().expect("the account is long enough");
        self.0 = rest;
        *field
    }

    fn u8(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn u128(&mut self) -> u128 {
        u128::from_le_bytes(self.take())
    }

    /// Nothing may follow.
    fn end(self) {
        assert!(self.0.is_empty(), "{} bytes are left over", self.0.len());
    }
}

/// State of a lock, as its byte says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockAccount {
    /// 1 locked, 2 released, 3 refunded, 4 escaped, 5 cancelled.
    pub state: u8,
    /// When an escape was asked for; 0 where none was.
    pub escape_requested_at: u64,
}

/// Locked.
pub const LOCKED: u8 = 1;
/// Paid by a commit.
pub const RELEASED: u8 = 2;
/// Paid back by an abort.
pub const REFUNDED_LEG: u8 = 3;
/// Paid back by an escape.
pub const ESCAPED: u8 = 4;
/// Given up before it was opened.
pub const CANCELLED: u8 = 5;

/// What is owed to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditAccount {
    /// The purse that owes.
    pub purse: u8,
    /// Whom.
    pub account: Word,
    /// What.
    pub token: Word,
    /// How much.
    pub amount: u64,
    /// Who gets its rent back.
    pub payer: Word,
}

/// A checkpoint on its way to being verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointAccount {
    /// What was signed.
    pub digest: Word,
    /// Its kind.
    pub kind: u8,
    /// Its epoch.
    pub epoch: u64,
    /// Its root.
    pub outbox_root: Word,
    /// Weight of who signed.
    pub signed_weight: u128,
    /// Who signed.
    pub signed: u32,
    /// Whether they are a quorum.
    pub is_verified: bool,
    /// When it was opened.
    pub opened_at: u64,
    /// Who gets its rent back.
    pub payer: Word,
}

/// An epoch's set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochAccount {
    /// Its number.
    pub number: u64,
    /// Hash of its set.
    pub valset_hash: Word,
    /// When the next one took over; 0 where none did.
    pub retired_at: u64,
    /// Its last second.
    pub expires_at: u64,
    /// Members published; 0 before.
    pub count: u16,
}

/// Who may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigAccount {
    /// The hub.
    pub hub_id: Word,
    /// This chain.
    pub chain: u64,
    /// Who administers.
    pub owner: Word,
    /// Who recovers.
    pub recovery_owner: Word,
    /// Who pauses.
    pub guardian: Word,
    /// The current epoch.
    pub current_epoch: u64,
    /// What is paused.
    pub paused: u8,
}

/// A message that waits for its recipient, or the news for its sender that it expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterAccount {
    /// The message.
    pub id: Word,
    /// The other chain.
    pub chain: u64,
    /// Who sent it.
    pub sender: Word,
    /// Whom it is for.
    pub recipient: Word,
    /// Who gets its rent back.
    pub payer: Word,
    /// Last second at which it could be delivered; 0 where there is none.
    pub deadline: u64,
    /// When it was sent, in seconds.
    pub timestamp: u64,
    /// What it says.
    pub payload: Vec<u8>,
}

/// The books of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteAccount {
    /// 1 locks, 2 mints.
    pub kind: u8,
    /// Decimals on the wire.
    pub wire_decimals: u8,
    /// Ever locked or burned.
    pub sent: u128,
    /// Ever given back.
    pub returned: u128,
    /// Ever released or minted.
    pub received: u128,
    /// Highest total reported.
    pub backing: u128,
}

impl Chain {
    fn fields(&self, address: &Address) -> Option<Vec<u8>> {
        let account = self.account(address).filter(|account| account.owner == pda::PROGRAM)?;
        Some(account.data)
    }

    /// A lock by its key.
    pub fn lock(&self, key: &Word) -> Option<LockAccount> {
        let data = self.fields(&pda::lock(key))?;
        let mut reader = Reader::new("Lock", &data);
        let (state, _bump) = (reader.u8(), reader.u8());
        let lock = LockAccount { state, escape_requested_at: reader.u64() };
        reader.end();
        Some(lock)
    }

    /// What a purse owes somebody; `None` where it owes nothing.
    pub fn credit(&self, purse: Purse, account: &Word, token: &Word) -> Option<CreditAccount> {
        let data = self.fields(&pda::credit(purse, account, token))?;
        let mut reader = Reader::new("Credit", &data);
        let (purse, _bump) = (reader.u8(), reader.u8());
        let credit = CreditAccount {
            purse,
            account: reader.take(),
            token: reader.take(),
            amount: reader.u64(),
            payer: reader.take(),
        };
        reader.end();
        Some(credit)
    }

    /// How much a purse owes somebody.
    pub fn owed(&self, purse: Purse, account: &Word, token: &Word) -> u64 {
        self.credit(purse, account, token).map_or(0, |credit| credit.amount)
    }

    /// A checkpoint's account.
    pub fn checkpoint(&self, address: &Address) -> Option<CheckpointAccount> {
        let data = self.fields(address)?;
        let mut reader = Reader::new("Checkpoint", &data);
        let (digest, kind, epoch) = (reader.take(), reader.u8(), reader.u64());
        let (_height, _time) = (reader.u64(), reader.u64());
        let checkpoint = CheckpointAccount {
            digest,
            kind,
            epoch,
            outbox_root: reader.take(),
            signed_weight: reader.u128(),
            signed: reader.u32(),
            is_verified: reader.u8() == 1,
            opened_at: reader.u64(),
            payer: reader.take(),
        };
        let _bump = reader.u8();
        reader.end();
        Some(checkpoint)
    }

    /// An epoch.
    pub fn epoch(&self, number: u64) -> Option<EpochAccount> {
        let data = self.fields(&pda::epoch(number))?;
        let mut reader = Reader::new("Epoch", &data);
        Some(EpochAccount {
            number: reader.u64(),
            valset_hash: reader.take(),
            retired_at: reader.u64(),
            expires_at: reader.u64(),
            count: reader.u16(),
        })
    }

    /// The configuration.
    pub fn config(&self) -> ConfigAccount {
        let data = self.fields(&pda::config()).expect("the program is initialized");
        let mut reader = Reader::new("Config", &data);
        let (hub_id, chain) = (reader.take(), reader.u64());
        let (owner, recovery_owner, guardian) = (reader.take(), reader.take(), reader.take());
        let (_grace, _window, _horizon) = (reader.u64(), reader.u64(), reader.u64());
        let (current_epoch, _min, paused) = (reader.u64(), reader.u16(), reader.u8());
        reader.end();
        ConfigAccount { hub_id, chain, owner, recovery_owner, guardian, current_epoch, paused }
    }

    /// What waits for a recipient.
    pub fn inbox(&self, id: &Word) -> Option<LetterAccount> {
        self.letter("Inbox", &pda::inbox(id))
    }

    /// What waits for a sender.
    pub fn notice(&self, id: &Word) -> Option<LetterAccount> {
        self.letter("Notice", &pda::notice(id))
    }

    fn letter(&self, name: &str, address: &Address) -> Option<LetterAccount> {
        let data = self.fields(address)?;
        let mut reader = Reader::new(name, &data);
        let _bump = reader.u8();
        let mut letter = LetterAccount {
            id: reader.take(),
            chain: reader.u64(),
            sender: reader.take(),
            recipient: reader.take(),
            payer: reader.take(),
            deadline: reader.u64(),
            timestamp: reader.u64(),
            payload: Vec::new(),
        };
        let length = reader.u32() as usize;
        assert_eq!(reader.0.len(), length, "the payload ends with the account");
        letter.payload = reader.0.to_vec();
        Some(letter)
    }

    /// Whether the replay bit of a nonce is set.
    pub fn is_marked(&self, kind: u8, chain: u64, nonce: u64) -> bool {
        let Some(data) = self.fields(&pda::page(kind, chain, nonce)) else { return false };
        let mut reader = Reader::new("Page", &data);
        let (page_kind, _bump) = (reader.u8(), reader.u8());
        let _zero: [u8; 6] = reader.take();
        assert_eq!((page_kind, reader.u64(), reader.u64()), (kind, chain, nonce / pda::PAGE_NONCES), "its own page");
        let bits: [u8; 1_024] = reader.take();
        reader.end();
        let bit = (nonce % pda::PAGE_NONCES) as usize;
        (bits[bit / 8] >> (bit % 8)) & 1 == 1
    }

    /// The number of the last message to a chain.
    pub fn last_nonce(&self, chain: u64) -> u64 {
        let data = self.fields(&pda::target(chain)).expect("the target is known");
        let mut reader = Reader::new("Target", &data);
        let (_chain, _gateway, _peer): (u64, Word, Word) = (reader.u64(), reader.take(), reader.take());
        reader.u64()
    }

    /// The books of a route.
    pub fn route(&self, chain: u64, token: &Word) -> Option<RouteAccount> {
        let data = self.fields(&pda::route(chain, token))?;
        let mut reader = Reader::new("Route", &data);
        let (_chain, _token, _remote): (u64, Word, Word) = (reader.u64(), reader.take(), reader.take());
        let (kind, _local, wire_decimals, _bump) = (reader.u8(), reader.u8(), reader.u8(), reader.u8());
        let _receive_gas = reader.u64();
        let (sent, returned, received, backing) = (reader.u128(), reader.u128(), reader.u128(), reader.u128());
        reader.end();
        Some(RouteAccount { kind, wire_decimals, sent, returned, received, backing })
    }
}
