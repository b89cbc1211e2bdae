//! What Solana programs of the hub compute and judge: digests of messages, checkpoints and legs, proofs of leaves,
//! certificates, replay bits, the payload and the books of token routes. The same bytes as on every other chain, held to
//! it by the shared vectors in `tests/vectors`.
//!
//! Nothing here knows accounts, clocks or Anchor, so that all of it is tested on the host.

#![no_std]
#![forbid(unsafe_code)]

pub mod books;
pub mod bucket;
pub mod certificate;
pub mod checkpoint;
pub mod fee;
pub mod hash;
pub mod leaf;
pub mod leg;
pub mod message;
pub mod outbox;
pub mod replay;
pub mod transfer;
pub mod valset;

/// A hash, an account or a token on some chain.
pub type Bytes32 = [u8; 32];
