// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IPayouts} from "../interfaces/IPayouts.sol";

/// Moves money in and out. Money comes in only as the measured change of the contract's balance. A payout either moves
/// exactly its amount or moves nothing and becomes a credit, so a recipient or token can harm nobody but itself.
abstract contract Payouts is IPayouts, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// Gas that a recipient of the native coin is given, to which the EVM adds its stipend of 2,300. A wallet behind a
    /// proxy needs about 7,000 to accept coins and emit an event; a first storage write (22,100) does not fit, so that
    /// a recipient can make a leg dearer by half at most. What does not fit becomes a credit, withdrawn with all gas.
    uint256 public constant NATIVE_PAYOUT_GAS = 10_000;

    /// Gas for one whole token payout with its two balance reads. Plain tokens need 40,000, interest-bearing ones up
    /// to 150,000.
    uint256 public constant TOKEN_PAYOUT_GAS = 200_000;

    /// Covers what the EVM charges before a call's own gas is set aside: cold account 2,600, value 9,000, creation of
    /// the account 25,000.
    uint256 private constant CALL_OVERHEAD = 40_000;

    /// @inheritdoc IPayouts
    mapping(address account => mapping(address token => uint256 amount)) public credits;

    /// @inheritdoc IPayouts
    function withdrawCredit(address token, address account) external nonReentrant {
        _withdraw(token, account, account);
    }

    /// One token payout as a call of its own, so that a payout that goes wrong in any way is undone as a whole. Only
    /// the contract itself calls it.
    function payToken(address token, address to, uint256 amount) external {
        if (msg.sender != address(this)) revert Unauthorized(msg.sender);
        _sendToken(token, to, amount);
    }

    /// Pays the whole credit of `account` out to `to`, or reverts.
    function _withdraw(address token, address account, address to) internal {
        uint256 amount = credits[account][token];
        if (amount == 0) revert NoCredit(account, token);
        credits[account][token] = 0;
        emit CreditWithdrawn(account, token, amount);
        _send(token, to, amount);
    }

    /// Sends exactly `amount`, with all gas, or reverts.
    function _send(address token, address to, uint256 amount) internal {
        if (token == address(0)) {
            if (!_sendNative(to, amount, gasleft())) revert TransferFailed();
        } else {
            _sendToken(token, to, amount);
        }
    }

    /// Pays, or credits what could not be paid. Reverts when there is too little gas for a fair try: the EVM passes on
    /// at most 63/64 of what is left, and a caller who leaves less than the cap could otherwise starve a payout.
    function _payOut(address token, address to, uint256 amount) internal {
        bool isNative = token == address(0);
        uint256 cap = isNative ? NATIVE_PAYOUT_GAS : TOKEN_PAYOUT_GAS;
        uint256 required = (cap * 64) / 63 + CALL_OVERHEAD;
        if (gasleft() < required) revert InsufficientGas(gasleft(), required);
        if (isNative ? _sendNative(to, amount, cap) : _tryPayToken(token, to, amount, cap)) return;
        credits[to][token] += amount;
        emit Credited(to, token, amount);
    }

    /// Takes `amount` from `from`, or reverts unless exactly that arrived.
    function _takeToken(address token, address from, uint256 amount) internal nonReentrant {
        uint256 balanceBefore = _ownBalance(token);
        if (!IERC20(token).trySafeTransferFrom(from, address(this), amount)) revert TransferFailed();
        _requireMoved(balanceBefore, _ownBalance(token), amount);
    }

    /// Sends exactly `amount` of a token, or reverts.
    function _sendToken(address token, address to, uint256 amount) private {
        uint256 balanceBefore = _ownBalance(token);
        if (!IERC20(token).trySafeTransfer(to, amount)) revert TransferFailed();
        _requireMoved(_ownBalance(token), balanceBefore, amount);
    }

    /// Reverts unless exactly `amount` lies between two balances.
    function _requireMoved(uint256 lower, uint256 upper, uint256 amount) internal pure {
        unchecked {
            if (upper - lower != amount) revert TransferMismatch(upper > lower ? upper - lower : 0, amount);
        }
    }

    /// An account without code answers any call with success and nothing.
    function _ownBalance(address token) private view returns (uint256 held) {
        bytes4 selector = IERC20.balanceOf.selector;
        bool answered;
        assembly ("memory-safe") {
            mstore(0x00, selector)
            mstore(0x04, address())
            answered := staticcall(gas(), token, 0x00, 0x24, 0x00, 0x20)
            answered := and(answered, gt(returndatasize(), 0x1f))
            held := mload(0x00)
        }
        if (!answered) revert TokenWithoutCode(token);
    }

    /// Copies no return data, which could otherwise be made large enough to exhaust the batch's gas.
    function _sendNative(address to, uint256 amount, uint256 gasCap) private returns (bool success) {
        assembly ("memory-safe") {
            success := call(gasCap, to, amount, 0, 0, 0, 0)
        }
    }

    function _tryPayToken(address token, address to, uint256 amount, uint256 gasCap) private returns (bool success) {
        bytes memory data = abi.encodeCall(this.payToken, (token, to, amount));
        assembly ("memory-safe") {
            success := call(gasCap, address(), 0, add(data, 0x20), mload(data), 0, 0)
        }
    }
}
