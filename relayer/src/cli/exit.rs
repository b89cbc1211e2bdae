//! Exit codes. They never change their meaning.

use crate::user::FailureKind;

/// Each kind of failure with its exit code and its meaning; success is 0.
pub const EXIT_CODES: [(FailureKind, u8, &str); 8] = [
    (FailureKind::Unexpected, 1, "something unexpected"),
    (FailureKind::Usage, 2, "the command line is wrong"),
    (FailureKind::Config, 3, "the configuration is wrong"),
    (FailureKind::Refused, 4, "a rule forbids it"),
    (FailureKind::NotFound, 5, "what was named is not there"),
    (FailureKind::Unavailable, 6, "it may work later: try again"),
    (FailureKind::TimedOut, 7, "it did not happen in time, and may still happen"),
    (FailureKind::Reverted, 8, "the chain refused or reverted it"),
];

/// The table for the end of `--help`.
pub const HELP: &str = "Exit codes:
  0  success
  1  something unexpected
  2  the command line is wrong
  3  the configuration is wrong
  4  a rule forbids it
  5  what was named is not there
  6  it may work later: try again
  7  it did not happen in time, and may still happen
  8  the chain refused or reverted it";

/// The exit code of a kind of failure.
pub fn code(kind: FailureKind) -> u8 {
    EXIT_CODES.iter().find(|(known, ..)| *known == kind).map_or(1, |(_, code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_and_table_agree() {
        for (kind, number, meaning) in EXIT_CODES {
            assert!(HELP.contains(&format!("  {number}  {meaning}")), "{kind:?}");
            assert_eq!(code(kind), number);
        }
        assert_eq!(HELP.lines().count(), EXIT_CODES.len() + 2);
    }
}
