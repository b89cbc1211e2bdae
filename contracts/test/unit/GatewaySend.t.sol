// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGateway} from "../../src/interfaces/IGateway.sol";
import {Message} from "../../src/libraries/Types.sol";
import {GatewayFixture} from "../helpers/GatewayFixture.sol";

contract GatewaySendTest is GatewayFixture {
    bytes32 internal constant RECIPIENT = bytes32(uint256(0xbeef));

    function test_Send() public {
        Message memory m = _message(1, "hello");
        bytes32 expected = outboundId(m);
        vm.expectEmit(address(gateway));
        emit IGateway.Sent(expected, REMOTE, 1, b32(user), RECIPIENT, NOW, 100_000, NOW + 1 hours, "hello");
        bytes32 id = _send(REMOTE, RECIPIENT, 100_000, NOW + 1 hours, "hello");
        assertEq(id, expected);
        assertEq(gateway.messageId(m), expected);
        assertEq(address(gateway).balance, _fee(100_000, 5));
    }

    function test_NoncesCountPerTargetFromOne() public {
        assertEq(_send(REMOTE, RECIPIENT, 100_000, NOW + 1 hours, "a"), outboundId(_message(1, "a")));
        assertEq(_send(REMOTE, RECIPIENT, 100_000, NOW + 1 hours, "a"), outboundId(_message(2, "a")));
        Message memory m = _message(1, "a");
        m.target = ASSIGNED;
        assertEq(_send(ASSIGNED, RECIPIENT, 100_000, NOW + 1 hours, "a"), outboundId(m));
        (uint64 remote,,,,,,,) = gateway.targets(REMOTE);
        (uint64 assigned,,,,,,,) = gateway.targets(ASSIGNED);
        assertEq(remote, 2);
        assertEq(assigned, 1);
    }

    function test_PriceIsBasePlusGasPlusBytes() public view {
        (uint256 fee, uint40 validUntil) = gateway.quote(REMOTE, 100_000, 32);
        assertEq(fee, 1_000 gwei + (100_000 + 32 * 40) * 50_000 * 1e6);
        assertEq(validUntil, NOW + 1 days);
    }

    /// The highest price, gas limit and payload do not wrap.
    function test_PriceDoesNotWrap() public {
        vm.startPrank(owner);
        gateway.setTarget(9, bytes32(uint256(1)), 10_000_000, 32_768, true);
        gateway.setFee(9, type(uint48).max, type(uint48).max, type(uint40).max);
        (uint256 fee,) = gateway.quote(9, 10_000_000, 32_768);
        uint256 gas = 10_000_000 + 32_768 * 40;
        assertEq(fee, uint256(type(uint48).max) * 1 gwei + gas * type(uint48).max * 1e6);
    }

    function test_UnknownTarget() public {
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownTarget.selector, 999));
        gateway.send(999, RECIPIENT, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownTarget.selector, 999));
        gateway.quote(999, 0, 0);
    }

    function test_OwnChainIsNoTarget() public {
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownTarget.selector, here));
        gateway.send(here, RECIPIENT, 0, 0, "");
    }

    function test_PausedTargetStopsOnlySends() public {
        deliver(inbound(1, address(quiet)));
        uint64[] memory list = new uint64[](1);
        list[0] = REMOTE;
        vm.prank(guardian);
        gateway.pauseTargets(list, true);
        vm.expectRevert(abi.encodeWithSelector(IGateway.PausedTarget.selector, REMOTE));
        gateway.send(REMOTE, RECIPIENT, 0, 0, "");
        _send(ASSIGNED, RECIPIENT, 0, 0, "");
        deliver(inbound(2, address(quiet)));
        assertTrue(gateway.isConsumed(REMOTE, 2));
        Message memory late = inbound(3, address(quiet));
        late.deadline = NOW - 1;
        expire(late);
        Message memory sent = _message(1, "");
        sent.sender = bytes32(uint256(0xe0a));
        refund(sent);
        vm.prank(guardian);
        gateway.pauseTargets(list, false);
        _send(REMOTE, RECIPIENT, 0, 0, "");
    }

    function test_RecipientOfAnEvmTarget() public {
        bytes32[3] memory wrong = [bytes32(0), bytes32(uint256(1) << 160), bytes32(type(uint256).max)];
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IGateway.InvalidRecipient.selector, wrong[i]));
            gateway.send(REMOTE, wrong[i], 0, 0, "");
        }
        _send(REMOTE, bytes32(uint256(type(uint160).max)), 0, 0, "");
    }

    function test_RecipientOfAnotherTarget() public {
        _send(ASSIGNED, bytes32(type(uint256).max), 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IGateway.InvalidRecipient.selector, 0));
        gateway.send(ASSIGNED, 0, 0, 0, "");
    }

    function test_Caps() public {
        _send(REMOTE, RECIPIENT, 2_000_000, 0, new bytes(4096));
        vm.expectRevert(abi.encodeWithSelector(IGateway.GasLimitTooHigh.selector, 2_000_001, 2_000_000));
        gateway.send(REMOTE, RECIPIENT, 2_000_001, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IGateway.PayloadTooLarge.selector, 4097, 4096));
        gateway.send(REMOTE, RECIPIENT, 0, 0, new bytes(4097));
        vm.expectRevert(abi.encodeWithSelector(IGateway.PayloadTooLarge.selector, type(uint256).max, 4096));
        gateway.quote(REMOTE, 0, type(uint256).max);
    }

    function test_Deadline() public {
        _send(REMOTE, RECIPIENT, 0, 0, "");
        _send(REMOTE, RECIPIENT, 0, NOW + 1, "");
        vm.expectRevert(abi.encodeWithSelector(IGateway.DeadlinePassed.selector, NOW, NOW));
        gateway.send(REMOTE, RECIPIENT, 0, NOW, "");
    }

    function test_FeeIsExact() public {
        uint256 fee = _fee(100_000, 0);
        uint256[3] memory wrong = [uint256(0), fee - 1, fee + 1];
        vm.startPrank(user);
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IGateway.WrongFee.selector, wrong[i], fee));
            gateway.send{value: wrong[i]}(REMOTE, RECIPIENT, 100_000, 0, "");
        }
    }

    function test_QuoteExpires() public {
        vm.warp(NOW + 1 days);
        _send(REMOTE, RECIPIENT, 0, 0, "");
        vm.warp(NOW + 1 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IGateway.QuoteExpired.selector, NOW + 1 days));
        gateway.send(REMOTE, RECIPIENT, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IGateway.QuoteExpired.selector, NOW + 1 days));
        gateway.quote(REMOTE, 0, 0);
    }

    /// A chain without a price is not a chain to send to for nothing.
    function test_NoPriceNoSend() public {
        vm.prank(owner);
        gateway.setTarget(9, bytes32(uint256(1)), 1, 1, true);
        vm.expectRevert(abi.encodeWithSelector(IGateway.QuoteExpired.selector, 0));
        gateway.send(9, RECIPIENT, 0, 0, "");
    }

    function testFuzz_Send(bytes32 recipient, uint32 gasLimit, uint64 deadline, bytes calldata payload) public {
        vm.assume(recipient != 0 && payload.length <= 512);
        gasLimit %= 200_001;
        deadline = deadline % 2 == 0 ? 0 : uint64(bound(deadline, NOW + 1, type(uint64).max));
        Message memory m = Message(1, here, ASSIGNED, 1, b32(user), recipient, NOW, gasLimit, deadline, payload);
        assertEq(_send(ASSIGNED, recipient, gasLimit, deadline, payload), outboundId(m));
    }

    function _message(uint64 nonce, bytes memory payload) private view returns (Message memory) {
        return Message(1, here, REMOTE, nonce, b32(user), RECIPIENT, NOW, 100_000, NOW + 1 hours, payload);
    }

    function _send(uint64 target, bytes32 recipient, uint64 gasLimit, uint64 deadline, bytes memory payload)
        private
        returns (bytes32)
    {
        (uint256 fee,) = gateway.quote(target, gasLimit, payload.length);
        vm.prank(user);
        return gateway.send{value: fee}(target, recipient, gasLimit, deadline, payload);
    }

    function _fee(uint64 gasLimit, uint256 length) private view returns (uint256 fee) {
        (fee,) = gateway.quote(REMOTE, gasLimit, length);
    }
}
