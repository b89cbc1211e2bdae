//! Validator sets on the command line.

use infrastrukt_types::{Address, Validator, ValidatorSet, ValidatorSetError};
use std::str::FromStr;

/// `ADDRESS` or `ADDRESS=WEIGHT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member(Validator);

impl FromStr for Member {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, weight) = text.split_once('=').unwrap_or((text, "1"));
        let address: Address = address.parse().map_err(|_| format!("`{address}` is not an address of 20 bytes"))?;
        let weight = weight.parse().map_err(|_| format!("`{weight}` is not a weight: write a whole number above 0"))?;
        Ok(Self(Validator { address, weight }))
    }
}

/// The set of these members, in whatever order they were given.
pub(super) fn set(members: &[Member]) -> Result<ValidatorSet, ValidatorSetError> {
    ValidatorSet::new(members.iter().map(|member| member.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_one_unless_given() {
        let address = Address::repeat_byte(7);
        let check = |text: String, weight: u64| {
            assert_eq!(text.parse::<Member>(), Ok(Member(Validator { address, weight })));
        };
        check(address.to_string(), 1);
        check(format!("{address}=9"), 9);
        assert!("0x07".parse::<Member>().is_err());
        assert!(format!("{address}=many").parse::<Member>().is_err());
    }
}
