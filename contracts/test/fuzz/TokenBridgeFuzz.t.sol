// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITokenBridge} from "../../src/interfaces/ITokenBridge.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {TokenPayload, Transfer} from "../../src/token/TokenPayload.sol";
import {TokenBridgeBase} from "../unit/TokenBridgeBase.t.sol";

contract TokenBridgeFuzzTest is TokenBridgeBase {
    using Addresses for address;

    function decode(bytes calldata payload) external pure returns (Transfer memory) {
        return TokenPayload.decode(payload);
    }

    function testFuzz_payloadsSurviveTheWire(Transfer memory t) public view {
        bytes memory payload = TokenPayload.encode(t);
        assertEq(payload, payloadOf(t.token, t.amount, t.recipient, t.refundTo, t.cumulative));
        assertEq(abi.encode(this.decode(payload)), abi.encode(t));
    }

    /// Any bytes either decode and encode to themselves or are refused.
    function testFuzz_anyBytesDecodeStrictly(bytes memory payload, bool fit) public view {
        if (fit && payload.length >= 121) {
            payload[0] = 0x01;
            assembly ("memory-safe") {
                mstore(payload, 121)
            }
        }
        try this.decode(payload) returns (Transfer memory t) {
            assertEq(TokenPayload.encode(t), payload);
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), ITokenBridge.MalformedPayload.selector);
        }
    }

    function testFuzz_roundTripLosesNothing(uint64 units, bool native) public {
        units = uint64(bound(units, 1, 1e9));
        uint256 amount = native ? uint256(units) * 1e10 : units;
        (address asset, address minted) = native ? (NATIVE, address(awayNative)) : (address(token), address(awayToken));
        assertTrue(deliver(sendFromHome(asset, amount)));
        assertEq(awayNative.balanceOf(bob) + awayToken.balanceOf(bob), amount);
        assertTrue(deliver(send(AWAY, bob, minted, makeAddr("back"), amount, soon())));
        assertEq(native ? makeAddr("back").balance : token.balanceOf(makeAddr("back")), amount);
        assertEq(address(home).balance + token.balanceOf(address(home)), 0);
        assertEq(awayNative.totalSupply() + awayToken.totalSupply(), 0);
    }

    /// Whatever a captured hub certifies, a home bridge gives out no more than was locked on the route.
    function testFuzz_forgedMessagesTakeNoMoreThanIsLocked(uint64[8] memory amounts, uint128[8] memory totals) public {
        sendFromHome(address(token), 1e9);
        token.mint(address(home), 1e12);
        for (uint256 i; i < 8; ++i) {
            uint64 amount = uint64(bound(amounts[i], 1, 5e8));
            bytes memory forged =
                payloadOf(address(token).toBytes32(), amount, bob.toBytes32(), bob.toBytes32(), totals[i]);
            vm.prank(address(homeGateway));
            try home.onMessage(bytes32(i), AWAY, address(away).toBytes32(), forged) {} catch {}
        }
        assertLe(token.balanceOf(bob), 1e9);
    }
}
