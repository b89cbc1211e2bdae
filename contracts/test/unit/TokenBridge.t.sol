// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ITokenBridge} from "../../src/interfaces/ITokenBridge.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {Message} from "../../src/libraries/Types.sol";
import {PickyPayee, ReenteringPayee} from "../helpers/Payees.sol";
import {TokenBridgeBase} from "./TokenBridgeBase.t.sol";

/// The way out, the way in, and the way back.
contract TokenBridgeTest is TokenBridgeBase {
    using Addresses for address;

    // ---- there and back

    function test_locksHereAndMintsThere() public {
        Message memory m = sendFromHome(address(token), 5e6);
        assertEq(token.balanceOf(address(home)), 5e6);
        assertTrue(deliver(m));
        assertEq(awayToken.balanceOf(bob), 5e6);
        assertEq(awayToken.totalSupply(), 5e6);
    }

    function test_burnsThereAndReleasesHere() public {
        deliver(sendFromHome(address(token), 5e6));
        Message memory m = send(AWAY, bob, address(awayToken), alice, 2e6, soon());
        assertEq(awayToken.totalSupply(), 3e6);
        uint256 before = token.balanceOf(alice);
        assertTrue(deliver(m));
        assertEq(token.balanceOf(alice), before + 2e6);
        assertEq(token.balanceOf(address(home)), 3e6);
    }

    function test_nativeCoinsTravelInWireUnits() public {
        assertTrue(deliver(sendFromHome(NATIVE, 3 ether)));
        assertEq(awayNative.balanceOf(bob), 3 ether);
        assertEq(address(home).balance, 3 ether);
        assertTrue(deliver(send(AWAY, bob, address(awayNative), alice, 1 ether, soon())));
        assertEq(address(home).balance, 2 ether);
        assertEq(awayNative.totalSupply(), 2 ether);
    }

    function test_announcesBothEnds() public {
        uint256 fee = feeFrom(HOME, address(token));
        uint256 snapshot = vm.snapshotState();
        Message memory m = sendFromHome(address(token), 5e6);
        bytes32 id = idFor(m);
        vm.revertToState(snapshot);
        vm.chainId(HOME);
        vm.expectEmit(address(home));
        emit ITokenBridge.Bridged(id, address(token), AWAY, alice, bob.toBytes32(), 5e6);
        vm.prank(alice);
        home.bridge{value: fee}(address(token), AWAY, bob.toBytes32(), 5e6, soon(), alice);
        vm.expectEmit(address(away));
        emit ITokenBridge.Received(id, address(awayToken), HOME, bob, 5e6);
        deliver(m);
    }

    function test_payloadIsTheWireFormat() public {
        sendFromHome(NATIVE, 1 ether);
        Message memory m = sendFromHome(NATIVE, 2 ether);
        bytes memory expected = payloadOf(address(awayNative).toBytes32(), 2e8, bob.toBytes32(), alice.toBytes32(), 3e8);
        assertEq(m.payload, expected);
        assertEq(m.payload.length, 121);
        assertEq(m.recipient, address(away).toBytes32());
        assertEq(m.gasLimit, RECEIVE_GAS);
    }

    function test_permitInPlaceOfAnAllowanceEvenIfAnotherUsedIt() public {
        vm.prank(alice);
        token.approve(address(home), 0);
        uint256 fee = feeFrom(HOME, address(token));
        (uint8 v, bytes32 r, bytes32 s) = signPermit(5e6);
        token.permit(alice, address(home), 5e6, START, v, r, s);
        vm.prank(alice);
        home.bridgeWithPermit{value: fee}(address(token), AWAY, bob.toBytes32(), 5e6, soon(), alice, START, v, r, s);
        assertEq(token.balanceOf(address(home)), 5e6);
        (v, r, s) = signPermit(1e6);
        vm.prank(alice);
        home.bridgeWithPermit{value: fee}(address(token), AWAY, bob.toBytes32(), 1e6, soon(), alice, START, v, r, s);
        assertEq(token.balanceOf(address(home)), 6e6);
    }

    // ---- what `bridge` refuses

    function test_refusesDustAndNothing() public {
        expectBridgeReverts(NATIVE, 1 ether + 1, abi.encodeWithSelector(ITokenBridge.Dust.selector, 1 ether + 1, 1e10));
        expectBridgeReverts(NATIVE, 0, abi.encodeWithSelector(ITokenBridge.ZeroAmount.selector));
    }

    function test_refusesMoreThanTheWireCarries() public {
        uint256 max = type(uint64).max;
        bytes memory reason = abi.encodeWithSelector(ITokenBridge.AmountTooLarge.selector, max + 1, max);
        expectBridgeReverts(address(token), max + 1, reason);
    }

    function test_refusesWrongValue() public {
        uint256 fee = feeFrom(HOME, NATIVE);
        bytes memory reason = abi.encodeWithSelector(ITokenBridge.WrongValue.selector, fee + 1 ether - 1, fee + 1 ether);
        expectRevertWithValue(NATIVE, 1 ether, fee + 1 ether - 1, reason);
        reason = abi.encodeWithSelector(ITokenBridge.WrongValue.selector, fee + 1, fee);
        expectRevertWithValue(address(token), 1e6, fee + 1, reason);
    }

    function test_refusesRecipientsThatWouldBeStuck() public {
        bytes32[3] memory wrong = [bytes32(0), address(away).toBytes32(), bob.toBytes32() | bytes32(uint256(1) << 160)];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ITokenBridge.InvalidRecipient.selector, wrong[i]));
            vm.prank(alice);
            home.bridge(address(token), AWAY, wrong[i], 1e6, soon(), alice);
        }
    }

    function test_refusesUnknownRoutesAndPeers() public {
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.UnknownRoute.selector, bob, AWAY));
        home.bridge(bob, AWAY, bob.toBytes32(), 1, soon(), alice);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.UnknownRoute.selector, address(token), 10));
        home.quote(address(token), 10);
        vm.startPrank(owner);
        home.registerRoute(address(token), 10, bytes32(uint256(1)), ITokenBridge.RouteKind.Lock, 6, RECEIVE_GAS);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.UnknownPeer.selector, 10, bytes32(0)));
        home.bridge(address(token), 10, bob.toBytes32(), 1e6, soon(), alice);
    }

    function test_burnsOnlyWhatTheCallerHas() public {
        deliver(sendFromHome(address(token), 5e6));
        vm.chainId(AWAY);
        uint256 fee = feeFrom(AWAY, address(awayToken));
        vm.deal(alice, 1 ether);
        vm.expectRevert();
        vm.prank(alice);
        away.bridge{value: fee}(address(awayToken), HOME, alice.toBytes32(), 1e6, soon(), alice);
    }

    // ---- expiry

    function test_anExpiredTransferGoesBackOnce() public {
        uint256 before = token.balanceOf(alice);
        Message memory m = send(HOME, alice, address(token), bob, 5e6, START + 1 hours);
        vm.warp(START + 1 hours + 1);
        expire(m);
        bytes32 id = idFor(m);
        vm.expectEmit(address(home));
        emit ITokenBridge.Returned(id, address(token), alice, 5e6);
        refund(m);
        assertEq(token.balanceOf(alice), before);
        vm.expectRevert();
        this.refundAgain(m);
    }

    function test_anExpiredBurnIsMintedBack() public {
        deliver(sendFromHome(NATIVE, 5 ether));
        Message memory m = send(AWAY, bob, address(awayNative), alice, 2 ether, START + 1 hours);
        vm.warp(START + 1 hours + 1);
        expire(m);
        refund(m);
        assertEq(awayNative.balanceOf(bob), 5 ether);
        assertTrue(deliver(send(AWAY, bob, address(awayNative), alice, 5 ether, soon())));
        assertEq(address(home).balance, 0);
    }

    function test_whatWentBackCannotBeReleasedAgain() public {
        Message memory m = send(HOME, alice, address(token), bob, 5e6, START + 1 hours);
        vm.warp(START + 1 hours + 1);
        expire(m);
        refund(m);
        bytes memory forged = payloadOf(address(token).toBytes32(), 1, bob.toBytes32(), bob.toBytes32(), 10e6);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.MintExceedsLocked.selector, 5e6 + 1, 5e6));
        vm.prank(address(homeGateway));
        home.onMessage("id", AWAY, address(away).toBytes32(), forged);
    }

    // ---- recipients

    function test_aRefusedReleaseStaysDeliverable() public {
        deliver(sendFromHome(NATIVE, 3 ether));
        PickyPayee payee = new PickyPayee();
        Message memory m = send(AWAY, bob, address(awayNative), address(payee), 3 ether, soon());
        assertFalse(deliver(m));
        assertEq(address(home).balance, 3 ether);
        payee.setOpen(true);
        assertTrue(deliver(m));
        assertEq(address(payee).balance, 3 ether);
    }

    function test_Messina_aRecipientCannotBridgeOnFromWithin() public {
        deliver(sendFromHome(NATIVE, 3 ether));
        ReenteringPayee payee = new ReenteringPayee();
        bytes memory hop = abi.encodeCall(ITokenBridge.bridge, (NATIVE, AWAY, bob.toBytes32(), 1 ether, soon(), bob));
        payee.set(address(home), hop);
        assertTrue(deliver(send(AWAY, bob, address(awayNative), address(payee), 3 ether, soon())));
        assertTrue(payee.called());
        assertFalse(payee.succeeded());
        assertEq(payee.error(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        assertEq(address(payee).balance, 3 ether);
    }

    // ---- helpers

    function refundAgain(Message memory m) external {
        refund(m);
    }

    function expectBridgeReverts(address asset, uint256 amount, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(alice);
        home.bridge(asset, AWAY, bob.toBytes32(), amount, soon(), alice);
    }

    function expectRevertWithValue(address asset, uint256 amount, uint256 value, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(alice);
        home.bridge{value: value}(asset, AWAY, bob.toBytes32(), amount, soon(), alice);
    }

    function signPermit(uint256 amount) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        uint256 nonce = token.nonces(alice);
        bytes32 permit = keccak256(abi.encode(typeHash, alice, address(home), amount, nonce, uint256(START)));
        return vm.sign(aliceKey, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), permit)));
    }
}
