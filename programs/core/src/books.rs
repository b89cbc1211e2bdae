//! The books of one token route. A certificate says that the remote bridge sent a message; these totals say whether there
//! is value behind it. They only grow, and are in wire units.

use thiserror::Error;

/// Most decimals on the wire.
pub const MAX_WIRE_DECIMALS: u8 = 8;
/// Most decimals of a token here: one wire unit of it still fits in 64 bits.
pub const MAX_DECIMALS: u8 = 18;

/// Whether the token is at home here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is: locked when it leaves, released when it returns.
    Lock,
    /// It stands for a remote one: minted when it arrives, burned when it goes home.
    Mint,
}

/// Why an amount is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BooksError {
    /// Nothing would move.
    #[error("the amount is zero")]
    Zero,
    /// What is below one wire unit would be lost.
    #[error("{amount} is not a multiple of {unit}")]
    Dust {
        /// The amount.
        amount: u64,
        /// One wire unit.
        unit: u64,
    },
    /// More than 64 bits hold.
    #[error("{0} wire units do not fit in 64 bits of this token")]
    TooLarge(u64),
    /// More would come out than went in.
    #[error("{out} would exceed the {backing} behind it")]
    Unbacked {
        /// What would be out.
        out: u128,
        /// What is behind it.
        backing: u128,
    },
    /// A total left 128 bits.
    #[error("a total would overflow")]
    Overflow,
}

/// The books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books {
    /// Where the token is at home.
    pub kind: Kind,
    /// Local units of one wire unit, from `unit`.
    pub unit: u64,
    /// Ever locked or burned here.
    pub sent: u128,
    /// Of that, given back since the message expired undelivered.
    pub returned: u128,
    /// Ever released or minted here.
    pub received: u128,
    /// The highest running total that the remote bridge has reported.
    pub backing: u128,
}

/// Decimals on the wire: the fewest of both sides and `MAX_WIRE_DECIMALS`.
pub fn wire_decimals(local: u8, remote: u8) -> u8 {
    local.min(remote).min(MAX_WIRE_DECIMALS)
}

/// Local units of one wire unit; `None` when there are fewer local than wire decimals or the result leaves 64 bits.
pub fn unit(local_decimals: u8, wire_decimals: u8) -> Option<u64> {
    10u64.checked_pow(u32::from(local_decimals.checked_sub(wire_decimals)?))
}

impl Books {
    /// The wire amount of exactly `amount`.
    pub fn to_wire(&self, amount: u64) -> Result<u64, BooksError> {
        if amount == 0 {
            return Err(BooksError::Zero);
        }
        let rest = amount.checked_rem(self.unit).ok_or(BooksError::Overflow)?;
        if rest != 0 {
            return Err(BooksError::Dust { amount, unit: self.unit });
        }
        amount.checked_div(self.unit).ok_or(BooksError::Overflow)
    }

    /// The local amount of `wire` units.
    pub fn to_local(&self, wire: u64) -> Result<u64, BooksError> {
        wire.checked_mul(self.unit).ok_or(BooksError::TooLarge(wire))
    }

    /// Counts what leaves, and returns the total that the remote bridge is told.
    pub fn send(&mut self, amount: u64) -> Result<u128, BooksError> {
        self.sent = add(self.sent, amount)?;
        Ok(self.sent)
    }

    /// Counts what arrives: never more than the remote bridge has ever taken in, and at a token's home never more than is
    /// locked here.
    pub fn receive(&mut self, amount: u64, cumulative: u128) -> Result<(), BooksError> {
        if amount == 0 {
            return Err(BooksError::Zero);
        }
        self.backing = self.backing.max(cumulative);
        self.received = add(self.received, amount)?;
        within(self.received, self.backing)?;
        self.check_locked()
    }

    /// Counts what comes back because it never arrived: never more than left, and at a token's home never more than is
    /// still locked.
    pub fn give_back(&mut self, amount: u64) -> Result<(), BooksError> {
        self.returned = add(self.returned, amount)?;
        within(self.returned, self.sent)?;
        self.check_locked()
    }

    fn check_locked(&self) -> Result<(), BooksError> {
        match self.kind {
            Kind::Lock => within(self.received.checked_add(self.returned).ok_or(BooksError::Overflow)?, self.sent),
            Kind::Mint => Ok(()),
        }
    }
}

fn add(total: u128, amount: u64) -> Result<u128, BooksError> {
    total.checked_add(u128::from(amount)).ok_or(BooksError::Overflow)
}

fn within(out: u128, backing: u128) -> Result<(), BooksError> {
    if out <= backing { Ok(()) } else { Err(BooksError::Unbacked { out, backing }) }
}
