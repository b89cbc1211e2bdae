// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Bytes sent from one chain to another, delivered at most once. `nonce` counts per (source, target) from 1.
struct Message {
    uint8 version;
    uint64 source;
    uint64 target;
    uint64 nonce;
    bytes32 sender;
    bytes32 recipient;
    /// Unix seconds at the source when it was sent.
    uint64 timestamp;
    /// Gas the recipient's `onMessage` is given on the target.
    uint64 gasLimit;
    /// Last second of target time at which it may be delivered; 0 means never expires.
    uint64 deadline;
    bytes payload;
}

/// The hub's statement about one decided hub block.
struct Checkpoint {
    bytes32 hubId;
    /// 0 general, 1 commits, 2 rotation.
    uint8 kind;
    uint64 epoch;
    bytes32 valsetHash;
    uint64 height;
    /// Hub time, Unix seconds.
    uint64 time;
    bytes32 outboxRoot;
    bytes32 stateRoot;
}

/// Proof that some leaves stand at `indices` (strictly ascending) of an outbox of `count` leaves.
struct Multiproof {
    uint32 count;
    uint32[] indices;
    bytes32[] nodes;
}

/// One lock on one chain inside a deal. 216 bytes packed.
struct Leg {
    uint64 chain;
    bytes32 escrow;
    /// 0 is the chain's native coin.
    bytes32 token;
    uint128 amount;
    bytes32 depositor;
    bytes32 onCommit;
    bytes32 onAbort;
    uint64 escapeAt;
    uint64 escapeWindow;
    uint128 tip;
}

/// A leg with its place in the deal: everything the lock key is derived from but the deal id.
struct LegRef {
    uint8 index;
    uint64 lockBy;
    Leg leg;
}

/// One certified decision and the legs it releases or refunds on this chain.
struct Settlement {
    bytes32 dealId;
    bool commit;
    LegRef[] legs;
}
