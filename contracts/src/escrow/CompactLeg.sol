// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// A leg that the caller locks for itself here, without the fields that follow from the call: chain, escrow, depositor.
/// `amounts` is amount u128 ‖ tip u128, `terms` is index u64 ‖ lockBy u64 ‖ escapeAt u64 ‖ escapeWindow u64.
library CompactLeg {
    /// `Digests.legHash` and `Digests.lockKey` of that leg, built by hand since every lock pays for them. Each store
    /// covers a full word and the next one overwrites what it has too much; tests hold the two equal.
    function lockKey(bytes32 dealId, address token, address onCommit, address onAbort, uint256 amounts, uint256 terms)
        internal
        view
        returns (bytes32 key)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            // tag 18 ‖ chain 8 ‖ escrow 32 ‖ token 32 ‖ amount 16
            mstore(free, or("INFRASTRUKT/LEG/v1", shl(48, chainid())))
            mstore(add(free, 26), address())
            mstore(add(free, 58), token)
            mstore(add(free, 90), amounts)
            // depositor 32 ‖ onCommit 32 ‖ onAbort 32 ‖ escapeAt 8 ‖ escapeWindow 8 ‖ tip 16 ‖ lockBy 8
            mstore(add(free, 106), caller())
            mstore(add(free, 138), onCommit)
            mstore(add(free, 170), onAbort)
            mstore(add(free, 202), shl(128, terms))
            mstore(add(free, 218), shl(128, amounts))
            mstore(add(free, 234), shl(64, terms))
            let legHash := keccak256(free, 242)
            // tag 19 ‖ dealId 32 ‖ index 1 ‖ legHash 32
            mstore(free, "INFRASTRUKT/LOCK/v1")
            mstore(add(free, 19), dealId)
            mstore8(add(free, 51), shr(192, terms))
            mstore(add(free, 52), legHash)
            key := keccak256(free, 84)
        }
    }
}
