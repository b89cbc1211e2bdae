// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGateway} from "../../src/interfaces/IGateway.sol";
import {IPayouts} from "../../src/interfaces/IPayouts.sol";
import {ITokenBridge} from "../../src/interfaces/ITokenBridge.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {Message} from "../../src/libraries/Types.sol";
import {BridgedToken} from "../../src/token/BridgedToken.sol";
import {TokenBridge} from "../../src/token/TokenBridge.sol";
import {PlainToken} from "../helpers/tokens/PlainToken.sol";
import {TokenBridgeBase} from "./TokenBridgeBase.t.sol";

contract TokenBridgeAdminTest is TokenBridgeBase {
    using Addresses for address;

    ITokenBridge.RouteKind private constant LOCK = ITokenBridge.RouteKind.Lock;
    ITokenBridge.RouteKind private constant MINT = ITokenBridge.RouteKind.Mint;
    bytes32 private constant REMOTE = bytes32(uint256(0x1234));
    uint64 private constant SOLANA = 1 << 63 | 1;

    function test_ioTube_onlyTheOwnerRegisters() public {
        bytes memory reason = abi.encodeWithSelector(IPayouts.Unauthorized.selector, guardian);
        vm.startPrank(guardian);
        vm.expectRevert(reason);
        home.registerRoute(address(token), 10, REMOTE, LOCK, 6, RECEIVE_GAS);
        vm.expectRevert(reason);
        home.registerPeer(10, REMOTE);
        vm.expectRevert(reason);
        home.setOutflowLimit(address(token), 1, 1);
        vm.expectRevert(reason);
        home.setReceiveGas(address(token), AWAY, 1);
    }

    function test_ioTube_theOwnerCannotChangeARouteOrAPeer() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.RouteExists.selector, address(token), AWAY));
        home.registerRoute(address(token), AWAY, REMOTE, LOCK, 6, RECEIVE_GAS);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.PeerExists.selector, AWAY));
        home.registerPeer(AWAY, REMOTE);
    }

    /// Two local tokens for one remote token would let the worthless one be locked and the other be minted.
    function test_Verus_aRemoteTokenHasOneCounterpart() public {
        PlainToken worthless = new PlainToken("Worthless", 6);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.RouteExists.selector, address(token), AWAY));
        home.registerRoute(address(worthless), AWAY, address(awayToken).toBytes32(), LOCK, 6, RECEIVE_GAS);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.RouteExists.selector, NATIVE, AWAY));
        home.registerRoute(address(worthless), AWAY, address(awayNative).toBytes32(), LOCK, 6, RECEIVE_GAS);
    }

    function test_aMintedTokenHasOneHome() public {
        vm.chainId(AWAY);
        expectInvalid(away, address(awayToken), 10, REMOTE, MINT, RECEIVE_GAS);
    }

    function test_refusesRoutesThatCannotWork() public {
        expectInvalid(home, address(token), 0, REMOTE, LOCK, RECEIVE_GAS);
        expectInvalid(home, address(token), HOME, REMOTE, LOCK, RECEIVE_GAS);
        expectInvalid(home, address(token), 10, 0, LOCK, RECEIVE_GAS);
        expectInvalid(home, address(token), 10, REMOTE, LOCK, 0);
        expectInvalid(home, address(token), 10, REMOTE | bytes32(uint256(1) << 160), LOCK, RECEIVE_GAS);
        expectInvalid(home, address(token), 10, REMOTE, ITokenBridge.RouteKind.None, RECEIVE_GAS);
        expectInvalid(home, NATIVE, 10, REMOTE, MINT, RECEIVE_GAS);
        expectInvalid(home, address(new BridgedToken("n", "s", 6, bob)), 10, REMOTE, MINT, RECEIVE_GAS);
        expectInvalid(home, address(new PlainToken("wide", 37)), 10, REMOTE, LOCK, RECEIVE_GAS);
        vm.startPrank(owner);
        vm.expectRevert();
        home.registerRoute(bob, 10, REMOTE, LOCK, 6, RECEIVE_GAS);
    }

    function test_decimalsAreFrozenAndTheWireHasTheFewest() public {
        assertWire(18, 18, 8);
        assertWire(6, 18, 6);
        assertWire(18, 4, 4);
        assertWire(0, 18, 0);
    }

    function test_recipientsOfOtherChainsMayHave32Bytes() public {
        vm.startPrank(owner);
        homeGateway.setTarget(SOLANA, REMOTE, 1_000_000, 1_024, false);
        homeGateway.setFee(SOLANA, 0, 0, type(uint40).max);
        home.registerPeer(SOLANA, keccak256("bridge"));
        home.registerRoute(address(token), SOLANA, keccak256("mint"), LOCK, 6, RECEIVE_GAS);
        vm.stopPrank();
        vm.prank(alice);
        home.bridge(address(token), SOLANA, keccak256("account"), 1e6, soon(), alice);
        assertEq(home.route(address(token), SOLANA).sent, 1e6);
        assertEq(home.route(address(token), AWAY).sent, 0, "routes do not meet");
    }

    function test_refusesPeersThatCannotBe() public {
        vm.startPrank(owner);
        uint64[3] memory chains = [uint64(0), HOME, 10];
        bytes32[3] memory peers = [REMOTE, REMOTE, bytes32(0)];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ITokenBridge.UnknownPeer.selector, chains[i], peers[i]));
            home.registerPeer(chains[i], peers[i]);
        }
        vm.expectRevert();
        home.registerPeer(10, REMOTE | bytes32(uint256(1) << 160));
    }

    function test_announcesWhatItIsTold() public {
        vm.startPrank(owner);
        vm.expectEmit(address(home));
        emit ITokenBridge.PeerRegistered(10, REMOTE);
        home.registerPeer(10, REMOTE);
        vm.expectEmit(address(home));
        emit ITokenBridge.RouteRegistered(address(token), 10, REMOTE, LOCK, 6, 6);
        home.registerRoute(address(token), 10, REMOTE, LOCK, 9, RECEIVE_GAS);
        vm.expectEmit(address(home));
        emit ITokenBridge.OutflowLimitSet(address(token), 5, 6);
        home.setOutflowLimit(address(token), 5, 6);
        vm.expectEmit(address(home));
        emit ITokenBridge.ReceiveGasSet(address(token), 10, 77_000);
        home.setReceiveGas(address(token), 10, 77_000);
        assertEq(home.route(address(token), 10).receiveGas, 77_000);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.UnknownRoute.selector, bob, 10));
        home.setReceiveGas(bob, 10, 77_000);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.InvalidRoute.selector, address(token), 10));
        home.setReceiveGas(address(token), 10, 0);
        vm.expectRevert(ITokenBridge.ZeroAmount.selector);
        home.setOutflowLimit(address(token), 5, 0);
    }

    function test_pauseStopsOnlyNewTransfers() public {
        Message memory m = send(HOME, alice, address(token), bob, 5e6, soon());
        Message memory late = send(HOME, alice, address(token), bob, 1e6, START + 1);
        vm.expectEmit(address(home));
        emit ITokenBridge.BridgingPaused(true);
        vm.prank(guardian);
        home.setBridgingPaused(true);
        vm.prank(owner);
        away.setBridgingPaused(true);
        vm.expectRevert(ITokenBridge.BridgingIsPaused.selector);
        vm.prank(alice);
        home.bridge(address(token), AWAY, bob.toBytes32(), 1e6, soon(), alice);
        assertTrue(deliver(m));
        vm.warp(START + 2);
        expire(late);
        refund(late);
        vm.expectRevert(abi.encodeWithSelector(IPayouts.Unauthorized.selector, bob));
        vm.prank(bob);
        home.setBridgingPaused(false);
    }

    function test_theGuardianIsPassedOnOrReplaced() public {
        vm.expectRevert(abi.encodeWithSelector(IPayouts.Unauthorized.selector, bob));
        vm.prank(bob);
        home.setGuardian(bob);
        vm.expectEmit(address(home));
        emit ITokenBridge.GuardianSet(bob);
        vm.prank(guardian);
        home.setGuardian(bob);
        vm.startPrank(owner);
        vm.expectRevert(ITokenBridge.ZeroAddress.selector);
        home.setGuardian(address(0));
        home.setGuardian(guardian);
        assertEq(home.guardian(), guardian);
    }

    function test_refusesToBeBuiltWithoutItsParts() public {
        vm.expectRevert(ITokenBridge.ZeroAddress.selector);
        new TokenBridge(IGateway(address(0)), owner, guardian);
        vm.expectRevert(ITokenBridge.ZeroAddress.selector);
        new TokenBridge(homeGateway, address(0), guardian);
        vm.expectRevert(ITokenBridge.ZeroAddress.selector);
        new TokenBridge(homeGateway, owner, address(0));
    }

    // ---- helpers

    function assertWire(uint8 local, uint8 remote, uint8 expected) private {
        PlainToken asset = new PlainToken("asset", local);
        vm.prank(owner);
        home.registerRoute(address(asset), 10, address(asset).toBytes32(), LOCK, remote, RECEIVE_GAS);
        ITokenBridge.Route memory r = home.route(address(asset), 10);
        assertEq(r.localDecimals, local);
        assertEq(r.wireDecimals, expected);
    }

    function expectInvalid(
        TokenBridge bridge,
        address asset,
        uint64 chain,
        bytes32 remoteToken,
        ITokenBridge.RouteKind kind,
        uint64 receiveGas
    ) private {
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.InvalidRoute.selector, asset, chain));
        vm.prank(owner);
        bridge.registerRoute(asset, chain, remoteToken, kind, 6, receiveGas);
    }
}
