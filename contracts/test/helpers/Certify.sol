// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Checkpoint, Leg, Message, Multiproof} from "../../src/libraries/Types.sol";

struct Validator {
    uint256 key;
    address account;
    uint64 weight;
}

/// The hub's side of a test: validator sets, certificates and outboxes, written from the wire format and sharing no
/// code with the contracts under test.
abstract contract Certify is Test {
    uint8 internal constant GENERAL = 0;
    uint8 internal constant COMMITS = 1;
    uint8 internal constant ROTATION = 2;
    uint256 internal constant ALL = type(uint256).max;

    // ---- validators

    /// `count` validators of equal weight 1, ascending by address. Different seeds give different keys.
    function makeSet(uint256 seed, uint256 count) internal pure returns (Validator[] memory set) {
        set = new Validator[](count);
        for (uint256 i; i < count; ++i) {
            uint256 key = uint256(keccak256(abi.encode("validator", seed, i))) >> 1;
            set[i] = Validator(key, vm.addr(key), 1);
        }
        sortSet(set);
    }

    function sortSet(Validator[] memory set) internal pure {
        for (uint256 i = 1; i < set.length; ++i) {
            for (uint256 j = i; j > 0 && set[j - 1].account > set[j].account; --j) {
                (set[j - 1], set[j]) = (set[j], set[j - 1]);
            }
        }
    }

    function encodeSet(Validator[] memory set) internal pure returns (bytes memory encoding) {
        encoding = abi.encodePacked(uint8(1), uint16(set.length));
        for (uint256 i; i < set.length; ++i) {
            encoding = abi.encodePacked(encoding, set[i].account, set[i].weight);
        }
    }

    function hashSet(Validator[] memory set) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked("INFRASTRUKT/VALSET/v1", encodeSet(set)));
    }

    // ---- certificates

    function makeCheckpoint(bytes32 hubId, uint8 kind, uint64 epoch, Validator[] memory set, bytes32 outboxRoot)
        internal
        view
        returns (Checkpoint memory)
    {
        return Checkpoint({
            hubId: hubId,
            kind: kind,
            epoch: epoch,
            valsetHash: hashSet(set),
            height: 1_000,
            time: uint64(block.timestamp),
            outboxRoot: outboxRoot,
            stateRoot: keccak256("state")
        });
    }

    function digestOf(Checkpoint memory c) internal pure returns (bytes32) {
        bytes memory head =
            abi.encodePacked("INFRASTRUKT/CHECKPOINT/v1", c.hubId, c.kind, c.epoch, c.valsetHash, c.height, c.time);
        return keccak256(abi.encodePacked(head, c.outboxRoot, c.stateRoot));
    }

    /// A certificate of every validator i of `set` with bit i of `signers`.
    function certify(Validator[] memory set, Checkpoint memory c, uint256 signers)
        internal
        pure
        returns (bytes memory)
    {
        bytes32 digest = digestOf(c);
        bytes memory signatures;
        for (uint256 i; i < set.length; ++i) {
            if (signers >> i & 1 == 1) signatures = bytes.concat(signatures, sign(set[i].key, digest));
        }
        return bytes.concat(encodeSet(set), bitmapOf(set.length, signers), signatures);
    }

    /// Signed by the fewest validators, from the lowest on, that have more than two thirds of the weight.
    function certifyQuorum(Validator[] memory set, Checkpoint memory c) internal pure returns (bytes memory) {
        uint256 total;
        for (uint256 i; i < set.length; ++i) {
            total += set[i].weight;
        }
        uint256 signed;
        uint256 signers;
        for (uint256 i; 3 * signed <= 2 * total; ++i) {
            signed += set[i].weight;
            signers |= 1 << i;
        }
        return certify(set, c, signers);
    }

    function bitmapOf(uint256 count, uint256 signers) internal pure returns (bytes memory bitmap) {
        bitmap = new bytes((count + 7) / 8);
        for (uint256 i; i < count; ++i) {
            if (signers >> i & 1 == 1) bitmap[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    // ---- digests

    function idOf(bytes32 hubId, bytes32 sourceGateway, bytes32 targetGateway, Message memory m)
        internal
        pure
        returns (bytes32)
    {
        bytes memory gateways = abi.encodePacked("INFRASTRUKT/MESSAGE/v1", hubId, sourceGateway, targetGateway);
        bytes memory route = abi.encodePacked(m.version, m.source, m.target, m.nonce, m.sender, m.recipient);
        bytes memory limits = abi.encodePacked(m.timestamp, m.gasLimit, m.deadline);
        return keccak256(bytes.concat(gateways, route, limits, keccak256(m.payload)));
    }

    function legHashOf(Leg memory leg, uint64 lockBy) internal pure returns (bytes32) {
        bytes memory head =
            abi.encodePacked(leg.chain, leg.escrow, leg.token, leg.amount, leg.depositor, leg.onCommit, leg.onAbort);
        bytes memory tail = abi.encodePacked(leg.escapeAt, leg.escapeWindow, leg.tip, lockBy);
        return keccak256(bytes.concat("INFRASTRUKT/LEG/v1", head, tail));
    }

    function lockKeyOf(bytes32 dealId, uint8 index, bytes32 legHash) internal pure returns (bytes32) {
        return keccak256(bytes.concat("INFRASTRUKT/LOCK/v1", dealId, bytes1(index), legHash));
    }

    function messageLeafOf(bytes32 id) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"0001", id));
    }

    function decisionLeafOf(bytes32 dealId, bool commit) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"0002", dealId, commit ? bytes1(0x01) : bytes1(0x00)));
    }

    function expiredLeafOf(bytes32 id) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"0003", id));
    }

    function rotateLeafOf(uint64 epoch, bytes32 valsetHash, uint64 expiresAt) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"0004", bytes8(epoch), valsetHash, bytes8(expiresAt)));
    }

    // ---- outboxes

    function outboxRootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        bytes32[] memory level = leaves;
        while (level.length > 1) {
            level = _parents(level);
        }
        return keccak256(bytes.concat(hex"02", bytes4(uint32(leaves.length)), level[0]));
    }

    /// The proof of the leaves at `indices`, which are strictly ascending.
    function multiproof(bytes32[] memory leaves, uint32[] memory indices) internal pure returns (Multiproof memory) {
        bytes32[] memory nodes = new bytes32[](leaves.length * 2);
        uint256 used;
        bool[] memory known = new bool[](leaves.length);
        for (uint256 i; i < indices.length; ++i) {
            known[indices[i]] = true;
        }
        bytes32[] memory level = leaves;
        while (level.length > 1) {
            bool[] memory above = new bool[]((level.length + 1) / 2);
            for (uint256 i; i < level.length; ++i) {
                if (!known[i]) continue;
                above[i / 2] = true;
                uint256 sibling = i ^ 1;
                if (sibling < level.length && !known[sibling]) nodes[used++] = level[sibling];
            }
            known = above;
            level = _parents(level);
        }
        assembly ("memory-safe") {
            mstore(nodes, used)
        }
        return Multiproof(uint32(leaves.length), indices, nodes);
    }

    /// The proof of every leaf.
    function multiproofOfAll(bytes32[] memory leaves) internal pure returns (Multiproof memory) {
        uint32[] memory indices = new uint32[](leaves.length);
        for (uint256 i; i < leaves.length; ++i) {
            indices[i] = uint32(i);
        }
        return multiproof(leaves, indices);
    }

    function singleProof(bytes32[] memory leaves, uint32 index) internal pure returns (Multiproof memory) {
        uint32[] memory indices = new uint32[](1);
        indices[0] = index;
        return multiproof(leaves, indices);
    }

    function oneLeaf(bytes32 leaf) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](1);
        leaves[0] = leaf;
    }

    function _parents(bytes32[] memory level) private pure returns (bytes32[] memory above) {
        above = new bytes32[]((level.length + 1) / 2);
        for (uint256 i; i < level.length; i += 2) {
            above[i / 2] = i + 1 == level.length ? level[i] : keccak256(bytes.concat(hex"01", level[i], level[i + 1]));
        }
    }
}
