// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {Addresses} from "../libraries/Addresses.sol";
import {Leg, LegRef} from "../libraries/Types.sol";

/// What a leg must satisfy before this chain takes its money. The hub checks the deal as a whole; the escrow checks
/// what it alone can enforce and what would otherwise trap the depositor's funds.
library LegRules {
    /// A deal has at most this many legs, so an index is below it.
    uint8 internal constant MAX_LEGS = 8;

    /// Times beyond 40 bits (the year 36812) are a mistake, milliseconds most likely. Sums then fit in 64 bits.
    uint256 internal constant MAX_TIME = type(uint40).max;

    /// Most seconds from `lockBy` to `escapeAt`, and most of an escape's window: the longest deal that the hub accepts.
    /// Without a bound the leg of a deal that nobody registered would be locked for as long as its times say.
    uint256 internal constant MAX_ESCAPE_SECONDS = 60 days;

    /// Reverts unless the leg may be locked here and now.
    function check(LegRef calldata ref, uint64 minEscapeWindow, uint64 maxLockHorizon) internal view {
        Leg calldata leg = ref.leg;
        checkPlace(leg);
        Addresses.toAddressOrZero(leg.token);
        Addresses.toAddress(leg.depositor);
        checkPayees(Addresses.toAddress(leg.onCommit), Addresses.toAddress(leg.onAbort));
        checkAmounts(leg.amount, leg.tip);
        checkTimes(ref.lockBy, leg.escapeAt, leg.escapeWindow, minEscapeWindow, maxLockHorizon);
        checkIndex(ref.index);
    }

    /// Reverts unless the leg belongs on this chain and in this escrow.
    function checkPlace(Leg calldata leg) internal view {
        if (leg.chain != block.chainid) revert IEscrow.WrongChain(leg.chain, uint64(block.chainid));
        if (leg.escrow != Addresses.toBytes32(address(this))) revert IEscrow.WrongEscrow(leg.escrow);
    }

    /// Money paid to the escrow itself would belong to nobody.
    function checkPayees(address onCommit, address onAbort) internal view {
        if (onCommit == address(0)) _refusePayee(onCommit);
        if (onCommit == address(this)) _refusePayee(onCommit);
        if (onAbort == address(0)) _refusePayee(onAbort);
        if (onAbort == address(this)) _refusePayee(onAbort);
    }

    /// Both are below 2^128. An amount of zero is refused with the rest, since every tip is below its amount.
    function checkAmounts(uint256 amount, uint256 tip) internal pure {
        if (tip >= amount) revert IEscrow.InvalidAmount(uint128(amount), uint128(tip));
    }

    function checkIndex(uint256 index) internal pure {
        if (index >= MAX_LEGS) revert IEscrow.InvalidIndex(uint8(index));
    }

    /// All are below 2^64.
    function checkTimes(
        uint256 lockBy,
        uint256 escapeAt,
        uint256 escapeWindow,
        uint256 minEscapeWindow,
        uint256 maxLockHorizon
    ) internal view {
        if (lockBy < block.timestamp) {
            revert IEscrow.LockPassed(uint64(lockBy), block.timestamp);
        }
        if (lockBy - block.timestamp > maxLockHorizon) {
            revert IEscrow.LockHorizon(uint64(lockBy), block.timestamp + maxLockHorizon);
        }
        unchecked {
            // Later than `lockBy` and not too much later, in one comparison: what is not later wraps to a huge number.
            if (escapeAt - lockBy - 1 >= MAX_ESCAPE_SECONDS) _refuseEscape(escapeAt, escapeWindow);
        }
        if (escapeWindow < minEscapeWindow) _refuseEscape(escapeAt, escapeWindow);
        if (escapeWindow > MAX_ESCAPE_SECONDS) _refuseEscape(escapeAt, escapeWindow);
    }

    function _refusePayee(address payee) private pure {
        revert IEscrow.InvalidAddress(Addresses.toBytes32(payee));
    }

    function _refuseEscape(uint256 escapeAt, uint256 escapeWindow) private pure {
        revert IEscrow.InvalidEscape(uint64(escapeAt), uint64(escapeWindow));
    }
}
