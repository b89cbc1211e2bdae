// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Message} from "../../src/libraries/Types.sol";
import {PickyPayee} from "../helpers/Payees.sol";
import {TokenBridgeBase} from "../unit/TokenBridgeBase.t.sol";

/// Users and relayers of two chains: transfers both ways, delivered late, twice, out of order or never, expired and
/// given back, some of them to an account that refuses coins at times.
contract TokenBridgeHandler is TokenBridgeBase {
    struct Sent {
        Message message;
        bool isNative;
        uint256 amount;
    }

    uint256 private constant MAX_SENT = 40;

    Sent[] private sent;
    /// Taken in on one chain and not yet given out on either, in the token's own decimals.
    mapping(bool isNative => uint256) public inFlight;

    mapping(bytes32 id => bool) private wasDelivered;

    /// The user of both chains.
    address public constant USER = address(0xA11CE);
    PickyPayee public immutable picky;

    constructor() {
        setUp();
        picky = new PickyPayee();
        vm.deal(USER, 1e30);
        token.mint(USER, 1e30);
        vm.startPrank(USER);
        token.approve(address(home), type(uint256).max);
        vm.stopPrank();
    }

    function bridgeFromHome(bool isNative, uint256 units, uint256 deadline, bool toPicky) external {
        _send(HOME, isNative, bound(units, 1, 1e9), deadline, toPicky ? address(picky) : USER);
    }

    function bridgeFromAway(bool isNative, uint256 units, uint256 deadline) external {
        uint256 held = isNative ? awayNative.balanceOf(USER) / 1e10 : awayToken.balanceOf(USER);
        if (held != 0) _send(AWAY, isNative, bound(units, 1, held), deadline, USER);
    }

    function deliverOne(uint256 seed) external {
        if (sent.length == 0) return;
        Sent storage s = sent[seed % sent.length];
        // Reverts where it was delivered before or has expired.
        if (!deliver(s.message)) return;
        wasDelivered[idFor(s.message)] = true;
        inFlight[s.isNative] -= s.amount;
    }

    function expireOne(uint256 seed) external {
        if (sent.length != 0) expire(sent[seed % sent.length].message);
    }

    /// The hub certifies `Expired` only from the target's event.
    function refundOne(uint256 seed) external {
        if (sent.length == 0) return;
        Sent storage s = sent[seed % sent.length];
        Message memory m = s.message;
        bool hasExpired = block.timestamp > m.deadline;
        if (!hasExpired || !gatewayOn(m.target).isConsumed(m.source, m.nonce) || wasDelivered[idFor(m)]) return;
        refund(m);
        inFlight[s.isNative] -= s.amount;
    }

    /// The end of most transfers that do not arrive, in one step, so that enough of them get there.
    function expireAndRefund(uint256 seed) external {
        if (sent.length == 0) return;
        Message memory m = sent[seed % sent.length].message;
        if (block.timestamp <= m.deadline) vm.warp(m.deadline + 1);
        this.expireOne(seed);
        this.refundOne(seed);
    }

    function setPickyOpen(bool open) external {
        picky.setOpen(open);
    }

    function pushCredit() external {
        home.withdrawCredit(NATIVE, address(picky));
    }

    function takeCredit() external {
        vm.prank(address(picky));
        home.withdrawCreditTo(NATIVE, USER);
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 1 hours));
    }

    function supplyAway(bool isNative) external view returns (uint256) {
        return isNative ? awayNative.totalSupply() : awayToken.totalSupply();
    }

    function creditsHome(bool isNative) external view returns (uint256) {
        return isNative ? home.credits(address(picky), NATIVE) : home.credits(address(picky), address(token));
    }

    function lockedHome(bool isNative) external view returns (uint256) {
        return isNative ? address(home).balance : token.balanceOf(address(home));
    }

    function _send(uint64 source, bool isNative, uint256 units, uint256 deadline, address refundTo) private {
        if (sent.length == MAX_SENT) return;
        address asset = source == HOME
            ? (isNative ? NATIVE : address(token))
            : (isNative ? address(awayNative) : address(awayToken));
        uint256 amount = isNative ? units * 1e10 : units;
        uint256 lasts = deadline % 2 == 0 ? 30 days : bound(deadline, 1, 1 hours);
        Message memory m = sendFor(source, USER, asset, USER, amount, uint64(block.timestamp + lasts), refundTo);
        sent.push(Sent(m, isNative, amount));
        inFlight[isNative] += amount;
    }
}
