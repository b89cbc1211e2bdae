//! Proof kept in the type: what was checked once need not be doubted again.

use serde::{Deserialize, Serialize};

/// A value whose block is final by its chain's own rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finalized<T>(T);

/// A value that a verifier derived from evidence it checked itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

macro_rules! wrapper {
    ($name:ident, $assert:ident, $meaning:literal) => {
        impl<T> $name<T> {
            #[doc = concat!("States that the caller has just ", $meaning, ". Only adapters do.")]
            pub const fn $assert(value: T) -> Self {
                Self(value)
            }

            /// The value.
            pub const fn get(&self) -> &T {
                &self.0
            }

            /// The value, given up.
            pub fn into_inner(self) -> T {
                self.0
            }

            /// The same guarantee for what follows from the value.
            pub fn map<U>(self, f: impl FnOnce(T) -> U) -> $name<U> {
                $name(f(self.0))
            }
        }
    };
}

wrapper!(Finalized, assert_final, "checked finality");
wrapper!(Verified, assert_verified, "verified the evidence");
