// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Outbox} from "../../src/libraries/Outbox.sol";
import {Multiproof} from "../../src/libraries/Types.sol";
import {Certify} from "../helpers/Certify.sol";
import {Libraries} from "../helpers/Libraries.sol";

contract MerkleTest is Certify {
    Libraries internal lib = new Libraries();

    function test_OneLeafIsItsOwnTop() public view {
        bytes32[] memory leaves = _leaves(1);
        bytes32 root = keccak256(bytes.concat(hex"0200000001", leaves[0]));
        lib.verify(root, leaves, multiproofOfAll(leaves));
        lib.verifyOne(root, leaves[0], singleProof(leaves, 0));
    }

    function test_ThreeLeavesPromoteTheLast() public view {
        bytes32[] memory leaves = _leaves(3);
        bytes32 left = keccak256(bytes.concat(hex"01", leaves[0], leaves[1]));
        bytes32 top = keccak256(bytes.concat(hex"01", left, leaves[2]));
        bytes32 root = keccak256(bytes.concat(hex"0200000003", top));
        Multiproof memory proof = singleProof(leaves, 2);
        assertEq(proof.nodes.length, 1);
        assertEq(proof.nodes[0], left);
        lib.verifyOne(root, leaves[2], proof);
        lib.verify(root, oneLeaf(leaves[2]), proof);
    }

    /// Every subset of every tree of up to seven leaves.
    function test_EverySubsetOfSmallTrees() public view {
        for (uint256 count = 1; count <= 7; ++count) {
            bytes32[] memory leaves = _leaves(count);
            bytes32 root = outboxRootOf(leaves);
            for (uint256 mask = 1; mask < 1 << count; ++mask) {
                (bytes32[] memory some, uint32[] memory indices) = _pick(leaves, mask);
                lib.verify(root, some, multiproof(leaves, indices));
            }
        }
    }

    function test_Hyperbridge_IndexOutOfRange() public {
        bytes32[] memory leaves = _leaves(5);
        bytes32 root = outboxRootOf(leaves);
        Multiproof memory proof = singleProof(leaves, 4);
        proof.indices[0] = 5;
        vm.expectRevert(abi.encodeWithSelector(Outbox.IndexOutOfRange.selector, 5, 5));
        lib.verify(root, oneLeaf(leaves[4]), proof);
        vm.expectRevert(abi.encodeWithSelector(Outbox.IndexOutOfRange.selector, 5, 5));
        lib.verifyOne(root, leaves[4], proof);
    }

    /// The same leaf and the same nodes, but another number of leaves: the root would differ.
    function test_Hyperbridge_CountIsBoundToTheRoot() public {
        bytes32[] memory leaves = _leaves(4);
        bytes32 root = outboxRootOf(leaves);
        Multiproof memory proof = singleProof(leaves, 1);
        proof.count = 3;
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        lib.verifyOne(root, leaves[1], proof);
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        lib.verify(root, oneLeaf(leaves[1]), proof);
    }

    function test_Hyperbridge_DuplicateIndex() public {
        bytes32[] memory leaves = _leaves(4);
        bytes32[] memory twice = new bytes32[](2);
        (twice[0], twice[1]) = (leaves[1], leaves[1]);
        uint32[] memory indices = new uint32[](2);
        (indices[0], indices[1]) = (1, 1);
        Multiproof memory proof = Multiproof(4, indices, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(Outbox.IndicesNotAscending.selector, 1));
        lib.verify(outboxRootOf(leaves), twice, proof);
    }

    function test_DescendingIndices() public {
        bytes32[] memory leaves = _leaves(2);
        uint32[] memory indices = new uint32[](2);
        (indices[0], indices[1]) = (1, 0);
        vm.expectRevert(abi.encodeWithSelector(Outbox.IndicesNotAscending.selector, 1));
        lib.verify(outboxRootOf(leaves), leaves, Multiproof(2, indices, new bytes32[](0)));
    }

    function test_BnbTokenHub_LeftOverNodes() public {
        bytes32[] memory leaves = _leaves(4);
        bytes32 root = outboxRootOf(leaves);
        Multiproof memory proof = singleProof(leaves, 1);
        bytes32[] memory more = new bytes32[](3);
        (more[0], more[1], more[2]) = (proof.nodes[0], proof.nodes[1], keccak256("more"));
        proof.nodes = more;
        vm.expectRevert(abi.encodeWithSelector(Outbox.WrongNodeCount.selector, 2, 3));
        lib.verify(root, oneLeaf(leaves[1]), proof);
        vm.expectRevert(abi.encodeWithSelector(Outbox.WrongNodeCount.selector, 2, 3));
        lib.verifyOne(root, leaves[1], proof);
    }

    /// The missing node is appended to the calldata, where a verifier that reads past the proof would find it.
    function test_BnbTokenHub_MissingNodeFoundBehindTheProof() public {
        bytes32[] memory leaves = _leaves(4);
        bytes32 root = outboxRootOf(leaves);
        Multiproof memory proof = singleProof(leaves, 1);
        bytes32 last = proof.nodes[1];
        bytes32[] memory fewer = new bytes32[](1);
        fewer[0] = proof.nodes[0];
        proof.nodes = fewer;
        bytes memory call = bytes.concat(abi.encodeCall(lib.verifyOne, (root, leaves[1], proof)), last);
        (bool success, bytes memory reason) = address(lib).staticcall(call);
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(Outbox.WrongNodeCount.selector, 2, 1));
    }

    function test_EmptyProofs() public {
        vm.expectRevert(Outbox.EmptyProof.selector);
        lib.verify(keccak256("root"), new bytes32[](0), Multiproof(1, new uint32[](0), new bytes32[](0)));
        vm.expectRevert(Outbox.EmptyProof.selector);
        lib.verify(keccak256("root"), _leaves(1), Multiproof(0, new uint32[](1), new bytes32[](0)));
        vm.expectRevert(Outbox.EmptyProof.selector);
        lib.verifyOne(keccak256("root"), keccak256("leaf"), Multiproof(0, new uint32[](1), new bytes32[](0)));
    }

    function test_LeavesAndIndicesDiffer() public {
        bytes32[] memory leaves = _leaves(2);
        vm.expectRevert(abi.encodeWithSelector(Outbox.LeafCountMismatch.selector, 1, 2));
        lib.verify(outboxRootOf(leaves), oneLeaf(leaves[0]), multiproofOfAll(leaves));
        vm.expectRevert(abi.encodeWithSelector(Outbox.LeafCountMismatch.selector, 1, 2));
        lib.verifyOne(outboxRootOf(leaves), leaves[0], multiproofOfAll(leaves));
        vm.expectRevert(abi.encodeWithSelector(Outbox.LeafCountMismatch.selector, 2, 1));
        lib.verify(outboxRootOf(leaves), leaves, singleProof(leaves, 0));
    }

    function test_WrongLeafAndWrongPlace() public {
        bytes32[] memory leaves = _leaves(4);
        bytes32 root = outboxRootOf(leaves);
        Multiproof memory proof = singleProof(leaves, 2);
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        lib.verifyOne(root, leaves[1], proof);
        proof.indices[0] = 3;
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        lib.verifyOne(root, leaves[2], proof);
    }

    /// An inner node cannot pass as a leaf of a smaller tree: prefixes differ and the count is hashed.
    function test_InnerNodeIsNoLeaf() public {
        bytes32[] memory leaves = _leaves(4);
        bytes32[] memory inner = new bytes32[](2);
        inner[0] = keccak256(bytes.concat(hex"01", leaves[0], leaves[1]));
        inner[1] = keccak256(bytes.concat(hex"01", leaves[2], leaves[3]));
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        lib.verify(outboxRootOf(leaves), inner, multiproofOfAll(inner));
    }

    function _leaves(uint256 count) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = keccak256(abi.encode("leaf", i));
        }
    }

    function _pick(bytes32[] memory leaves, uint256 mask)
        private
        pure
        returns (bytes32[] memory some, uint32[] memory indices)
    {
        uint256 picked;
        some = new bytes32[](leaves.length);
        indices = new uint32[](leaves.length);
        for (uint256 i; i < leaves.length; ++i) {
            if (mask >> i & 1 == 0) continue;
            some[picked] = leaves[i];
            indices[picked++] = uint32(i);
        }
        assembly ("memory-safe") {
            mstore(some, picked)
            mstore(indices, picked)
        }
    }
}
