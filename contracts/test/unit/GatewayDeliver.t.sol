// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Gateway} from "../../src/gateway/Gateway.sol";
import {IGateway} from "../../src/interfaces/IGateway.sol";
import {IVerifier} from "../../src/interfaces/IVerifier.sol";
import {Outbox} from "../../src/libraries/Outbox.sol";
import {Checkpoint, Message, Multiproof} from "../../src/libraries/Types.sol";
import {GatewayFixture} from "../helpers/GatewayFixture.sol";
import {Counter, GasBurner, Moody, Reentrant, ReturnBomb} from "../helpers/Recipients.sol";

contract GatewayDeliverTest is GatewayFixture {
    Counter internal counter;

    function setUp() public override {
        super.setUp();
        counter = new Counter();
    }

    // ---- one

    function test_Deliver() public {
        Message memory m = inbound(1, address(counter));
        m.gasLimit = 300_000;
        bytes32 id = inboundId(m);
        vm.expectEmit(address(gateway));
        emit IGateway.Delivered(id, REMOTE, 1);
        deliver(m);
        assertEq(counter.received(id), 1);
        assertEq(counter.lastSource(), REMOTE);
        assertEq(counter.lastSender(), m.sender);
        assertEq(counter.lastPayload(), m.payload);
        assertTrue(gateway.isConsumed(REMOTE, 1));
        assertFalse(gateway.isConsumed(REMOTE, 0));
        assertFalse(gateway.isConsumed(REMOTE, 2));
        assertFalse(gateway.isConsumed(ASSIGNED, 1));
        assertEq(gateway.messageId(m), id);
    }

    function test_Deliver_FromAChainWithLongAddresses() public {
        Message memory m = inbound(1, address(quiet));
        m.source = ASSIGNED;
        m.sender = keccak256("a 32-byte sender");
        deliver(m);
        assertTrue(gateway.isConsumed(ASSIGNED, 1));
        assertFalse(gateway.isConsumed(REMOTE, 1));
    }

    function test_Deliver_Twice() public {
        Message memory m = inbound(1, address(quiet));
        deliver(m);
        vm.expectRevert(abi.encodeWithSelector(IGateway.AlreadyDelivered.selector, REMOTE, 1));
        this.deliverExternally(m);
    }

    /// Another message with a used nonce, which no honest hub would certify, is refused too.
    function test_Deliver_NonceOfAnother() public {
        deliver(inbound(1, address(quiet)));
        Message memory m = inbound(1, address(quiet));
        m.payload = "other";
        vm.expectRevert(abi.encodeWithSelector(IGateway.AlreadyDelivered.selector, REMOTE, 1));
        this.deliverExternally(m);
    }

    function test_Deliver_WrongRoutes() public {
        Message memory m = inbound(1, address(quiet));
        m.target = here + 1;
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongTarget.selector, here + 1, here));
        this.deliverExternally(m);
        m = inbound(1, address(quiet));
        m.source = 999;
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownSource.selector, 999));
        this.deliverExternally(m);
        m.source = here;
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownSource.selector, here));
        this.deliverExternally(m);
        m = inbound(1, address(quiet));
        m.version = 2;
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongVersion.selector, 2));
        this.deliverExternally(m);
    }

    function test_Deliver_OnlyOne() public {
        Message memory m = inbound(1, address(quiet));
        (Checkpoint memory c, bytes memory certificate) = certified(keccak256("root"));
        Multiproof memory proof = Multiproof(2, new uint32[](2), new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(IGateway.NotOneMessage.selector, 2));
        gateway.deliver(c, certificate, m, proof);
        proof.indices = new uint32[](0);
        vm.expectRevert(abi.encodeWithSelector(IGateway.NotOneMessage.selector, 0));
        gateway.deliver(c, certificate, m, proof);
    }

    function test_Deliver_Deadline() public {
        Message memory m = inbound(1, address(quiet));
        m.deadline = NOW + 10;
        vm.warp(NOW + 11);
        vm.expectRevert(abi.encodeWithSelector(IGateway.DeadlinePassed.selector, NOW + 10, NOW + 11));
        this.deliverExternally(m);
        vm.warp(NOW + 10);
        deliver(m);
        assertTrue(gateway.isConsumed(REMOTE, 1));
    }

    function test_CrossCurve_NothingWithoutACertificate() public {
        Message memory m = inbound(1, address(counter));
        bytes32[] memory leaves = oneLeaf(messageLeafOf(inboundId(m)));
        (Checkpoint memory c,) = certified(outboxRootOf(leaves));
        Multiproof memory proof = singleProof(leaves, 0);
        vm.expectRevert(IVerifier.MalformedCertificate.selector);
        gateway.deliver(c, "", m, proof);
        bytes memory few = certify(set, c, 3);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 2, 4));
        gateway.deliver(c, few, m, proof);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 2, 4));
        gateway.deliverBatch(c, few, one(m), proof);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 2, 4));
        gateway.expire(c, few, m, proof);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 2, 4));
        gateway.refund(c, few, m, proof);
    }

    /// A certificate of commits or of a rotation delivers nothing, even if it contains the leaf.
    function test_Deliver_OnlyFromAGeneralCheckpoint() public {
        Message memory m = inbound(1, address(quiet));
        bytes32[] memory leaves = oneLeaf(messageLeafOf(inboundId(m)));
        for (uint8 kind = 1; kind < 3; ++kind) {
            Checkpoint memory c = makeCheckpoint(HUB, kind, EPOCH, set, outboxRootOf(leaves));
            bytes memory certificate = certifyQuorum(set, c);
            vm.expectRevert(abi.encodeWithSelector(IVerifier.WrongKind.selector, kind, GENERAL));
            gateway.deliver(c, certificate, m, singleProof(leaves, 0));
        }
    }

    /// Hyperbridge: the message must be the one that was proven. Every field is.
    function test_Hyperbridge_MessageIsBoundToItsProof() public {
        Message memory m = inbound(1, address(quiet));
        bytes32[] memory leaves = oneLeaf(messageLeafOf(inboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        for (uint256 i; i < 7; ++i) {
            Message memory other = inbound(1, address(quiet));
            if (i == 0) other.nonce = 2;
            if (i == 1) other.sender = bytes32(uint256(1));
            if (i == 2) other.recipient = b32(address(counter));
            if (i == 3) other.timestamp += 1;
            if (i == 4) other.gasLimit += 1;
            if (i == 5) other.deadline = NOW + 1;
            if (i == 6) other.payload = "";
            vm.expectPartialRevert(Outbox.RootMismatch.selector);
            gateway.deliver(c, certificate, other, singleProof(leaves, 0));
        }
        gateway.deliver(c, certificate, m, singleProof(leaves, 0));
    }

    /// Other kinds of leaf over the very same id are not messages.
    function test_LeafTypesAreKeptApart() public {
        Message memory m = inbound(1, address(quiet));
        bytes32[] memory leaves = oneLeaf(expiredLeafOf(inboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        gateway.deliver(c, certificate, m, singleProof(leaves, 0));
        Message memory sent = inbound(1, address(quiet));
        (sent.source, sent.target) = (here, REMOTE);
        leaves = oneLeaf(messageLeafOf(outboundId(sent)));
        (c, certificate) = certified(outboxRootOf(leaves));
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        gateway.refund(c, certificate, sent, singleProof(leaves, 0));
    }

    // ---- failing recipients

    function test_Failure_StaysDeliverable() public {
        Moody moody = new Moody();
        Message memory m = inbound(1, address(moody));
        bytes32 id = inboundId(m);
        bytes32 reason = bytes32(bytes.concat(Moody.Refused.selector, bytes28(0)));
        for (uint256 i; i < 2; ++i) {
            vm.expectEmit(address(gateway));
            emit IGateway.DeliveryFailed(id, REMOTE, 1, reason);
            deliver(m);
            assertFalse(gateway.isConsumed(REMOTE, 1));
            assertEq(moody.received(id), 0);
        }
        moody.setWilling(true);
        vm.expectEmit(address(gateway));
        emit IGateway.Delivered(id, REMOTE, 1);
        deliver(m);
        assertEq(moody.received(id), 1);
        assertTrue(gateway.isConsumed(REMOTE, 1));
    }

    function test_Failure_RecipientWithoutCode() public {
        _failsUncallable(b32(makeAddr("nobody")));
        // A precompile has no code either, and would answer any call with success.
        _failsUncallable(bytes32(uint256(4)));
    }

    function test_Failure_ZeroOrDirtyRecipient() public {
        _failsUncallable(0);
        _failsUncallable(b32(address(counter)) | bytes32(uint256(1) << 200));
        assertEq(counter.lastSource(), 0);
    }

    function test_Poly_HubContractsRefusedAsRecipient() public {
        address escrow = address(new Counter());
        _succeeds(escrow, 1);
        gateway = new Gateway(HUB, verifier, owner, guardian);
        vm.startPrank(owner);
        gateway.refuseRecipient(escrow);
        gateway.setTarget(REMOTE, REMOTE_GATEWAY, 2_000_000, 4096, true);
        vm.stopPrank();
        _failsUncallable(b32(escrow));
        _failsUncallable(b32(address(gateway)));
        _failsUncallable(b32(address(verifier)));
        vm.etch(owner, address(counter).code);
        _failsUncallable(b32(owner));
    }

    function test_Failure_GasBurnerGetsWhatItWasPromised() public {
        Message memory m = inbound(1, address(new GasBurner()));
        bytes32 id = inboundId(m);
        vm.expectEmit(address(gateway));
        emit IGateway.DeliveryFailed(id, REMOTE, 1, 0);
        uint256 before = gasleft();
        deliver(m);
        assertLt(before - gasleft(), 400_000);
    }

    function test_ReturnBombIsNotCopied() public {
        Message memory m = inbound(1, address(new ReturnBomb(true)));
        bytes32 id = inboundId(m);
        vm.expectEmit(address(gateway));
        emit IGateway.DeliveryFailed(id, REMOTE, 1, bytes32(type(uint256).max));
        deliver(m);
        deliver(inbound(2, address(new ReturnBomb(false))));
        assertTrue(gateway.isConsumed(REMOTE, 2));
    }

    // ---- gas

    function test_RecipientGetsItsGas() public {
        Message memory m = inbound(1, address(counter));
        m.gasLimit = 300_000;
        deliver(m);
        assertGt(counter.lastGas(), 299_000);
        assertLe(counter.lastGas(), 300_000);
    }

    /// Whatever gas a relayer gives: the message arrives, or nothing happens. It never fails for want of gas.
    function test_RelayerCannotStarveARecipient() public {
        Message memory m = inbound(1, address(counter));
        m.gasLimit = 300_000;
        bytes32[] memory leaves = oneLeaf(messageLeafOf(inboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        bytes memory single = abi.encodeCall(Gateway.deliver, (c, certificate, m, singleProof(leaves, 0)));
        bytes memory batch = abi.encodeCall(Gateway.deliverBatch, (c, certificate, one(m), singleProof(leaves, 0)));
        uint256 snapshot = vm.snapshotState();
        uint256 arrived;
        for (uint256 gas = 40_000; gas < 420_000; gas += 1_009) {
            for (uint256 i; i < 2; ++i) {
                (bool success,) = address(gateway).call{gas: gas}(i == 0 ? single : batch);
                assertEq(counter.received(inboundId(m)), success ? 1 : 0);
                assertEq(gateway.isConsumed(REMOTE, 1), success);
                if (success) ++arrived;
                vm.revertToState(snapshot);
            }
        }
        assertGt(arrived, 0);
    }

    function test_InsufficientGas() public {
        Message memory m = inbound(1, address(counter));
        m.gasLimit = type(uint64).max;
        vm.expectPartialRevert(IGateway.InsufficientGas.selector);
        this.deliverExternally(m);
        assertFalse(gateway.isConsumed(REMOTE, 1));
    }

    // ---- batches

    function test_Batch() public {
        Message[] memory messages = _messages(10);
        deliverBatch(messages);
        for (uint256 i; i < 10; ++i) {
            assertEq(counter.received(inboundId(messages[i])), 1);
        }
        // Once more: all are skipped, nothing reverts, nothing arrives twice.
        vm.recordLogs();
        deliverBatch(messages);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(counter.received(inboundId(messages[0])), 1);
    }

    /// Nonces of two sources and on both sides of a word border, interleaved.
    function test_Batch_AcrossWordsAndSources() public {
        uint64[6] memory nonces = [uint64(255), 256, 257, 511, 512, 255];
        Message[] memory messages = new Message[](12);
        for (uint256 i; i < 12; ++i) {
            messages[i] = inbound(nonces[i / 2], address(i % 3 == 0 ? address(0xdead) : address(quiet)));
            messages[i].source = i % 2 == 0 ? REMOTE : ASSIGNED;
            if (i >= 10) messages[i].nonce = 1000 + uint64(i);
        }
        deliverBatch(messages);
        for (uint256 i; i < 12; ++i) {
            assertEq(gateway.isConsumed(messages[i].source, messages[i].nonce), i % 3 != 0);
        }
    }

    function test_Batch_SkipsDeliveredAndExpired() public {
        Message[] memory messages = _messages(4);
        messages[1].deadline = NOW - 1;
        deliver(messages[2]);
        deliverBatch(messages);
        assertEq(counter.received(inboundId(messages[0])), 1);
        assertEq(counter.received(inboundId(messages[1])), 0);
        assertEq(counter.received(inboundId(messages[2])), 1);
        assertEq(counter.received(inboundId(messages[3])), 1);
        assertFalse(gateway.isConsumed(REMOTE, 2));
        expire(messages[1]);
    }

    function test_Batch_OneFailureBlocksNobody() public {
        Message[] memory messages = _messages(6);
        messages[0].recipient = b32(address(new Moody()));
        messages[1].recipient = b32(address(new GasBurner()));
        messages[2].recipient = b32(address(new ReturnBomb(true)));
        messages[3].recipient = b32(makeAddr("nobody"));
        deliverBatch(messages);
        for (uint256 i; i < 6; ++i) {
            assertEq(gateway.isConsumed(REMOTE, messages[i].nonce), i >= 4);
        }
        assertEq(counter.received(inboundId(messages[5])), 1);
    }

    /// The same leaf twice in one outbox, with two good proofs.
    function test_Messina_SameMessageTwiceInOneBatch() public {
        Message[] memory messages = _messages(2);
        messages[1] = messages[0];
        deliverBatch(messages);
        assertEq(counter.received(inboundId(messages[0])), 1);
    }

    function test_Batch_AllOrNothingIsProven() public {
        Message[] memory messages = _messages(3);
        bytes32[] memory leaves = messageLeaves(messages);
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        messages[2].payload = "forged";
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        gateway.deliverBatch(c, certificate, messages, multiproofOfAll(leaves));
        vm.expectRevert(Outbox.EmptyProof.selector);
        gateway.deliverBatch(c, certificate, new Message[](0), multiproofOfAll(leaves));
    }

    function test_Batch_StarvedBatchRevertsAsAWhole() public {
        Message[] memory messages = _messages(3);
        messages[2].gasLimit = 50_000_000;
        bytes32[] memory leaves = messageLeaves(messages);
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        Multiproof memory proof = multiproofOfAll(leaves);
        vm.expectPartialRevert(IGateway.InsufficientGas.selector);
        gateway.deliverBatch{gas: 5_000_000}(c, certificate, messages, proof);
        assertEq(counter.received(inboundId(messages[0])), 0);
        assertFalse(gateway.isConsumed(REMOTE, 1));
    }

    // ---- re-entrancy

    /// A recipient that fails on purpose after having its own message delivered once more inside.
    function test_Messina_ReentrantDelivery() public {
        Reentrant attacker = new Reentrant();
        Message memory m = inbound(1, address(attacker));
        m.gasLimit = 1_000_000;
        bytes32[] memory leaves = oneLeaf(messageLeafOf(inboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        Multiproof memory proof = singleProof(leaves, 0);
        bytes[4] memory ways = [
            abi.encodeCall(Gateway.deliver, (c, certificate, m, proof)),
            abi.encodeCall(Gateway.deliverBatch, (c, certificate, one(m), proof)),
            abi.encodeCall(Gateway.expire, (c, certificate, m, proof)),
            abi.encodeCall(Gateway.refund, (c, certificate, m, proof))
        ];
        for (uint64 i; i < 4; ++i) {
            attacker.set(address(gateway), ways[i], true);
            Message memory outer = inbound(2 + i, address(attacker));
            outer.gasLimit = 1_000_000;
            deliver(outer);
            assertFalse(attacker.entered());
            assertEq(attacker.answer(), abi.encodeWithSelector(IGateway.ReentrantCall.selector));
            assertFalse(gateway.isConsumed(REMOTE, 1));
        }
        // With its own message: it fails, stays deliverable, and is delivered once when it stops.
        attacker.set(address(gateway), ways[0], false);
        deliver(m);
        assertFalse(gateway.isConsumed(REMOTE, 1));
        attacker.set(address(gateway), ways[0], true);
        deliver(m);
        assertTrue(gateway.isConsumed(REMOTE, 1));
        vm.expectRevert(abi.encodeWithSelector(IGateway.AlreadyDelivered.selector, REMOTE, 1));
        this.deliverExternally(m);
    }

    /// Several deliveries in one transaction are no re-entry: the guard ends with the call.
    function test_GuardEndsWithTheCall() public {
        deliver(inbound(1, address(quiet)));
        deliver(inbound(2, address(quiet)));
        assertTrue(gateway.isConsumed(REMOTE, 2));
    }

    /// A recipient may answer: sending is not guarded.
    function test_RecipientMaySend() public {
        Reentrant answering = new Reentrant();
        bytes memory call = abi.encodeCall(Gateway.send, (ASSIGNED, keccak256("to"), 0, 0, "pong"));
        answering.set(address(gateway), call, false);
        Message memory m = inbound(1, address(answering));
        m.gasLimit = 1_000_000;
        deliver(m);
        assertTrue(gateway.isConsumed(REMOTE, 1));
        (uint64 nonce,,,,,,,) = gateway.targets(ASSIGNED);
        assertEq(nonce, 1);
    }

    // ---- helpers

    function deliverExternally(Message memory m) external {
        deliver(m);
    }

    function _messages(uint256 count) private view returns (Message[] memory messages) {
        messages = new Message[](count);
        for (uint256 i; i < count; ++i) {
            messages[i] = inbound(uint64(i + 1), address(counter));
            messages[i].gasLimit = 300_000;
        }
    }

    function _succeeds(address recipient, uint64 nonce) private {
        Message memory m = inbound(nonce, recipient);
        m.gasLimit = 300_000;
        deliver(m);
        assertTrue(gateway.isConsumed(REMOTE, nonce));
    }

    function _failsUncallable(bytes32 recipient) private {
        Message memory m = inbound(77, address(0));
        m.recipient = recipient;
        bytes32 id = inboundId(m);
        vm.expectEmit(address(gateway));
        emit IGateway.DeliveryFailed(
            id, REMOTE, 77, bytes32(bytes.concat(IGateway.InvalidRecipient.selector, bytes28(0)))
        );
        deliver(m);
        assertFalse(gateway.isConsumed(REMOTE, 77));
    }
}
