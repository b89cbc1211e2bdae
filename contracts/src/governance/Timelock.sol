// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// Owner of the hub's contracts: every change waits longer than an escape takes, so that whoever disagrees leaves first.
contract Timelock is TimelockController {
    error DelayTooShort(uint256 given, uint256 min);

    /// `escapeSeconds` is the longest time a depositor needs to leave: escape delay and window of the longest deal.
    constructor(uint256 delay, uint256 escapeSeconds, address[] memory proposers, address[] memory executors)
        TimelockController(delay, proposers, executors, address(0))
    {
        require(delay > escapeSeconds, DelayTooShort(delay, escapeSeconds));
    }
}
