// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayouts} from "../../src/interfaces/IPayouts.sol";
import {ITokenBridge} from "../../src/interfaces/ITokenBridge.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {Message} from "../../src/libraries/Types.sol";
import {BridgedToken} from "../../src/token/BridgedToken.sol";
import {Mode, ModalToken} from "../helpers/tokens/ModalToken.sol";
import {TokenBridgeBase} from "./TokenBridgeBase.t.sol";

/// What broke bridges before, tried on this one.
contract TokenBridgeAttackTest is TokenBridgeBase {
    using Addresses for address;

    function test_CrossCurve_onlyTheGatewayDelivers() public {
        bytes memory payload = mintPayload(1e6, 1e6);
        bytes memory reason = abi.encodeWithSelector(ITokenBridge.NotGateway.selector, bob);
        vm.startPrank(bob);
        vm.expectRevert(reason);
        away.onMessage("id", HOME, address(home).toBytes32(), payload);
        vm.expectRevert(reason);
        away.onExpired("id", HOME, payload);
    }

    function test_CrossCurve_onlyTheRegisteredPeerIsHeard() public {
        bytes memory payload = mintPayload(1e6, 1e6);
        expectRefused(HOME, bob.toBytes32(), payload, unknownPeer(HOME, bob.toBytes32()));
        bytes32 dirty = address(home).toBytes32() | bytes32(uint256(1) << 160);
        expectRefused(HOME, dirty, payload, unknownPeer(HOME, dirty));
        expectRefused(10, address(home).toBytes32(), payload, unknownPeer(10, address(home).toBytes32()));
    }

    function test_Nomad_theZeroPeerOfAnUnknownChainIsRefused() public {
        expectRefused(10, 0, mintPayload(1e6, 1e6), unknownPeer(10, 0));
    }

    function test_Nomad_aMessageArrivesOnce() public {
        Message memory m = sendFromHome(address(token), 5e6);
        assertTrue(deliver(m));
        vm.expectRevert();
        this.deliverAgain(m);
        assertEq(awayToken.totalSupply(), 5e6);
    }

    function test_Verus_aPayoutWithoutBackingIsRefused() public {
        deliver(sendFromHome(address(token), 5e6));
        // The remote bridge says it took in 6 in all, of which 5 were minted: 2 more are not backed.
        bytes memory reason = abi.encodeWithSelector(ITokenBridge.MintExceedsLocked.selector, 7e6, 6e6);
        expectRefused(HOME, address(home).toBytes32(), mintPayload(2e6, 6e6), reason);
        // An older total changes nothing about what is backed.
        reason = abi.encodeWithSelector(ITokenBridge.MintExceedsLocked.selector, 5e6 + 1, 5e6);
        expectRefused(HOME, address(home).toBytes32(), mintPayload(1, 1), reason);
    }

    function test_KelpDAO_aForgedReleaseTakesNoMoreThanIsLocked() public {
        sendFromHome(address(token), 5e6);
        token.mint(address(home), 100e6);
        bytes memory forged =
            payloadOf(address(token).toBytes32(), 5e6 + 1, bob.toBytes32(), bob.toBytes32(), type(uint128).max);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.MintExceedsLocked.selector, 5e6 + 1, 5e6));
        vm.prank(address(homeGateway));
        home.onMessage("id", AWAY, address(away).toBytes32(), forged);
    }

    function test_KelpDAO_aForgedExpiryReturnsNoMoreThanLeft() public {
        sendFromHome(address(token), 5e6);
        bytes memory forged = payloadOf(address(awayToken).toBytes32(), 5e6 + 1, bob.toBytes32(), bob.toBytes32(), 1);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.MintExceedsLocked.selector, 5e6 + 1, 5e6));
        vm.prank(address(homeGateway));
        home.onExpired("id", AWAY, forged);
        vm.chainId(AWAY);
        forged = payloadOf(address(token).toBytes32(), 1, bob.toBytes32(), bob.toBytes32(), 1);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.MintExceedsLocked.selector, 1, 0));
        vm.prank(address(awayGateway));
        away.onExpired("id", HOME, forged);
    }

    function test_Harmony_theOutflowLimitBoundsALoss() public {
        vm.prank(owner);
        away.setOutflowLimit(address(awayToken), 10e6, 100);
        assertTrue(deliver(sendFromHome(address(token), 8e6)));
        Message memory second = sendFromHome(address(token), 8e6);
        vm.chainId(AWAY);
        bytes memory reason = abi.encodeWithSelector(ITokenBridge.OutflowLimit.selector, awayToken, 8e6, 2e6);
        expectRefused(HOME, address(home).toBytes32(), second.payload, reason);
        assertFalse(deliver(second), "over the limit");
        // It refills evenly, so that no boundary lets twice the limit pass.
        vm.warp(START + 59);
        assertFalse(deliver(second), "one second early");
        vm.warp(START + 60);
        assertTrue(deliver(second));
        assertEq(away.outflowAvailable(address(awayToken)), 0);
    }

    /// Whoever lets its own transfers expire takes back what is its own; others' arrivals do not wait for it.
    function test_Harmony_nobodyEmptiesTheBucketWithItsOwnMoney() public {
        vm.prank(owner);
        home.setOutflowLimit(address(token), 10e6, 1 days);
        assertTrue(deliver(sendFromHome(address(token), 5e6)));
        Message memory honest = send(AWAY, bob, address(awayToken), bob, 5e6, soon());
        address mallory = makeAddr("mallory");
        token.mint(mallory, 10e6);
        vm.prank(mallory);
        token.approve(address(home), type(uint256).max);
        Message memory m = send(HOME, mallory, address(token), mallory, 10e6, START + 1);
        vm.warp(START + 2);
        expire(m);
        refund(m);
        assertEq(token.balanceOf(mallory), 10e6);
        assertEq(home.outflowAvailable(address(token)), 10e6);
        assertEq(home.returnsAvailable(address(token)), 0);
        assertTrue(deliver(honest), "blocked by money that never left");
        assertEq(token.balanceOf(bob), 5e6);
    }

    /// Each bucket lets its capacity pass at once and no more: twice the capacity is the most that a captured hub takes.
    function test_Harmony_bothBucketsTogetherAreBounded() public {
        vm.prank(owner);
        home.setOutflowLimit(address(token), 10e6, 1 days);
        for (uint256 i; i < 6; ++i) {
            sendFromHome(address(token), 10e6);
        }
        for (uint128 i = 1; i < 5; ++i) {
            bytes memory forged = payloadOf(address(token).toBytes32(), 5e6, bob.toBytes32(), 0, i * 5e6);
            vm.prank(address(homeGateway));
            try home.onMessage(bytes32(uint256(i)), AWAY, address(away).toBytes32(), forged) {} catch {}
            forged = payloadOf(address(awayToken).toBytes32(), 5e6, bob.toBytes32(), bob.toBytes32(), 1);
            vm.prank(address(homeGateway));
            try home.onExpired(bytes32(uint256(i)), AWAY, forged) {} catch {}
        }
        assertEq(token.balanceOf(bob), 20e6);
    }

    function test_nothingFlowsOutWithoutALimit() public {
        vm.startPrank(owner);
        away.setOutflowLimit(address(awayToken), 0, 1);
        vm.stopPrank();
        assertFalse(deliver(sendFromHome(address(token), 1e6)));
    }

    function test_Harmony_returnsCountAsOutflowToo() public {
        Message memory m = send(HOME, alice, address(token), bob, 5e6, START + 1);
        vm.prank(owner);
        home.setOutflowLimit(address(token), 5e6 - 1, 1);
        vm.warp(START + 2);
        expire(m);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.OutflowLimit.selector, address(token), 5e6, 5e6 - 1));
        this.refundNow(m);
    }

    function test_aNewLimitDoesNotForgetWhatFlowedOut() public {
        vm.prank(owner);
        away.setOutflowLimit(address(awayToken), 10e6, 100);
        deliver(sendFromHome(address(token), 10e6));
        vm.chainId(AWAY);
        vm.prank(owner);
        away.setOutflowLimit(address(awayToken), 12e6, 1_000_000);
        assertEq(away.outflowAvailable(address(awayToken)), 2e6);
    }

    function test_aNewLimitDoesNotForgetWhatWasGivenBack() public {
        vm.prank(owner);
        home.setOutflowLimit(address(token), 10e6, 100);
        Message memory m = send(HOME, alice, address(token), bob, 10e6, START + 1);
        vm.warp(START + 2);
        expire(m);
        refund(m);
        vm.prank(owner);
        home.setOutflowLimit(address(token), 12e6, 1_000_000);
        assertEq(home.returnsAvailable(address(token)), 2e6);
        assertEq(home.outflowAvailable(address(token)), 12e6);
    }

    function test_refusesMalformedPayloads() public {
        bytes memory good = mintPayload(1e6, 1e6);
        bytes memory malformed = abi.encodeWithSelector(ITokenBridge.MalformedPayload.selector);
        bytes32 peer = address(home).toBytes32();
        expectRefused(HOME, peer, "", malformed);
        expectRefused(HOME, peer, bytes.concat(good, hex"00"), malformed);
        bytes memory other = bytes.concat(good);
        other[0] = 0x02;
        expectRefused(HOME, peer, other, malformed);
        assembly ("memory-safe") {
            mstore(good, 120)
        }
        expectRefused(HOME, peer, good, malformed);
    }

    function test_refusesUnregisteredTokensDirtyAddressesAndNothing() public {
        bytes32 peer = address(home).toBytes32();
        bytes32 dirty = bob.toBytes32() | bytes32(uint256(1) << 255);
        bytes32 good = address(awayToken).toBytes32();
        expectRefused(
            HOME,
            peer,
            payloadOf(bob.toBytes32(), 1, bob.toBytes32(), 0, 1),
            abi.encodeWithSelector(ITokenBridge.UnknownRoute.selector, bob, HOME)
        );
        bytes memory invalid = abi.encodeWithSelector(Addresses.InvalidAddress.selector, dirty);
        expectRefused(HOME, peer, payloadOf(dirty, 1, bob.toBytes32(), 0, 1), invalid);
        expectRefused(HOME, peer, payloadOf(good, 1, dirty, 0, 1), invalid);
        invalid = abi.encodeWithSelector(Addresses.InvalidAddress.selector, bytes32(0));
        expectRefused(HOME, peer, payloadOf(good, 1, 0, 0, 1), invalid);
        expectRefused(
            HOME,
            peer,
            payloadOf(good, 1, address(away).toBytes32(), 0, 1),
            abi.encodeWithSelector(ITokenBridge.InvalidRecipient.selector, address(away).toBytes32())
        );
        expectRefused(
            HOME,
            peer,
            payloadOf(good, 0, bob.toBytes32(), 0, 1),
            abi.encodeWithSelector(ITokenBridge.ZeroAmount.selector)
        );
    }

    function test_Qubit_onlyWhatArrivedIsCounted() public {
        ModalToken modal = new ModalToken();
        vm.startPrank(owner);
        home.registerRoute(address(modal), AWAY, bytes32(uint256(7)), ITokenBridge.RouteKind.Lock, 18, RECEIVE_GAS);
        home.setOutflowLimit(address(modal), LIMIT, WINDOW);
        vm.stopPrank();
        modal.mint(alice, 10 ether);
        vm.prank(alice);
        modal.approve(address(home), type(uint256).max);
        uint256 fee = feeFrom(HOME, address(modal));
        expectModalRefused(modal, Mode.TrueWithoutMoving, fee, mismatch(0));
        expectModalRefused(modal, Mode.FeeOnTransfer, fee, mismatch(0.99 ether));
        expectModalRefused(modal, Mode.Reverts, fee, "");
        expectModalRefused(modal, Mode.ReturnsFalse, fee, "");
        assertEq(home.route(address(modal), AWAY).sent, 0);
    }

    function test_Poly_onlyTheBridgeMintsAndBurns() public {
        bytes memory reason = abi.encodeWithSelector(BridgedToken.NotBridge.selector, bob);
        vm.startPrank(bob);
        vm.expectRevert(reason);
        awayToken.mint(bob, 1);
        vm.expectRevert(reason);
        awayToken.burn(alice, 1);
        vm.expectRevert(BridgedToken.ZeroBridge.selector);
        new BridgedToken("n", "s", 18, address(0));
    }

    // ---- helpers

    function deliverAgain(Message memory m) external {
        deliver(m);
    }

    function refundNow(Message memory m) external {
        refund(m);
    }

    function mintPayload(uint64 amount, uint128 cumulative) private view returns (bytes memory) {
        return payloadOf(address(awayToken).toBytes32(), amount, bob.toBytes32(), alice.toBytes32(), cumulative);
    }

    function unknownPeer(uint64 chain, bytes32 sender) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ITokenBridge.UnknownPeer.selector, chain, sender);
    }

    function mismatch(uint256 received) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPayouts.TransferMismatch.selector, received, 1 ether);
    }

    function expectRefused(uint64 source, bytes32 sender, bytes memory payload, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(address(awayGateway));
        away.onMessage("id", source, sender, payload);
    }

    function expectModalRefused(ModalToken modal, Mode mode, uint256 fee, bytes memory reason) private {
        modal.setMode(mode);
        vm.chainId(HOME);
        if (reason.length == 0) vm.expectRevert();
        else vm.expectRevert(reason);
        vm.prank(alice);
        home.bridge{value: fee}(address(modal), AWAY, bob.toBytes32(), 1 ether, soon(), alice);
    }
}
