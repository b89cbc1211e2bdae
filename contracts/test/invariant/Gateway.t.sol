// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Gateway} from "../../src/gateway/Gateway.sol";
import {Message} from "../../src/libraries/Types.sol";
import {GatewayFixture} from "../helpers/GatewayFixture.sol";
import {Moody, Returning} from "../helpers/Recipients.sol";

/// Anyone and time: delivers, expires and refunds a fixed pool of messages in any order, by any call.
contract GatewayHandler is GatewayFixture {
    uint256 public constant POOL = 24;

    Moody public moody;
    Returning public sender;
    bool[POOL] public expired;

    function begin() external {
        setUp();
        moody = new Moody();
        sender = new Returning();
    }

    function gatewayUnderTest() external view returns (Gateway) {
        return gateway;
    }

    function deliverOne(uint256 which) external {
        deliver(message(which % POOL));
    }

    function deliverSome(uint256 from, uint256 count) external {
        from %= POOL;
        count = bound(count, 1, POOL - from);
        Message[] memory messages = new Message[](count);
        for (uint256 i; i < count; ++i) {
            messages[i] = message(from + i);
        }
        deliverBatch(messages);
    }

    function expireOne(uint256 which) external {
        expire(message(which % POOL));
        expired[which % POOL] = true;
    }

    function refundOne(uint256 which) external {
        refund(sent(which % POOL));
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + time % 3 minutes);
    }

    function setMood(bool willing) external {
        moody.setWilling(willing);
    }

    /// A third never expires, the others one after another. Some go to a recipient that refuses at times.
    function message(uint256 which) public view returns (Message memory m) {
        m = inbound(uint64(250 + which), address(moody));
        if (which % 3 != 0) m.deadline = NOW + uint64(which) * 1 minutes;
        if (which % 2 == 0) m.source = ASSIGNED;
    }

    function sent(uint256 which) public view returns (Message memory m) {
        m = message(which);
        (m.source, m.target) = (here, m.source);
        m.sender = b32(address(sender));
    }

    function idIn(uint256 which) external view returns (bytes32) {
        return inboundId(message(which));
    }

    function idOut(uint256 which) external view returns (bytes32) {
        return outboundId(sent(which));
    }
}

contract GatewayInvariant is Test {
    GatewayHandler internal handler;
    Gateway internal gateway;

    function setUp() public {
        handler = new GatewayHandler();
        handler.begin();
        gateway = handler.gatewayUnderTest();
        bytes4[] memory actions = new bytes4[](6);
        actions[0] = handler.deliverOne.selector;
        actions[1] = handler.deliverSome.selector;
        actions[2] = handler.expireOne.selector;
        actions[3] = handler.refundOne.selector;
        actions[4] = handler.pass.selector;
        actions[5] = handler.setMood.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), actions));
    }

    /// Delivered at most once; expired never delivered; whatever is neither is still open, also after failures; and
    /// refunded at most once.
    function invariant_EachMessageEndsOnce() public view {
        for (uint256 i; i < handler.POOL(); ++i) {
            Message memory m = handler.message(i);
            uint256 received = handler.moody().received(handler.idIn(i));
            assertLe(received, 1);
            assertFalse(received == 1 && handler.expired(i));
            assertEq(gateway.isConsumed(m.source, m.nonce), received == 1 || handler.expired(i));
            Message memory back = handler.sent(i);
            uint256 refunds = handler.sender().expired(handler.idOut(i));
            assertEq(refunds, gateway.isRefunded(back.target, back.nonce) ? 1 : 0);
        }
    }

    /// What is open after any history can still be delivered, or expired if its time has passed.
    function afterInvariant() public {
        handler.setMood(true);
        for (uint256 i; i < handler.POOL(); ++i) {
            Message memory m = handler.message(i);
            if (gateway.isConsumed(m.source, m.nonce)) continue;
            if (m.deadline != 0 && block.timestamp > m.deadline) handler.expireOne(i);
            else handler.deliverOne(i);
            assertTrue(gateway.isConsumed(m.source, m.nonce));
        }
    }
}
