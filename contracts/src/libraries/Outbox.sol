// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Multiproof} from "./Types.sol";

/// Proves leaves of a checkpoint's outbox. The number of leaves is hashed into the root and bounds every index, nodes
/// are hashed in index order, and a proof is used up to its last node: one tree and one set of leaves have one proof.
library Outbox {
    error EmptyProof();
    error LeafCountMismatch(uint256 leaves, uint256 indices);
    error IndicesNotAscending(uint256 position);
    error IndexOutOfRange(uint32 index, uint32 count);
    /// The proof has fewer or more nodes than these leaves need.
    error WrongNodeCount(uint256 needed, uint256 given);
    error RootMismatch(bytes32 computed, bytes32 expected);

    /// Reverts unless `leaf` stands at the one index of the proof. Says the same as `verify` of one leaf, without the
    /// bookkeeping that only several need.
    function verifyOne(bytes32 outboxRoot, bytes32 leaf, Multiproof calldata proof) internal pure {
        uint32[] calldata indices = proof.indices;
        bytes32[] calldata nodes = proof.nodes;
        uint256 count = proof.count;
        if (count == 0) revert EmptyProof();
        if (indices.length != 1) revert LeafCountMismatch(1, indices.length);
        uint256 position = indices[0];
        if (position >= count) revert IndexOutOfRange(uint32(position), uint32(count));
        uint256 used;
        // Nothing here exceeds 2^32.
        unchecked {
            for (uint256 width = count; width > 1; width = (width + 1) >> 1) {
                if (position & 1 == 1) leaf = _hash(_sibling(nodes, used++), leaf);
                else if (position + 1 != width) leaf = _hash(leaf, _sibling(nodes, used++));
                position >>= 1;
            }
        }
        _finish(outboxRoot, count, leaf, used, nodes.length);
    }

    /// Reverts unless `leaves` stand at `proof.indices` of the outbox. Overwrites `leaves`: each level of the tree
    /// replaces the one below it in place, which is safe since a level never has more nodes than were read so far.
    function verify(bytes32 outboxRoot, bytes32[] memory leaves, Multiproof calldata proof) internal pure {
        uint256 count = proof.count;
        uint256[] memory positions = _positions(leaves.length, count, proof.indices);
        bytes32[] calldata nodes = proof.nodes;
        uint256 length = leaves.length;
        uint256 used;
        for (uint256 width = count; width > 1;) {
            (length, used) = _climb(leaves, positions, length, width, nodes, used);
            unchecked {
                width = (width + 1) >> 1;
            }
        }
        _finish(outboxRoot, count, leaves[0], used, nodes.length);
    }

    function _finish(bytes32 outboxRoot, uint256 count, bytes32 top, uint256 used, uint256 given) private pure {
        // A node too few was read from beyond the proof; a node too many was never read. Neither passes here.
        if (used != given) revert WrongNodeCount(used, given);
        bytes32 computed = keccak256(abi.encodePacked(uint8(2), uint32(count), top));
        if (computed != outboxRoot) revert RootMismatch(computed, outboxRoot);
    }

    /// Replaces the `length` known nodes of a level of `width` nodes by their parents. `width` is at most 2^32 and
    /// every index into memory below `length`, so neither needs a check; `used` is checked once by the caller.
    function _climb(
        bytes32[] memory layer,
        uint256[] memory positions,
        uint256 length,
        uint256 width,
        bytes32[] calldata nodes,
        uint256 used
    ) private pure returns (uint256 parents, uint256) {
        unchecked {
            for (uint256 j; j < length; ++j) {
                uint256 position = _get(positions, j);
                bytes32 hash = _get(layer, j);
                if (position & 1 == 1) {
                    hash = _hash(_sibling(nodes, used++), hash);
                } else if (position + 1 != width) {
                    // A last node without a sibling comes past both branches and is promoted as it is.
                    bool pair = j + 1 < length && _get(positions, j + 1) == position + 1;
                    hash = _hash(hash, pair ? _get(layer, ++j) : _sibling(nodes, used++));
                }
                _put(layer, parents, hash);
                _put(positions, parents++, position >> 1);
            }
        }
        return (parents, used);
    }

    /// The checked indices, strictly ascending and below `count`.
    function _positions(uint256 leaves, uint256 count, uint32[] calldata indices)
        private
        pure
        returns (uint256[] memory positions)
    {
        if (leaves == 0 || count == 0) revert EmptyProof();
        if (leaves != indices.length) revert LeafCountMismatch(leaves, indices.length);
        positions = new uint256[](leaves);
        uint256 lowest;
        for (uint256 i; i < leaves; ++i) {
            uint32 index = indices[i];
            if (index >= count) revert IndexOutOfRange(index, uint32(count));
            if (index < lowest) revert IndicesNotAscending(i);
            unchecked {
                lowest = uint256(index) + 1;
            }
            positions[i] = index;
        }
    }

    /// keccak256(0x01 ‖ left ‖ right), written past the free memory pointer and not kept, so that a proof of any size
    /// grows memory by no more than its leaves.
    function _hash(bytes32 left, bytes32 right) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 0x01)
            mstore(add(free, 0x01), left)
            mstore(add(free, 0x21), right)
            hash := keccak256(free, 0x41)
        }
    }

    function _sibling(bytes32[] calldata nodes, uint256 i) private pure returns (bytes32 node) {
        assembly ("memory-safe") {
            node := calldataload(add(nodes.offset, shl(5, i)))
        }
    }

    function _get(bytes32[] memory array, uint256 i) private pure returns (bytes32 item) {
        assembly ("memory-safe") {
            item := mload(add(add(array, 0x20), shl(5, i)))
        }
    }

    function _get(uint256[] memory array, uint256 i) private pure returns (uint256 item) {
        assembly ("memory-safe") {
            item := mload(add(add(array, 0x20), shl(5, i)))
        }
    }

    function _put(bytes32[] memory array, uint256 i, bytes32 item) private pure {
        assembly ("memory-safe") {
            mstore(add(add(array, 0x20), shl(5, i)), item)
        }
    }

    function _put(uint256[] memory array, uint256 i, uint256 item) private pure {
        assembly ("memory-safe") {
            mstore(add(add(array, 0x20), shl(5, i)), item)
        }
    }
}
