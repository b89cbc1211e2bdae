// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, Leg, Message} from "./Types.sol";

/// Every digest of the protocol. Integers are packed big-endian without padding; each preimage begins with a tag or
/// a leaf prefix of its own, so that no digest can be read as another kind.
library Digests {
    /// The id of a message, which binds it to the hub and to both gateways, so that it means nothing anywhere else.
    function messageId(bytes32 hubId, bytes32 sourceGateway, bytes32 targetGateway, Message calldata m)
        internal
        pure
        returns (bytes32)
    {
        return messageId(
            hubId,
            sourceGateway,
            targetGateway,
            m.version,
            m.source,
            m.target,
            m.nonce,
            m.sender,
            m.recipient,
            m.timestamp,
            m.gasLimit,
            m.deadline,
            bytesHash(m.payload)
        );
    }

    /// As above, of a message in pieces. The 263 bytes are laid out by hand, which halves the price of a digest that
    /// every call pays for. A short field is written as a whole word that ends where the field ends; its zero bytes
    /// spill over the fields before it, which are written after it.
    function messageId(
        bytes32 hubId,
        bytes32 sourceGateway,
        bytes32 targetGateway,
        uint8 version,
        uint64 source,
        uint64 target,
        uint64 nonce,
        bytes32 sender,
        bytes32 recipient,
        uint64 sentAt,
        uint64 gasLimit,
        uint64 deadline,
        bytes32 payloadHash
    ) internal pure returns (bytes32 id) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(add(free, 231), payloadHash)
            mstore(add(free, 199), deadline)
            mstore(add(free, 191), gasLimit)
            mstore(add(free, 183), sentAt)
            mstore(add(free, 175), recipient)
            mstore(add(free, 143), sender)
            mstore(add(free, 111), nonce)
            mstore(add(free, 103), target)
            mstore(add(free, 95), source)
            mstore(add(free, 87), version)
            mstore(add(free, 86), targetGateway)
            mstore(add(free, 54), sourceGateway)
            // The tag fills its word from the front, so the hub's id goes over the rest of it.
            mstore(free, "INFRASTRUKT/MESSAGE/v1")
            mstore(add(free, 22), hubId)
            id := keccak256(free, 263)
        }
    }

    /// What a validator signs: 178 bytes, laid out as a message's are.
    function checkpoint(Checkpoint calldata c) internal pure returns (bytes32 digest) {
        (bytes32 hubId, uint8 kind, uint64 epoch, bytes32 valsetHash) = (c.hubId, c.kind, c.epoch, c.valsetHash);
        (uint64 height, uint64 time, bytes32 outboxRoot, bytes32 stateRoot) =
            (c.height, c.time, c.outboxRoot, c.stateRoot);
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(add(free, 146), stateRoot)
            mstore(add(free, 114), outboxRoot)
            mstore(add(free, 82), time)
            mstore(add(free, 74), height)
            mstore(add(free, 66), valsetHash)
            mstore(add(free, 34), epoch)
            mstore(add(free, 26), kind)
            mstore(free, "INFRASTRUKT/CHECKPOINT/v1")
            mstore(add(free, 25), hubId)
            digest := keccak256(free, 178)
        }
    }

    /// `encoding` is scheme u8 ‖ count u16 ‖ count × (address 20 ‖ weight u64).
    function valset(bytes calldata encoding) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked("INFRASTRUKT/VALSET/v1", encoding));
    }

    function messageLeaf(bytes32 id) internal pure returns (bytes32) {
        return _leaf(1, id);
    }

    function decisionLeaf(bytes32 dealId, bool commit) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0), uint8(2), dealId, commit));
    }

    function expiredLeaf(bytes32 id) internal pure returns (bytes32) {
        return _leaf(3, id);
    }

    function rotateLeaf(uint64 epoch, bytes32 valsetHash, uint64 expiresAt) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0), uint8(4), epoch, valsetHash, expiresAt));
    }

    function legHash(Leg calldata leg, uint64 lockBy) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                "INFRASTRUKT/LEG/v1",
                leg.chain,
                leg.escrow,
                leg.token,
                leg.amount,
                leg.depositor,
                leg.onCommit,
                leg.onAbort,
                leg.escapeAt,
                leg.escapeWindow,
                leg.tip,
                lockBy
            )
        );
    }

    /// Contains the leg itself, so nobody can occupy another's slot with a different leg.
    function lockKey(bytes32 dealId, uint8 index, bytes32 legHash_) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked("INFRASTRUKT/LOCK/v1", dealId, index, legHash_));
    }

    /// keccak256 of `data`, copied past the free memory pointer and not kept.
    function bytesHash(bytes calldata data) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, data.offset, data.length)
            hash := keccak256(free, data.length)
        }
    }

    /// keccak256(0x00 ‖ kind ‖ id). `kind` ends its word, so that the zero byte before it is the prefix.
    function _leaf(uint8 kind, bytes32 id) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(0x00, kind)
            mstore(0x20, id)
            hash := keccak256(0x1e, 0x22)
        }
    }
}
