// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {TokenBridgeHandler} from "./TokenBridgeHandler.sol";

/// Nothing is minted that is not locked, and nothing locked is lost, over random sequences on two chains.
contract TokenBridgeInvariantTest is Test {
    TokenBridgeHandler private handler;

    function setUp() public {
        handler = new TokenBridgeHandler();
        targetContract(address(handler));
        bytes4[] memory selectors = new bytes4[](9);
        // Weighted, so that most sequences get somewhere.
        selectors[0] = handler.bridgeFromHome.selector;
        selectors[1] = handler.bridgeFromHome.selector;
        selectors[2] = handler.bridgeFromAway.selector;
        selectors[3] = handler.bridgeFromAway.selector;
        selectors[4] = handler.deliverOne.selector;
        selectors[5] = handler.deliverOne.selector;
        selectors[6] = handler.expireOne.selector;
        selectors[7] = handler.refundOne.selector;
        selectors[8] = handler.wait.selector;
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    function invariant_Verus_mintedIsLocked() public view {
        assertLe(handler.supplyAway(true), handler.lockedHome(true));
        assertLe(handler.supplyAway(false), handler.lockedHome(false));
    }

    function invariant_everyCoinIsLockedMintedOrUnderWay() public view {
        assertEq(handler.lockedHome(true), handler.supplyAway(true) + handler.inFlight(true));
        assertEq(handler.lockedHome(false), handler.supplyAway(false) + handler.inFlight(false));
    }
}
