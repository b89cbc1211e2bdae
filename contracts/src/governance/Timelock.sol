// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// Owner of the hub's contracts: every change waits longer than an escape takes, so that whoever disagrees leaves first.
contract Timelock is TimelockController {
    error DelayTooShort(uint256 given, uint256 min);

    /// What every delay exceeds, in seconds.
    uint256 public immutable escapeSeconds;

    /// `escapeSeconds` is the longest time a depositor needs to leave: escape delay and window of the longest deal.
    constructor(uint256 delay, uint256 escapeSeconds_, address[] memory proposers, address[] memory executors)
        TimelockController(delay, proposers, executors, address(0))
    {
        require(delay > escapeSeconds_, DelayTooShort(delay, escapeSeconds_));
        escapeSeconds = escapeSeconds_;
    }

    /// The floor outlives the deployment: a proposal that lowers the delay below it can never be carried out.
    function updateDelay(uint256 newDelay) public override {
        require(newDelay > escapeSeconds, DelayTooShort(newDelay, escapeSeconds));
        super.updateDelay(newDelay);
    }
}
