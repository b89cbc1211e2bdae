// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Multiproof} from "../../src/libraries/Types.sol";
import {Certify} from "../helpers/Certify.sol";
import {Libraries} from "../helpers/Libraries.sol";

contract MerkleFuzz is Certify {
    Libraries internal lib = new Libraries();

    function testFuzz_RandomSubsetIsAccepted(uint256 seed, uint256 count) public view {
        (bytes32 root, bytes32[] memory some, Multiproof memory proof) = _tree(seed, count);
        lib.verify(root, some, proof);
        if (some.length == 1) lib.verifyOne(root, some[0], proof);
    }

    /// The short way for one leaf says what the long way says, of good and of broken proofs.
    function testFuzz_OneLeafBothWays(uint256 seed, uint256 count, uint32 index, uint256 breakage) public view {
        bytes32[] memory leaves = _leaves(seed, bound(count, 1, 80));
        Multiproof memory proof = singleProof(leaves, uint32(index % leaves.length));
        bytes32 leaf = leaves[proof.indices[0]];
        uint256 kind = breakage % 6;
        if (kind == 1) proof.count = uint32(breakage >> 8);
        if (kind == 2) proof.indices[0] = uint32(breakage >> 8);
        if (kind == 3) proof.nodes = new bytes32[](proof.nodes.length + 1);
        if (kind == 4 && proof.nodes.length != 0) proof.nodes[0] ^= bytes32(uint256(1) << (breakage >> 248));
        if (kind == 5) leaf ^= bytes32(uint256(1) << (breakage >> 248));
        bytes32 root = outboxRootOf(leaves);
        (bool short,) = address(lib).staticcall(abi.encodeCall(lib.verifyOne, (root, leaf, proof)));
        (bool long,) = address(lib).staticcall(abi.encodeCall(lib.verify, (root, oneLeaf(leaf), proof)));
        assertEq(short, long);
        if (kind == 0) assertTrue(short);
        if (kind == 3 || kind == 5) assertFalse(short);
    }

    /// No change to any part of an accepted proof is accepted.
    function testFuzz_BnbTokenHub_BrokenProofIsRefused(uint256 seed, uint256 count, uint256 where, uint8 kind) public {
        (bytes32 root, bytes32[] memory some, Multiproof memory proof) = _tree(seed, count);
        uint256 bit = 1 << (where >> 248);
        kind %= 7;
        if (kind == 0) some[where % some.length] ^= bytes32(bit);
        if (kind == 1) root ^= bytes32(bit);
        if (kind == 2) proof.count ^= uint32(1 << (where >> 251));
        if (kind == 3) proof.indices[where % some.length] ^= uint32(1 << (where >> 251));
        if (kind == 4) {
            if (proof.nodes.length == 0) return;
            proof.nodes[where % proof.nodes.length] ^= bytes32(bit);
        }
        if (kind == 5) proof.nodes = _resize(proof.nodes, proof.nodes.length + 1);
        if (kind == 6) {
            if (proof.nodes.length == 0) return;
            proof.nodes = _resize(proof.nodes, proof.nodes.length - 1);
        }
        (bool success,) = address(lib).staticcall(abi.encodeCall(lib.verify, (root, some, proof)));
        assertFalse(success);
    }

    function _tree(uint256 seed, uint256 count)
        private
        pure
        returns (bytes32 root, bytes32[] memory some, Multiproof memory)
    {
        bytes32[] memory leaves = _leaves(seed, bound(count, 1, 80));
        uint256 mask = uint256(keccak256(abi.encode("mask", seed)));
        // Dense, middling and sparse subsets.
        if (seed % 3 == 1) mask |= uint256(keccak256(abi.encode("more", seed)));
        if (seed % 3 == 2) mask &= uint256(keccak256(abi.encode("less", seed))) & uint256(keccak256(abi.encode(seed)));
        mask |= 1 << (seed % leaves.length);
        uint256 picked;
        some = new bytes32[](leaves.length);
        uint32[] memory indices = new uint32[](leaves.length);
        for (uint256 i; i < leaves.length; ++i) {
            if (mask >> i & 1 == 0) continue;
            some[picked] = leaves[i];
            indices[picked++] = uint32(i);
        }
        assembly ("memory-safe") {
            mstore(some, picked)
            mstore(indices, picked)
        }
        return (outboxRootOf(leaves), some, multiproof(leaves, indices));
    }

    function _leaves(uint256 seed, uint256 count) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }

    function _resize(bytes32[] memory nodes, uint256 length) private pure returns (bytes32[] memory resized) {
        resized = new bytes32[](length);
        for (uint256 i; i < length && i < nodes.length; ++i) {
            resized[i] = nodes[i];
        }
    }
}
