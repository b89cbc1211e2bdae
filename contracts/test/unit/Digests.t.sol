// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Addresses} from "../../src/libraries/Addresses.sol";
import {Checkpoint, Leg, Message} from "../../src/libraries/Types.sol";
import {Certify, Validator} from "../helpers/Certify.sol";
import {Libraries} from "../helpers/Libraries.sol";

/// The digests against a second writing of the wire format, and the small libraries they need.
contract DigestsTest is Certify {
    Libraries internal lib = new Libraries();

    function testFuzz_MessageId(bytes32 hubId, bytes32 source, bytes32 target, Message calldata m) public view {
        assertEq(lib.messageId(hubId, source, target, m), idOf(hubId, source, target, m));
    }

    /// The packing is by hand, so each field at its highest value shows whether it spills into another.
    function test_MessageId_FullFields() public view {
        bytes32 ones = bytes32(type(uint256).max);
        uint64 max = type(uint64).max;
        Message memory m = Message(255, max, max, max, ones, ones, max, max, max, "");
        assertEq(lib.messageId(ones, ones, ones, m), idOf(ones, ones, ones, m));
        assertEq(lib.messageId(0, 0, 0, m), idOf(0, 0, 0, m));
        m = Message(0, 0, 0, 0, 0, 0, 0, 0, 0, "");
        assertEq(lib.messageId(ones, ones, ones, m), idOf(ones, ones, ones, m));
    }

    function test_MessageId_RefusesDirtyFields() public {
        Message memory m = Message(1, 2, 3, 4, bytes32(uint256(5)), bytes32(uint256(6)), 7, 8, 9, hex"10");
        bytes memory call = abi.encodeCall(lib.messageId, (bytes32(0), bytes32(0), bytes32(0), m));
        // selector ‖ three words ‖ offset ‖ version, source, target, nonce, …
        uint256[7] memory words = [uint256(0), 1, 2, 3, 6, 7, 8];
        for (uint256 i; i < words.length; ++i) {
            bytes memory dirty = bytes.concat(call);
            dirty[4 + 32 * (4 + words[i])] = 0x01;
            (bool success,) = address(lib).staticcall(dirty);
            assertFalse(success);
        }
        (bool clean,) = address(lib).staticcall(call);
        assertTrue(clean);
    }

    function testFuzz_Checkpoint(Checkpoint calldata c) public view {
        assertEq(lib.checkpoint(c), digestOf(c));
    }

    function test_Checkpoint_FullFields() public view {
        bytes32 ones = bytes32(type(uint256).max);
        uint64 max = type(uint64).max;
        Checkpoint memory c = Checkpoint(ones, 255, max, ones, max, max, ones, ones);
        assertEq(lib.checkpoint(c), digestOf(c));
        c = Checkpoint(0, 255, 0, 0, max, 0, 0, 0);
        assertEq(lib.checkpoint(c), digestOf(c));
        c = Checkpoint(ones, 0, max, 0, 0, max, 0, ones);
        assertEq(lib.checkpoint(c), digestOf(c));
    }

    function testFuzz_Leg(Leg calldata leg, uint64 lockBy, bytes32 dealId, uint8 index) public view {
        bytes32 hash = legHashOf(leg, lockBy);
        assertEq(lib.legHash(leg, lockBy), hash);
        assertEq(lib.lockKey(dealId, index, hash), lockKeyOf(dealId, index, hash));
    }

    function testFuzz_Leaves(bytes32 id, bool commit, uint64 epoch, bytes32 valsetHash, uint64 expiresAt) public view {
        assertEq(lib.messageLeaf(id), messageLeafOf(id));
        assertEq(lib.expiredLeaf(id), expiredLeafOf(id));
        assertEq(lib.decisionLeaf(id, commit), decisionLeafOf(id, commit));
        assertEq(lib.rotateLeaf(epoch, valsetHash, expiresAt), rotateLeafOf(epoch, valsetHash, expiresAt));
    }

    function testFuzz_Valset(uint256 seed, uint8 count) public view {
        Validator[] memory set = makeSet(seed, count % 20);
        assertEq(lib.valset(encodeSet(set)), hashSet(set));
    }

    function testFuzz_Addresses(bytes32 given) public {
        _checkAddress(given);
        _checkAddress(given >> 96);
        _checkAddress(0);
    }

    function _checkAddress(bytes32 given) private {
        address account = address(uint160(uint256(given)));
        bool clean = uint256(given) <= type(uint160).max;
        if (!clean) vm.expectRevert(abi.encodeWithSelector(Addresses.InvalidAddress.selector, given));
        address decoded = lib.toAddressOrZero(given);
        if (clean) assertEq(decoded, account);
        bool usable = clean && given != 0;
        if (!usable) vm.expectRevert(abi.encodeWithSelector(Addresses.InvalidAddress.selector, given));
        decoded = lib.toAddress(given);
        if (usable) assertEq(decoded, account);
    }

    /// The bitmap, one by one and by cursor, against each other and over word and chain borders.
    function testFuzz_Replay(uint64[16] calldata raw, uint256 mask) public {
        Libraries other = new Libraries();
        (uint64[] memory chains, uint64[] memory nonces) = (new uint64[](16), new uint64[](16));
        for (uint256 i; i < 16; ++i) {
            // Few chains and few words, so that collisions happen.
            (chains[i], nonces[i]) = (raw[i] & 1 == 0 ? 56 : type(uint64).max, raw[i] >> 1 & 1023);
            if (raw[i] >> 63 == 1) nonces[i] += type(uint64).max - 2000;
        }
        bool[] memory fresh = other.setMany(chains, nonces);
        for (uint256 i; i < 16; ++i) {
            assertEq(lib.set(chains[i], nonces[i]), fresh[i]);
        }
        for (uint256 i; i < 16; ++i) {
            if (mask >> i & 1 == 1) lib.clear(chains[i], nonces[i]);
            else (chains[i], nonces[i]) = (1, uint64(i));
        }
        other.clearMany(chains, nonces);
        for (uint256 i; i < 16; ++i) {
            (uint64 chain, uint64 nonce) = (raw[i] & 1 == 0 ? 56 : type(uint64).max, raw[i] >> 1 & 1023);
            if (raw[i] >> 63 == 1) nonce += type(uint64).max - 2000;
            assertEq(lib.isSet(chain, nonce), other.isSet(chain, nonce));
        }
    }
}
