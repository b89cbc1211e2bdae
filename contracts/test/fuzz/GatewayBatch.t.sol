// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Gateway} from "../../src/gateway/Gateway.sol";
import {Checkpoint, Message, Multiproof} from "../../src/libraries/Types.sol";
import {GatewayFixture} from "../helpers/GatewayFixture.sol";
import {Counter, GasBurner, Moody, Reentrant, ReturnBomb} from "../helpers/Recipients.sol";

/// Batches of messages to recipients of every character, against a model of what must become of each.
contract GatewayBatchFuzz is GatewayFixture {
    uint256 private constant MAX = 16;

    Counter internal counter;
    address[] internal recipients;
    bool[] internal succeeds;
    /// (source, nonce) pairs that the model holds consumed.
    mapping(uint64 source => mapping(uint64 nonce => bool)) internal consumed;

    function setUp() public override {
        super.setUp();
        counter = new Counter();
        _add(address(counter), true);
        _add(address(quiet), true);
        _add(address(new Moody()), false);
        _add(address(new GasBurner()), false);
        _add(address(new ReturnBomb(true)), false);
        _add(address(new ReturnBomb(false)), true);
        _add(makeAddr("nobody"), false);
        _add(address(gateway), false);
        _add(address(0), false);
        _add(_reentrant(true), true);
        _add(_reentrant(false), false);
    }

    /// forge-config: default.fuzz.runs = 256
    function testFuzz_Batch(uint256 seed, uint256 count, uint256 skip) public {
        Message[] memory messages = new Message[](bound(count, 1, MAX));
        for (uint256 i; i < messages.length; ++i) {
            messages[i] = _message(uint256(keccak256(abi.encode(seed, i))));
        }
        // The outbox holds all of them; the relayer takes some, twice.
        bytes32[] memory leaves = messageLeaves(messages);
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        (Message[] memory some, uint32[] memory indices) = _pick(messages, skip);
        Multiproof memory proof = multiproof(leaves, indices);
        for (uint256 round; round < 2; ++round) {
            gateway.deliverBatch(c, certificate, some, proof);
            for (uint256 i; i < some.length; ++i) {
                if (_deliverable(some[i])) consumed[some[i].source][some[i].nonce] = true;
            }
            for (uint256 i; i < messages.length; ++i) {
                (uint64 source, uint64 nonce) = (messages[i].source, messages[i].nonce);
                assertEq(gateway.isConsumed(source, nonce), consumed[source][nonce]);
                assertLe(counter.received(inboundId(messages[i])), 1);
            }
        }
    }

    function _deliverable(Message memory m) private view returns (bool) {
        if (m.deadline != 0 && block.timestamp > m.deadline) return false;
        for (uint256 i; i < recipients.length; ++i) {
            if (m.recipient == b32(recipients[i])) return succeeds[i];
        }
        return false;
    }

    /// Nonces from a small range, so that some stand twice in a batch, and around the border of a word. The recipient
    /// follows from the nonce: whoever of two with the same nonce comes first, the fate is the same.
    function _message(uint256 random) private view returns (Message memory m) {
        uint64 nonce = 240 + uint64(random % 32);
        m = inbound(nonce, recipients[nonce % recipients.length]);
        m.source = random >> 8 & 1 == 0 ? REMOTE : ASSIGNED;
        m.gasLimit = 250_000;
        m.payload = new bytes(random >> 16 & 0x3ff);
        if (nonce % 7 == 0) m.deadline = NOW - 1;
        if (nonce % 7 == 1) m.deadline = NOW;
    }

    function _pick(Message[] memory messages, uint256 skip)
        private
        pure
        returns (Message[] memory some, uint32[] memory indices)
    {
        some = new Message[](messages.length);
        indices = new uint32[](messages.length);
        uint256 picked;
        for (uint256 i; i < messages.length; ++i) {
            // At least the last one is taken.
            if (skip >> i & 1 == 1 && i + 1 < messages.length) continue;
            some[picked] = messages[i];
            indices[picked++] = uint32(i);
        }
        assembly ("memory-safe") {
            mstore(some, picked)
            mstore(indices, picked)
        }
    }

    /// Tries to have another, well certified message delivered while it is called.
    function _reentrant(bool swallow) private returns (address) {
        Reentrant attacker = new Reentrant();
        Message memory m = inbound(9_999, address(counter));
        bytes32[] memory leaves = oneLeaf(messageLeafOf(inboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        bytes memory call = abi.encodeCall(Gateway.deliverBatch, (c, certificate, one(m), singleProof(leaves, 0)));
        attacker.set(address(gateway), call, swallow);
        return address(attacker);
    }

    function _add(address recipient, bool success) private {
        recipients.push(recipient);
        succeeds.push(success);
    }
}
