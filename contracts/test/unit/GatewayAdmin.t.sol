// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Gateway} from "../../src/gateway/Gateway.sol";
import {IGateway} from "../../src/interfaces/IGateway.sol";
import {IVerifier} from "../../src/interfaces/IVerifier.sol";
import {GatewayFixture} from "../helpers/GatewayFixture.sol";

contract GatewayAdminTest is GatewayFixture {
    bytes32 internal constant PEER = bytes32(uint256(0xcafe));

    function test_Constructor() public {
        assertEq(gateway.hubId(), HUB);
        assertEq(address(gateway.verifier()), address(verifier));
        assertEq(gateway.owner(), owner);
        assertEq(gateway.guardian(), guardian);
        vm.expectRevert(IGateway.ZeroAddress.selector);
        new Gateway(HUB, verifier, address(0), guardian);
        vm.expectRevert(IGateway.ZeroAddress.selector);
        new Gateway(HUB, verifier, owner, address(0));
        vm.expectRevert(abi.encodeWithSelector(IVerifier.WrongHub.selector, 0));
        new Gateway(0, verifier, owner, guardian);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.WrongHub.selector, keccak256("other")));
        new Gateway(keccak256("other"), verifier, owner, guardian);
        vm.expectRevert();
        new Gateway(HUB, IVerifier(makeAddr("no code")), owner, guardian);
    }

    function test_Constructor_RefusesAnAssignedChainId() public {
        vm.chainId(1 << 63);
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownTarget.selector, 1 << 63));
        new Gateway(HUB, verifier, owner, guardian);
    }

    function test_OnlyTheOwner() public {
        bytes[4] memory calls = [
            abi.encodeCall(gateway.setTarget, (9, PEER, 1, 1, true)),
            abi.encodeCall(gateway.setFee, (REMOTE, 0, 0, uint40(NOW + 2 days))),
            abi.encodeCall(gateway.setGuardian, (user)),
            abi.encodeCall(gateway.withdrawFees, (user, 0))
        ];
        address[2] memory callers = [guardian, user];
        for (uint256 i; i < calls.length; ++i) {
            for (uint256 j; j < 2; ++j) {
                vm.prank(callers[j]);
                (bool success, bytes memory reason) = address(gateway).call(calls[i]);
                assertFalse(success);
                assertEq(reason, abi.encodeWithSelector(IGateway.Unauthorized.selector, callers[j]));
            }
            vm.prank(owner);
            (bool accepted,) = address(gateway).call(calls[i]);
            assertTrue(accepted);
        }
    }

    function test_SetTarget() public {
        vm.startPrank(owner);
        vm.expectEmit(address(gateway));
        emit IGateway.TargetSet(9, PEER, 11, 12, true);
        gateway.setTarget(9, PEER, 11, 12, true);
        (uint64 nonce, uint8 flags, uint32 maxGasLimit, uint16 maxPayload,,,, bytes32 peer) = gateway.targets(9);
        assertEq(nonce, 0);
        assertEq(flags, 2);
        assertEq(maxGasLimit, 11);
        assertEq(maxPayload, 12);
        assertEq(peer, PEER);
    }

    /// Caps change; what was sent, the price and a pause stay as they were.
    function test_SetTarget_ChangesOnlyCaps() public {
        gateway.send(ASSIGNED, keccak256("to"), 0, 0, "");
        uint64[] memory list = new uint64[](1);
        list[0] = ASSIGNED;
        vm.startPrank(owner);
        gateway.pauseTargets(list, true);
        gateway.setTarget(ASSIGNED, ASSIGNED_GATEWAY, 5, 6, false);
        (uint64 nonce, uint8 flags, uint32 maxGasLimit, uint16 maxPayload,,, uint40 validUntil,) =
            gateway.targets(ASSIGNED);
        assertEq(nonce, 1);
        assertEq(flags, 1);
        assertEq(maxGasLimit, 5);
        assertEq(maxPayload, 6);
        assertEq(validUntil, NOW + 1 days);
    }

    /// ioTube: an owner who can point a route at another contract can make up messages.
    function test_IoTube_PeerCannotBeReplaced() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IGateway.PeerFixed.selector, REMOTE, REMOTE_GATEWAY));
        gateway.setTarget(REMOTE, PEER, 1, 1, true);
        vm.expectRevert(abi.encodeWithSelector(IGateway.PeerFixed.selector, REMOTE, REMOTE_GATEWAY));
        gateway.setTarget(REMOTE, REMOTE_GATEWAY, 1, 1, false);
    }

    function test_SetTarget_RefusesNonsense() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongTarget.selector, here, here));
        gateway.setTarget(here, PEER, 1, 1, true);
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongTarget.selector, 0, here));
        gateway.setTarget(0, PEER, 1, 1, true);
        vm.expectRevert(abi.encodeWithSelector(IGateway.InvalidRecipient.selector, 0));
        gateway.setTarget(9, 0, 1, 1, false);
        vm.expectRevert(abi.encodeWithSelector(IGateway.InvalidRecipient.selector, 0));
        gateway.setTarget(9, 0, 1, 1, true);
        vm.expectRevert(abi.encodeWithSelector(IGateway.InvalidRecipient.selector, ASSIGNED_GATEWAY));
        gateway.setTarget(9, ASSIGNED_GATEWAY, 1, 1, true);
    }

    function test_FeeMayFallAtAnyTime() public {
        vm.startPrank(owner);
        vm.expectEmit(address(gateway));
        emit IGateway.FeeSet(REMOTE, 999, 49_999, uint40(NOW + 1 days));
        gateway.setFee(REMOTE, 999, 49_999, uint40(NOW + 1 days));
        gateway.setFee(REMOTE, 0, 0, uint40(NOW + 2 days));
        (uint256 fee,) = gateway.quote(REMOTE, 100_000, 100);
        assertEq(fee, 0);
    }

    function test_FeeRisesOnlyAfterThePromise() public {
        uint40 promised = uint40(NOW + 1 days);
        vm.startPrank(owner);
        bytes memory reason = abi.encodeWithSelector(IGateway.QuoteStillValid.selector, promised);
        vm.expectRevert(reason);
        gateway.setFee(REMOTE, 1_001, 50_000, promised);
        vm.expectRevert(reason);
        gateway.setFee(REMOTE, 1_000, 50_001, promised + 1);
        // Falling with a shorter promise would open the door to a rise right after it.
        vm.expectRevert(reason);
        gateway.setFee(REMOTE, 0, 0, promised - 1);
        vm.warp(promised);
        vm.expectRevert(reason);
        gateway.setFee(REMOTE, 1_001, 50_000, promised + 1);
        vm.warp(promised + 1);
        gateway.setFee(REMOTE, 5_000, 90_000, promised + 2);
        vm.expectRevert(abi.encodeWithSelector(IGateway.QuoteExpired.selector, promised));
        gateway.setFee(ASSIGNED, 0, 0, promised);
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownTarget.selector, 999));
        gateway.setFee(999, 0, 0, promised + 9);
    }

    function test_PauseByGuardianAndOwner() public {
        uint64[] memory list = new uint64[](2);
        (list[0], list[1]) = (REMOTE, ASSIGNED);
        vm.expectEmit(address(gateway));
        emit IGateway.TargetPaused(REMOTE, true);
        vm.expectEmit(address(gateway));
        emit IGateway.TargetPaused(ASSIGNED, true);
        vm.prank(guardian);
        gateway.pauseTargets(list, true);
        vm.prank(owner);
        gateway.pauseTargets(list, false);
        gateway.send(ASSIGNED, keccak256("to"), 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IGateway.Unauthorized.selector, user));
        vm.prank(user);
        gateway.pauseTargets(list, true);
        list[1] = 999;
        vm.expectRevert(abi.encodeWithSelector(IGateway.UnknownTarget.selector, 999));
        vm.prank(guardian);
        gateway.pauseTargets(list, true);
    }

    function test_SetGuardian() public {
        vm.startPrank(owner);
        vm.expectEmit(address(gateway));
        emit IGateway.GuardianSet(user);
        gateway.setGuardian(user);
        assertEq(gateway.guardian(), user);
        vm.expectRevert(IGateway.ZeroAddress.selector);
        gateway.setGuardian(address(0));
    }

    function test_RefuseRecipient() public {
        Gateway fresh = new Gateway(HUB, verifier, owner, guardian);
        vm.expectRevert(abi.encodeWithSelector(IGateway.Unauthorized.selector, guardian));
        vm.prank(guardian);
        fresh.refuseRecipient(user);
        vm.startPrank(owner);
        vm.expectEmit(address(fresh));
        emit IGateway.RecipientRefused(user);
        fresh.refuseRecipient(user);
        assertTrue(fresh.refused(user));
        vm.expectRevert(IGateway.ZeroAddress.selector);
        fresh.refuseRecipient(address(0));
    }

    /// With a chain open, messages may be under way; barring their recipient would stop them for ever.
    function test_RefuseRecipient_OnlyBeforeAChainIsOpen() public {
        vm.startPrank(owner);
        vm.expectRevert(IGateway.ChainsAreOpen.selector);
        gateway.refuseRecipient(user);
        Gateway fresh = new Gateway(HUB, verifier, owner, guardian);
        fresh.setTarget(9, PEER, 1, 1, true);
        vm.expectRevert(IGateway.ChainsAreOpen.selector);
        fresh.refuseRecipient(user);
        assertFalse(fresh.refused(user));
    }

    /// A delivery must fit one transaction, and the hub must certify what the gateway takes money for.
    function test_SetTarget_RefusesCapsThatNothingCouldUse() public {
        vm.startPrank(owner);
        gateway.setTarget(9, PEER, 10_000_000, 32_768, true);
        vm.expectRevert(abi.encodeWithSelector(IGateway.GasLimitTooHigh.selector, 10_000_001, 10_000_000));
        gateway.setTarget(9, PEER, 10_000_001, 32_768, true);
        vm.expectRevert(abi.encodeWithSelector(IGateway.PayloadTooLarge.selector, 32_769, 32_768));
        gateway.setTarget(9, PEER, 10_000_000, 32_769, true);
    }

    function test_WithdrawFees() public {
        (uint256 fee,) = gateway.quote(REMOTE, 1, 0);
        vm.prank(user);
        gateway.send{value: fee}(REMOTE, PEER, 1, 0, "");
        address treasury = makeAddr("treasury");
        vm.startPrank(owner);
        vm.expectEmit(address(gateway));
        emit IGateway.FeesWithdrawn(treasury, fee);
        gateway.withdrawFees(treasury, fee);
        assertEq(treasury.balance, fee);
        vm.expectRevert(abi.encodeWithSelector(IGateway.TransferFailed.selector, treasury, 1));
        gateway.withdrawFees(treasury, 1);
        vm.expectRevert(IGateway.ZeroAddress.selector);
        gateway.withdrawFees(address(0), 0);
    }

    function test_TakesNoCoinsButFees() public {
        vm.prank(user);
        (bool success,) = address(gateway).call{value: 1}("");
        assertFalse(success);
    }
}
