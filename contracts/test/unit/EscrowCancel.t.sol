// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {LegRef, Settlement} from "../../src/libraries/Types.sol";
import {EscrowBase} from "./EscrowBase.t.sol";

/// A depositor takes its word back as long as nothing is locked.
contract EscrowCancelTest is EscrowBase {
    using Addresses for address;

    bytes32 private constant DEAL = keccak256("deal");

    function test_aCancelledLockIsAnnouncedAndFinal() public {
        LegRef memory ref = tokenLeg();
        vm.expectEmit(address(escrow));
        emit IEscrow.LockCancelled(DEAL, keyOf(DEAL, ref), 0);
        cancel(ref);
        assertState(DEAL, ref, IEscrow.LockState.Cancelled);
        expectCancelled(ref);
        vm.prank(alice);
        escrow.cancelLock(DEAL, ref);
    }

    /// Her signature lives on, but nobody can lock with it, settle the ABORT and keep the tip.
    function test_aCancelledDealCostsTheSignerNothing() public {
        LegRef memory ref = legOf(address(token), AMOUNT, 0.1 ether);
        bytes memory signature = signLock(ref);
        uint256 before = token.balanceOf(alice);
        cancel(ref);
        expectCancelled(ref);
        vm.prank(settler);
        escrow.lockWithSignature(DEAL, ref, ref.lockBy, signature);
        Settlement[] memory batch = batchOf(settlementOf(DEAL, false, ref));
        settleReverts(batch, GENERAL, abi.encodeWithSelector(IEscrow.NothingSettled.selector));
        assertEq(token.balanceOf(alice), before);
        assertEq(token.balanceOf(settler), 0);
    }

    function test_nobodyLocksWhatWasCancelled() public {
        LegRef memory ref = nativeLeg();
        cancel(ref);
        expectCancelled(ref);
        vm.prank(alice);
        escrow.lock{value: AMOUNT}(DEAL, ref);
        expectCancelled(ref);
        vm.prank(alice);
        escrow.lockCompact{value: AMOUNT}(DEAL, address(0), bob, alice, amountsOf(ref), termsOf(ref));
    }

    /// Whoever has locked is bound: otherwise it would see the others lock and then choose.
    function test_whatIsLockedCannotBeCancelled() public {
        LegRef memory ref = tokenLeg();
        lockAlice(DEAL, ref);
        expectBound(ref);
        settleOne(DEAL, true, ref);
        expectBound(ref);
        assertState(DEAL, ref, IEscrow.LockState.Released);
    }

    function test_onlyTheDepositorCancels() public {
        LegRef memory ref = tokenLeg();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotDepositor.selector, bob, alice));
        vm.prank(bob);
        escrow.cancelLock(DEAL, ref);
        ref.leg.depositor = alice.toBytes32() | bytes32(uint256(1) << 160);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidAddress.selector, ref.leg.depositor));
        vm.prank(alice);
        escrow.cancelLock(DEAL, ref);
        lockAlice(DEAL, tokenLeg());
    }

    /// It would change nothing, and leave the depositor believing that it had.
    function test_refusesLegsOfOtherPlaces() public {
        LegRef memory ref = tokenLeg();
        ref.leg.chain = 56;
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongChain.selector, 56, uint64(block.chainid)));
        vm.prank(alice);
        escrow.cancelLock(DEAL, ref);
        ref = tokenLeg();
        ref.leg.escrow = bob.toBytes32();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongEscrow.selector, ref.leg.escrow));
        vm.prank(alice);
        escrow.cancelLock(DEAL, ref);
    }

    function test_leavesOtherLocksAlone() public {
        LegRef memory ref = tokenLeg();
        cancel(ref);
        lockAlice(keccak256("other deal"), ref);
        ref.index = 1;
        lockAlice(DEAL, ref);
        assertState(DEAL, ref, IEscrow.LockState.Locked);
    }

    function test_aCancelledLockHasNoEscape() public {
        LegRef memory ref = tokenLeg();
        cancel(ref);
        vm.warp(ref.leg.escapeAt);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotLocked.selector, keyOf(DEAL, ref)));
        escrow.requestEscape(DEAL, ref);
    }

    function test_worksWhileLockingIsPaused() public {
        vm.prank(guardian);
        escrow.setLocksPaused(true);
        cancel(tokenLeg());
        assertState(DEAL, tokenLeg(), IEscrow.LockState.Cancelled);
    }

    // ---- helpers

    function cancel(LegRef memory ref) private {
        vm.prank(alice);
        escrow.cancelLock(DEAL, ref);
    }

    function expectCancelled(LegRef memory ref) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CancelledLock.selector, keyOf(DEAL, ref)));
    }

    function expectBound(LegRef memory ref) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AlreadyLocked.selector, keyOf(DEAL, ref)));
        vm.prank(alice);
        escrow.cancelLock(DEAL, ref);
    }

    function signLock(LegRef memory ref) private view returns (bytes memory) {
        bytes32 typeHash = keccak256("Lock(bytes32 dealId,uint8 index,bytes32 legHash,uint256 deadline)");
        bytes32 legHash = legHashOf(ref.leg, ref.lockBy);
        bytes32 body = keccak256(abi.encode(typeHash, DEAL, ref.index, legHash, uint256(ref.lockBy)));
        return sign(aliceKey, keccak256(abi.encodePacked(hex"1901", escrow.domainSeparator(), body)));
    }
}
