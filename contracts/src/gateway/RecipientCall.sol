// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGateway, IMessageRecipient} from "../interfaces/IGateway.sol";
import {Message} from "../libraries/Types.sol";

/// The call of a recipient, which may do anything: burn its gas, revert, return a megabyte. It gets exactly the gas the
/// sender asked for, and no more than 32 bytes of its answer are read.
library RecipientCall {
    /// Gas that must be left besides the recipient's: the call itself, the event of a failure, the clearing of its bit.
    uint256 internal constant RESERVE = 10_000;

    /// Whether `recipient.onMessage` succeeded, and otherwise the first 32 bytes of what it returned.
    function tryOnMessage(address recipient, bytes32 id, Message calldata message)
        internal
        returns (bool success, bytes32 reason)
    {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        bytes memory data =
            abi.encodeCall(IMessageRecipient.onMessage, (id, message.source, message.sender, message.payload));
        uint256 gasLimit = message.gasLimit;
        // A call gets at most 63/64 of what is left. Without this check a relayer could give too little on purpose and
        // let the recipient fail; with it the recipient has its gas or nothing happens at all.
        uint256 available = gasleft() - gasleft() / 64;
        if (available < gasLimit + RESERVE) revert IGateway.InsufficientGas(available, gasLimit + RESERVE);
        assembly ("memory-safe") {
            mstore(0x00, 0)
            success := call(gasLimit, recipient, 0, add(data, 0x20), mload(data), 0x00, 0x20)
            reason := mload(0x00)
            // Nothing refers to `data` any more. Giving its memory back keeps a large batch from paying for all
            // payloads at once, since the price of memory grows with its square.
            mstore(0x40, free)
        }
    }
}
