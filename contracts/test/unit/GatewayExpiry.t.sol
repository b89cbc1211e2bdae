// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Gateway} from "../../src/gateway/Gateway.sol";
import {IGateway} from "../../src/interfaces/IGateway.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {Outbox} from "../../src/libraries/Outbox.sol";
import {Checkpoint, Message, Multiproof} from "../../src/libraries/Types.sol";
import {GatewayFixture} from "../helpers/GatewayFixture.sol";
import {Reentrant, Returning} from "../helpers/Recipients.sol";

contract GatewayExpiryTest is GatewayFixture {
    // ---- at the target

    function test_Expire() public {
        Message memory m = _late(1);
        bytes32 id = inboundId(m);
        vm.expectEmit(address(gateway));
        emit IGateway.Expired(id, REMOTE, 1);
        expire(m);
        assertTrue(gateway.isConsumed(REMOTE, 1));
    }

    function test_Expire_NotBeforeTheDeadline() public {
        Message memory m = inbound(1, address(quiet));
        m.deadline = NOW;
        vm.expectRevert(abi.encodeWithSelector(IGateway.NotExpired.selector, NOW, NOW));
        this.expireExternally(m);
        m.deadline = 0;
        vm.expectRevert(abi.encodeWithSelector(IGateway.NotExpired.selector, 0, NOW));
        this.expireExternally(m);
    }

    function test_Expire_OnceAndNotAfterDelivery() public {
        expire(_late(1));
        vm.expectRevert(abi.encodeWithSelector(IGateway.AlreadyDelivered.selector, REMOTE, 1));
        this.expireExternally(_late(1));
        Message memory m = inbound(2, address(quiet));
        m.deadline = NOW;
        deliver(m);
        vm.warp(NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IGateway.AlreadyDelivered.selector, REMOTE, 2));
        this.expireExternally(m);
    }

    /// Even if the clock went back, an expired message cannot be delivered: its bit is set.
    function test_ExpiredIsNeverDelivered() public {
        Message memory m = inbound(1, address(quiet));
        m.deadline = NOW;
        vm.warp(NOW + 1);
        expire(m);
        vm.warp(NOW);
        vm.recordLogs();
        deliverBatch(one(m));
        assertEq(vm.getRecordedLogs().length, 0);
        vm.expectRevert(abi.encodeWithSelector(IGateway.AlreadyDelivered.selector, REMOTE, 1));
        this.deliverExternally(m);
    }

    function test_Expire_ChecksTheRoute() public {
        Message memory m = _late(1);
        m.target = here + 1;
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongTarget.selector, here + 1, here));
        this.expireExternally(m);
        m = _late(1);
        m.source = 999;
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownSource.selector, 999));
        this.expireExternally(m);
        m = _late(1);
        m.version = 0;
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongVersion.selector, 0));
        this.expireExternally(m);
        (Checkpoint memory c, bytes memory certificate) = certified(keccak256("root"));
        vm.expectRevert(abi.encodeWithSelector(IGateway.NotOneMessage.selector, 3));
        gateway.expire(c, certificate, _late(1), Multiproof(3, new uint32[](3), new bytes32[](0)));
    }

    // ---- at the source

    function test_Refund_ToAContract() public {
        Returning sender = new Returning();
        Message memory m = _sent(1, address(sender));
        bytes32 id = outboundId(m);
        vm.expectEmit(address(gateway));
        emit IGateway.Refunded(id, REMOTE, 1);
        refund(m);
        assertEq(sender.expired(id), 1);
        assertEq(sender.lastTarget(), REMOTE);
        assertEq(sender.lastPayload(), m.payload);
        assertTrue(gateway.isRefunded(REMOTE, 1));
        assertFalse(gateway.isRefunded(ASSIGNED, 1));
        assertFalse(gateway.isConsumed(REMOTE, 1));
    }

    function test_Refund_ToAnAccount() public {
        refund(_sent(1, user));
        assertTrue(gateway.isRefunded(REMOTE, 1));
    }

    function test_Refund_Once() public {
        refund(_sent(1, user));
        vm.expectRevert(abi.encodeWithSelector(IGateway.AlreadyRefunded.selector, REMOTE, 1));
        this.refundExternally(_sent(1, user));
    }

    function test_Refund_RetriedWhenTheSenderRefused() public {
        Returning sender = new Returning();
        sender.setRefuses(true);
        Message memory m = _sent(1, address(sender));
        vm.expectRevert("not now");
        this.refundExternally(m);
        assertFalse(gateway.isRefunded(REMOTE, 1));
        sender.setRefuses(false);
        refund(m);
        assertEq(sender.expired(outboundId(m)), 1);
    }

    function test_Refund_ChecksTheRoute() public {
        Message memory m = _sent(1, user);
        m.source = REMOTE;
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongSource.selector, REMOTE, here));
        this.refundExternally(m);
        m = _sent(1, user);
        m.target = 999;
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownTarget.selector, 999));
        this.refundExternally(m);
        m = _sent(1, user);
        m.version = 2;
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongVersion.selector, 2));
        this.refundExternally(m);
        m = _sent(1, user);
        m.sender |= bytes32(uint256(1) << 255);
        vm.expectRevert(abi.encodeWithSelector(Addresses.InvalidAddress.selector, m.sender));
        this.refundExternally(m);
    }

    function test_Refund_OnlyOfTheProvenMessage() public {
        Message memory m = _sent(1, user);
        bytes32[] memory leaves = oneLeaf(expiredLeafOf(outboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        m.payload = "more";
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        gateway.refund(c, certificate, m, singleProof(leaves, 0));
        vm.expectRevert(abi.encodeWithSelector(Outbox.LeafCountMismatch.selector, 1, 2));
        gateway.refund(c, certificate, m, Multiproof(2, new uint32[](2), new bytes32[](0)));
    }

    function test_Messina_ReentrantRefund() public {
        Reentrant sender = new Reentrant();
        Message memory m = _sent(1, address(sender));
        bytes32[] memory leaves = oneLeaf(expiredLeafOf(outboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        bytes memory again = abi.encodeCall(Gateway.refund, (c, certificate, m, singleProof(leaves, 0)));
        sender.set(address(gateway), again, true);
        refund(m);
        assertFalse(sender.entered());
        assertEq(sender.answer(), abi.encodeWithSelector(IGateway.ReentrantCall.selector));
    }

    function deliverExternally(Message memory m) external {
        deliver(m);
    }

    function expireExternally(Message memory m) external {
        expire(m);
    }

    function refundExternally(Message memory m) external {
        refund(m);
    }

    function _late(uint64 nonce) private view returns (Message memory m) {
        m = inbound(nonce, address(quiet));
        m.deadline = NOW - 1;
    }

    function _sent(uint64 nonce, address sender) private view returns (Message memory) {
        return Message(1, here, REMOTE, nonce, b32(sender), bytes32(uint256(1)), NOW - 60, 9, NOW - 1, "payload");
    }
}
