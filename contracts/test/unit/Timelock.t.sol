// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Timelock} from "../../src/governance/Timelock.sol";

contract TimelockTest is Test {
    uint256 private constant ESCAPE = 3 days;
    uint256 private constant DELAY = 7 days;

    Timelock private timelock;

    function setUp() public {
        address[] memory self = new address[](1);
        self[0] = address(this);
        timelock = new Timelock(DELAY, ESCAPE, self, self);
    }

    function test_DelayMustExceedAnEscape() public {
        address[] memory none = new address[](0);
        vm.expectRevert(abi.encodeWithSelector(Timelock.DelayTooShort.selector, ESCAPE, ESCAPE));
        new Timelock(ESCAPE, ESCAPE, none, none);
    }

    function test_ioTube_TheDelayNeverFallsBelowAnEscape() public {
        bytes memory call = _scheduled(ESCAPE);
        vm.expectRevert();
        timelock.execute(address(timelock), 0, call, 0, 0);
        assertEq(timelock.getMinDelay(), DELAY);
    }

    function test_TheDelayMayChangeAboveTheFloor() public {
        bytes memory call = _scheduled(ESCAPE + 1);
        timelock.execute(address(timelock), 0, call, 0, 0);
        assertEq(timelock.getMinDelay(), ESCAPE + 1);
    }

    function test_NobodyElseChangesTheDelay() public {
        vm.expectRevert();
        timelock.updateDelay(DELAY + 1);
    }

    function _scheduled(uint256 delay) private returns (bytes memory call) {
        call = abi.encodeCall(Timelock.updateDelay, (delay));
        timelock.schedule(address(timelock), 0, call, 0, 0, DELAY);
        vm.warp(block.timestamp + DELAY);
    }
}
