// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {LegRef, Settlement} from "../../src/libraries/Types.sol";
import {EscrowBase} from "./EscrowBase.t.sol";

/// The hub is gone for good: the depositor's money comes back by the clock alone.
contract EscrowEscapeTest is EscrowBase {
    bytes32 private constant DEAL = keccak256("deal");
    LegRef private ref;
    uint64 private executableAt;

    function setUp() public override {
        super.setUp();
        ref = legOf(address(0), AMOUNT, 0.1 ether);
        executableAt = ref.leg.escapeAt + ref.leg.escapeWindow;
    }

    function test_paysTheWholeAmountToOnAbortWithoutTip() public {
        uint256 before = alice.balance;
        lockAlice(DEAL, ref);
        vm.warp(ref.leg.escapeAt);
        vm.expectEmit(address(escrow));
        emit IEscrow.EscapeRequested(DEAL, keyOf(DEAL, ref), 0, executableAt);
        vm.prank(settler);
        escrow.requestEscape(DEAL, ref);
        (, uint64 requestedAt) = escrow.locks(keyOf(DEAL, ref));
        assertEq(requestedAt, ref.leg.escapeAt);

        vm.warp(executableAt);
        vm.expectEmit(address(escrow));
        emit IEscrow.Escaped(DEAL, keyOf(DEAL, ref), 0);
        vm.prank(settler);
        escrow.executeEscape(DEAL, ref);
        assertEq(alice.balance, before);
        assertEq(settler.balance, 0);
        assertState(DEAL, ref, IEscrow.LockState.Escaped);
    }

    function test_cannotBeRequestedEarly() public {
        lockAlice(DEAL, ref);
        vm.warp(ref.leg.escapeAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.EscapeNotYet.selector, ref.leg.escapeAt - 1, ref.leg.escapeAt));
        escrow.requestEscape(DEAL, ref);
    }

    function test_cannotBeExecutedEarly() public {
        request();
        vm.warp(executableAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.EscapeNotYet.selector, executableAt - 1, executableAt));
        escrow.executeEscape(DEAL, ref);
    }

    function test_theWindowRunsFromTheRequest() public {
        lockAlice(DEAL, ref);
        vm.warp(executableAt + 10 days);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.EscapeNotRequested.selector, keyOf(DEAL, ref)));
        escrow.executeEscape(DEAL, ref);
        escrow.requestEscape(DEAL, ref);
        vm.warp(executableAt + 10 days + ref.leg.escapeWindow - 1);
        vm.expectRevert();
        escrow.executeEscape(DEAL, ref);
        vm.warp(executableAt + 10 days + ref.leg.escapeWindow);
        escrow.executeEscape(DEAL, ref);
    }

    function test_cannotBeRequestedTwice() public {
        request();
        vm.warp(executableAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.EscapeAlreadyRequested.selector, keyOf(DEAL, ref)));
        escrow.requestEscape(DEAL, ref);
    }

    function test_needsALock() public {
        bytes memory reason = abi.encodeWithSelector(IEscrow.NotLocked.selector, keyOf(DEAL, ref));
        vm.warp(executableAt);
        vm.expectRevert(reason);
        escrow.requestEscape(DEAL, ref);
        vm.expectRevert(reason);
        escrow.executeEscape(DEAL, ref);
    }

    function test_decisionsCountUntilAnEscapeExecutes() public {
        request();
        vm.warp(executableAt);
        settleOne(DEAL, true, ref);
        assertState(DEAL, ref, IEscrow.LockState.Released);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotLocked.selector, keyOf(DEAL, ref)));
        escrow.executeEscape(DEAL, ref);
    }

    function test_afterAnEscapeNoDecisionCounts() public {
        request();
        vm.warp(executableAt);
        escrow.executeEscape(DEAL, ref);
        bytes memory reason = abi.encodeWithSelector(IEscrow.NothingSettled.selector);
        Settlement[] memory batch = batchOf(settlementOf(DEAL, true, ref));
        settleReverts(batch, COMMITS, reason);
        batch[0].commit = false;
        settleReverts(batch, GENERAL, reason);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotLocked.selector, keyOf(DEAL, ref)));
        escrow.executeEscape(DEAL, ref);
    }

    function test_worksWhileLockingIsPaused() public {
        request();
        vm.prank(guardian);
        escrow.setLocksPaused(true);
        vm.warp(executableAt);
        escrow.executeEscape(DEAL, ref);
        assertState(DEAL, ref, IEscrow.LockState.Escaped);
    }

    function request() private {
        lockAlice(DEAL, ref);
        vm.warp(ref.leg.escapeAt);
        escrow.requestEscape(DEAL, ref);
    }
}
