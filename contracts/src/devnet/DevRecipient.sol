// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessageRecipient} from "../interfaces/IGateway.sol";

/// Takes messages and counts them per sender. For devnets and the demo only: it believes any caller.
contract DevRecipient is IMessageRecipient {
    event Received(bytes32 indexed id, uint64 indexed source, bytes32 indexed sender, bytes payload);

    mapping(bytes32 sender => uint256) public received;

    function onMessage(bytes32 id, uint64 source, bytes32 sender, bytes calldata payload) external {
        received[sender] += 1;
        emit Received(id, source, sender, payload);
    }
}
