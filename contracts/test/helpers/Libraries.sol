// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Addresses} from "../../src/libraries/Addresses.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Outbox} from "../../src/libraries/Outbox.sol";
import {Replay} from "../../src/libraries/Replay.sol";
import {Checkpoint, Leg, Message, Multiproof} from "../../src/libraries/Types.sol";

/// Calls the internal libraries from outside, with calldata.
contract Libraries {
    using Replay for Replay.Bitmap;

    Replay.Bitmap private _bitmap;

    function verify(bytes32 root, bytes32[] memory leaves, Multiproof calldata proof) external pure {
        Outbox.verify(root, leaves, proof);
    }

    function verifyOne(bytes32 root, bytes32 leaf, Multiproof calldata proof) external pure {
        Outbox.verifyOne(root, leaf, proof);
    }

    function messageId(bytes32 hubId, bytes32 source, bytes32 target, Message calldata m)
        external
        pure
        returns (bytes32)
    {
        return Digests.messageId(hubId, source, target, m);
    }

    function checkpoint(Checkpoint calldata c) external pure returns (bytes32) {
        return Digests.checkpoint(c);
    }

    function valset(bytes calldata encoding) external pure returns (bytes32) {
        return Digests.valset(encoding);
    }

    function legHash(Leg calldata leg, uint64 lockBy) external pure returns (bytes32) {
        return Digests.legHash(leg, lockBy);
    }

    function lockKey(bytes32 dealId, uint8 index, bytes32 hash) external pure returns (bytes32) {
        return Digests.lockKey(dealId, index, hash);
    }

    function messageLeaf(bytes32 id) external pure returns (bytes32) {
        return Digests.messageLeaf(id);
    }

    function decisionLeaf(bytes32 dealId, bool commit) external pure returns (bytes32) {
        return Digests.decisionLeaf(dealId, commit);
    }

    function expiredLeaf(bytes32 id) external pure returns (bytes32) {
        return Digests.expiredLeaf(id);
    }

    function rotateLeaf(uint64 epoch, bytes32 valsetHash, uint64 expiresAt) external pure returns (bytes32) {
        return Digests.rotateLeaf(epoch, valsetHash, expiresAt);
    }

    function toAddress(bytes32 given) external pure returns (address) {
        return Addresses.toAddress(given);
    }

    function toAddressOrZero(bytes32 given) external pure returns (address) {
        return Addresses.toAddressOrZero(given);
    }

    function isSet(uint64 chain, uint64 nonce) external view returns (bool) {
        return _bitmap.isSet(chain, nonce);
    }

    function set(uint64 chain, uint64 nonce) external returns (bool) {
        return _bitmap.set(chain, nonce);
    }

    function clear(uint64 chain, uint64 nonce) external {
        _bitmap.clear(chain, nonce);
    }

    function setMany(uint64[] calldata chains, uint64[] calldata nonces) external returns (bool[] memory fresh) {
        Replay.Cursor memory cursor = Replay.Cursor(Replay.NO_KEY, 0);
        fresh = new bool[](chains.length);
        for (uint256 i; i < chains.length; ++i) {
            fresh[i] = _bitmap.set(cursor, chains[i], nonces[i]);
        }
        _bitmap.flush(cursor);
    }

    function clearMany(uint64[] calldata chains, uint64[] calldata nonces) external {
        Replay.Cursor memory cursor = Replay.Cursor(Replay.NO_KEY, 0);
        for (uint256 i; i < chains.length; ++i) {
            _bitmap.clear(cursor, chains[i], nonces[i]);
        }
        _bitmap.flush(cursor);
    }
}
