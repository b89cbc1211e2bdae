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
        bytes4[] memory selectors = new bytes4[](13);
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
        selectors[9] = handler.expireAndRefund.selector;
        selectors[10] = handler.setPickyOpen.selector;
        selectors[11] = handler.pushCredit.selector;
        selectors[12] = handler.takeCredit.selector;
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    /// What is credited is locked for its owner and backs nothing that is minted.
    function invariant_Verus_mintedIsLocked() public view {
        for (uint256 i; i < 2; ++i) {
            bool isNative = i == 0;
            assertLe(handler.supplyAway(isNative) + handler.creditsHome(isNative), handler.lockedHome(isNative));
        }
    }

    function invariant_everyCoinIsLockedMintedOrUnderWay() public view {
        for (uint256 i; i < 2; ++i) {
            bool isNative = i == 0;
            uint256 minted = handler.supplyAway(isNative) + handler.inFlight(isNative);
            assertEq(handler.lockedHome(isNative), minted + handler.creditsHome(isNative));
        }
    }
}
