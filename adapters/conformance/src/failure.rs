//! Why a case failed.

use infrastrukt_ports::PortError;
use std::fmt;

/// What was expected and what came instead.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure of a case, or of the harness that serves it.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }

    /// The same with the place it happened in front.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        Self(format!("a port refused with {:?}: {error}", error.remedy))
    }
}

/// Ends the case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::Failure::new(format_args!($($message)+)));
        }
    };
}

/// Ends the case unless both sides are equal.
macro_rules! ensure_eq {
    ($left:expr, $right:expr, $what:expr) => {{
        let (left, right) = (&$left, &$right);
        if left != right {
            return Err($crate::Failure::new(format_args!("{}: expected {:?}, found {:?}", $what, right, left)));
        }
    }};
}

pub(crate) use {ensure, ensure_eq};
