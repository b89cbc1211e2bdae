// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Money that a contract owes to an account and could not pay.
interface IPayouts {
    event Credited(address indexed account, address indexed token, uint256 amount);
    event CreditWithdrawn(address indexed account, address indexed token, uint256 amount);

    error TokenWithoutCode(address token);
    error TransferMismatch(uint256 received, uint256 expected);
    error TransferFailed();
    /// Too little gas to give the next payout a fair try; send the transaction again with a higher gas limit.
    error InsufficientGas(uint256 available, uint256 required);
    error NoCredit(address account, address token);
    error Unauthorized(address caller);

    /// Pays what could not be paid out before, to the credited account only. Anyone may call it.
    function withdrawCredit(address token, address account) external;

    function credits(address account, address token) external view returns (uint256);
}
