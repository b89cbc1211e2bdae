//! Token amounts in the smallest unit, with checked arithmetic only.

use alloc::{format, string::String};
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in a token's smallest unit. JSON carries it as a decimal string, since numbers lose digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub u128);

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with at most one point.
    #[error("`{0}` is not an amount: write digits with at most one decimal point, such as 1.5")]
    Malformed(String),
    /// More digits behind the point than the token has.
    #[error("`{text}` has more than {decimals} decimals, the token's limit")]
    TooPrecise {
        /// What was given.
        text: String,
        /// Decimals the token has.
        decimals: u8,
    },
    /// Does not fit in 128 bits.
    #[error("`{0}` is larger than any token supply (2^128 units)")]
    TooLarge(String),
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Sum, or `None` past 2^128.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Difference, or `None` below zero.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// Reads `1.5` as units of a token with `decimals`.
    pub fn parse(text: &str, decimals: u8) -> Result<Self, AmountError> {
        let malformed = || AmountError::Malformed(text.into());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
            return Err(malformed());
        }
        if fraction.len() > usize::from(decimals) {
            return Err(AmountError::TooPrecise { text: text.into(), decimals });
        }
        let all = format!("{whole}{fraction:0<width$}", width = usize::from(decimals));
        all.parse().map(Self).map_err(|_| AmountError::TooLarge(text.into()))
    }

    /// Writes units of a token with `decimals` for people: no trailing zeros.
    pub fn show(self, decimals: u8) -> String {
        let width = usize::from(decimals) + 1;
        let digits = format!("{:0>width$}", self.0);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}") }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(&self.0) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u128::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| serde::de::Error::custom(format!("`{text}` is not a decimal amount")))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Amount {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9]{1,39}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, decimals: u8, expected: u128) {
        let amount = Amount::parse(text, decimals).expect(text);
        assert_eq!(amount, Amount(expected));
        assert_eq!(Amount::parse(&amount.show(decimals), decimals), Ok(amount));
    }

    #[test]
    fn parses_and_shows() {
        check("1", 18, 10u128.pow(18));
        check("0.5", 1, 5);
        check(".25", 2, 25);
        check("7", 0, 7);
        check("1.000000000000000001", 18, 10u128.pow(18) + 1);
        assert_eq!(Amount(1_500).show(3), "1.5");
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in ["", ".", "-1", "1e3", "1.2.3", "one", " 1", "+1"] {
            assert!(matches!(Amount::parse(text, 18), Err(AmountError::Malformed(_))), "{text}");
        }
        assert!(matches!(Amount::parse("0.001", 2), Err(AmountError::TooPrecise { .. })));
        assert!(matches!(Amount::parse("999999999999999999999999", 18), Err(AmountError::TooLarge(_))));
    }
}
