// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {ModalToken} from "../helpers/tokens/ModalToken.sol";
import {Validator} from "../helpers/Certify.sol";
import {EscrowBase} from "../unit/EscrowBase.t.sol";
import {Deal, Decision, EscrowHandler} from "./EscrowHandler.sol";

/// S1 to S4 of the protocol over random sequences of everything that anyone can do.
contract EscrowInvariantTest is EscrowBase {
    EscrowHandler private handler;

    function setUp() public override {
        super.setUp();
        Validator[] memory set = validators;
        handler = new EscrowHandler(escrow, set, HUB, EPOCH);
        targetContract(address(handler));
        bytes4[] memory selectors = new bytes4[](18);
        selectors[0] = handler.openDeal.selector;
        // Weighted, so that most sequences get somewhere.
        selectors[1] = handler.lock.selector;
        selectors[2] = handler.lock.selector;
        selectors[3] = handler.lockAll.selector;
        selectors[4] = handler.decide.selector;
        selectors[5] = handler.settle.selector;
        selectors[6] = handler.settle.selector;
        selectors[7] = handler.forge.selector;
        selectors[8] = handler.requestEscape.selector;
        selectors[9] = handler.executeEscape.selector;
        selectors[10] = handler.withdrawCredit.selector;
        selectors[11] = handler.setPayeeOpen.selector;
        selectors[12] = handler.setTokenMode.selector;
        selectors[13] = handler.wait.selector;
        selectors[14] = handler.lockSigned.selector;
        selectors[15] = handler.cancelLock.selector;
        selectors[16] = handler.setPaused.selector;
        selectors[17] = handler.raceCommit.selector;
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    /// S1: no deal has a released leg and one that went back, by ABORT or by escape. Assumes that a certified COMMIT
    /// settles everywhere before an escape of its deal executes.
    function invariant_S1_noDealIsHalfReleased() public view {
        for (uint256 i; i < handler.dealCount(); ++i) {
            Deal memory deal = handler.dealAt(i);
            if (deal.late) continue;
            (bool released, bool wentBack) = outcomes(deal);
            assertFalse(released && wentBack, "S1");
        }
    }

    /// S2: every coin that left is with, or credited to, the account that the leg named, or the settler for its tip.
    function invariant_S2_nothingIsRedirected() public view {
        assertFalse(handler.forged(), "a forged settlement was accepted");
        assertFalse(handler.paidTwice(), "a lock was paid by a decision and by an escape");
        for (uint256 a; a < 3; ++a) {
            address asset = handler.assets(a);
            uint256 got = handler.openLocks(asset);
            for (uint256 p; p < handler.payeeCount(); ++p) {
                got += assertGotItsDue(address(handler.payees(p)), asset);
            }
            got += assertGotItsDue(handler.SETTLER(), asset);
            assertEq(got, handler.everLocked(asset), "S2: coins went elsewhere");
            assertLe(holding(asset, handler.DEPOSITOR()), handler.FUNDS() - handler.everLocked(asset), "S2: depositor");
            assertEq(holding(asset, handler.ATTACKER()) + escrow.credits(handler.ATTACKER(), asset), 0, "S2: attacker");
        }
    }

    /// S3: what is held covers open locks and credits, per asset. Assumes a token that does not change balances by itself.
    function invariant_S3_theEscrowIsSolvent() public view {
        for (uint256 a; a < 3; ++a) {
            address asset = handler.assets(a);
            uint256 credits = escrow.credits(handler.SETTLER(), asset);
            for (uint256 p; p < handler.payeeCount(); ++p) {
                credits += escrow.credits(address(handler.payees(p)), asset);
            }
            assertGe(holding(asset, address(escrow)), handler.openLocks(asset) + credits, "S3");
        }
    }

    /// What its depositor gave up stays empty, whoever holds a signature for it, and a pause stops every way to lock.
    function invariant_cancelledAndPausedLocksStayClosed() public view {
        assertFalse(handler.lockedWhilePaused(), "locked while paused");
        for (uint256 i; i < handler.dealCount(); ++i) {
            Deal memory deal = handler.dealAt(i);
            for (uint256 j; j < deal.legs.length; ++j) {
                bool isCancelled = stateOf(deal.id, deal.legs[j]) == IEscrow.LockState.Cancelled;
                assertEq(handler.cancelled(keyOf(deal.id, deal.legs[j])), isCancelled, "cancelled");
            }
        }
    }

    /// S4: a leg ends only as the deal's one decision says, or by its escape.
    function invariant_S4_oneDecisionPerDeal() public view {
        for (uint256 i; i < handler.dealCount(); ++i) {
            Deal memory deal = handler.dealAt(i);
            (bool released, bool wentBack) = outcomes(deal);
            if (released) assertEq(uint8(deal.decision), uint8(Decision.Commit), "S4: released");
            if (wentBack && !deal.late) assertEq(uint8(deal.decision), uint8(Decision.Abort), "S4: refunded");
        }
    }

    function assertGotItsDue(address account, address asset) private view returns (uint256 due) {
        due = handler.owed(account, asset);
        assertEq(holding(asset, account) + escrow.credits(account, asset), due, "S2: not its due");
    }

    function outcomes(Deal memory deal) private view returns (bool released, bool wentBack) {
        for (uint256 i; i < deal.legs.length; ++i) {
            IEscrow.LockState state = stateOf(deal.id, deal.legs[i]);
            if (state == IEscrow.LockState.Released) released = true;
            if (state == IEscrow.LockState.Refunded || state == IEscrow.LockState.Escaped) wentBack = true;
        }
    }

    function holding(address asset, address account) private view returns (uint256) {
        return asset == address(0) ? account.balance : ModalToken(asset).balanceOf(account);
    }
}
