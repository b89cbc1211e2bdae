//! The two chains of the devnet.

use std::fmt;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Eth,
    Bsc,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Eth, Self::Bsc];

    /// Its place in whatever is kept for both.
    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Eth => 0,
            Self::Bsc => 1,
        }
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Eth => Self::Bsc,
            Self::Bsc => Self::Eth,
        }
    }

    /// Its CAIP-2 name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Eth => "eip155:31337",
            Self::Bsc => "eip155:56",
        }
    }

    /// Its EIP-155 id.
    pub(crate) const fn id(self) -> u64 {
        match self {
            Self::Eth => 31_337,
            Self::Bsc => 56,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
