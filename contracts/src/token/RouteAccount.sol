// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITokenBridge} from "../interfaces/ITokenBridge.sol";

/// The books of one route. A certificate says that the remote bridge sent a message; these totals say whether there is
/// value behind it. All amounts are wire units.
library RouteAccount {
    /// Local units of one wire unit.
    function unit(ITokenBridge.Route storage self) internal view returns (uint256) {
        return 10 ** (self.localDecimals - self.wireDecimals);
    }

    /// The wire amount of exactly `amount`.
    function toWire(ITokenBridge.Route storage self, uint256 amount) internal view returns (uint64) {
        uint256 unit_ = unit(self);
        if (amount == 0) revert ITokenBridge.ZeroAmount();
        if (amount % unit_ != 0) revert ITokenBridge.Dust(amount, unit_);
        uint256 wire = amount / unit_;
        if (wire > type(uint64).max) revert ITokenBridge.AmountTooLarge(amount, type(uint64).max * unit_);
        return uint64(wire);
    }

    /// Counts what leaves, and returns the total that the remote bridge is told.
    function send(ITokenBridge.Route storage self, uint64 amount) internal returns (uint128 cumulative) {
        cumulative = self.sent + amount;
        self.sent = cumulative;
    }

    /// Counts what arrives: never more than the remote bridge has ever taken in, and at a token's home never more than
    /// is locked here.
    function receive_(ITokenBridge.Route storage self, uint64 amount, uint128 cumulative) internal {
        uint128 backing = self.backing;
        if (cumulative > backing) {
            backing = cumulative;
            self.backing = backing;
        }
        uint128 received = self.received + amount;
        if (received > backing) revert ITokenBridge.MintExceedsLocked(received, backing);
        self.received = received;
        if (self.kind == ITokenBridge.RouteKind.Lock) _requireLocked(self);
    }

    /// Counts what comes back because it never arrived: never more than left, and at a token's home never more than is
    /// still locked.
    function giveBack(ITokenBridge.Route storage self, uint64 amount) internal {
        uint128 returned = self.returned + amount;
        if (returned > self.sent) revert ITokenBridge.MintExceedsLocked(returned, self.sent);
        self.returned = returned;
        if (self.kind == ITokenBridge.RouteKind.Lock) _requireLocked(self);
    }

    function _requireLocked(ITokenBridge.Route storage self) private view {
        uint128 released = self.received + self.returned;
        if (released > self.sent) revert ITokenBridge.MintExceedsLocked(released, self.sent);
    }
}
