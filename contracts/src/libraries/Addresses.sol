// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Addresses as they travel: 32 bytes, of which an EVM address fills the last 20 and leaves the first 12 zero.
library Addresses {
    error InvalidAddress(bytes32 given);

    /// Whether `given` is an EVM address other than zero. Dirty upper bytes would let two different wire values name
    /// one account, so they never count as an address.
    function isEvm(bytes32 given) internal pure returns (bool) {
        return given != 0 && uint256(given) >> 160 == 0;
    }

    /// The EVM address `given` stands for; reverts on the zero address and on dirty upper bytes.
    function toAddress(bytes32 given) internal pure returns (address) {
        if (!isEvm(given)) revert InvalidAddress(given);
        return address(uint160(uint256(given)));
    }

    /// As `toAddress`, where zero has a meaning of its own (the chain's native coin).
    function toAddressOrZero(bytes32 given) internal pure returns (address) {
        if (uint256(given) >> 160 != 0) revert InvalidAddress(given);
        return address(uint160(uint256(given)));
    }

    function toBytes32(address account) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }
}
