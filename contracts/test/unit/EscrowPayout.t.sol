// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IPayouts} from "../../src/interfaces/IPayouts.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {Checkpoint, LegRef, Multiproof, Settlement} from "../../src/libraries/Types.sol";
import {GasBurningPayee, PickyPayee, ReenteringPayee, ReturnBombPayee, WalletPayee} from "../helpers/Payees.sol";
import {HungryToken} from "../helpers/tokens/HungryToken.sol";
import {Mode, ModalToken} from "../helpers/tokens/ModalToken.sol";
import {EscrowBase} from "./EscrowBase.t.sol";

/// Recipients and tokens that misbehave at the worst moment. Each stands in a batch before an honest leg, which must be
/// paid whatever they do.
contract EscrowPayoutTest is EscrowBase {
    using Addresses for address;

    bytes32 private constant HOSTILE = keccak256("hostile deal");
    bytes32 private constant HONEST = keccak256("honest deal");
    ModalToken private modal;

    function setUp() public override {
        super.setUp();
        modal = new ModalToken();
        modal.mint(alice, 1_000 ether);
        vm.prank(alice);
        modal.approve(address(escrow), type(uint256).max);
    }

    // ---- native recipients

    function test_aRefusingRecipientGetsACredit() public {
        PickyPayee payee = new PickyPayee();
        settleBesideHonest(nativeTo(address(payee)));
        assertCredit(address(payee), address(0), AMOUNT);

        vm.expectRevert(IPayouts.TransferFailed.selector);
        escrow.withdrawCredit(address(0), address(payee));
        assertCredit(address(payee), address(0), AMOUNT);
        payee.setOpen(true);
        vm.expectEmit(address(escrow));
        emit IPayouts.CreditWithdrawn(address(payee), address(0), AMOUNT);
        vm.prank(settler);
        escrow.withdrawCredit(address(0), address(payee));
        assertEq(address(payee).balance, AMOUNT);
        vm.expectRevert(abi.encodeWithSelector(IPayouts.NoCredit.selector, address(payee), address(0)));
        escrow.withdrawCredit(address(0), address(payee));
    }

    function test_aCreditIsAnnounced() public {
        PickyPayee payee = new PickyPayee();
        LegRef memory ref = nativeTo(address(payee));
        lockAlice(HOSTILE, ref);
        Settlement[] memory batch = batchOf(settlementOf(HOSTILE, true, ref));
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = certifyBatch(batch, COMMITS);
        vm.expectEmit(address(escrow));
        emit IPayouts.Credited(address(payee), address(0), AMOUNT);
        escrow.settle(c, certificate, batch, proof);
    }

    function test_aGasBurningRecipientCostsItsCapAndNoMore() public {
        GasBurningPayee payee = new GasBurningPayee();
        uint256 gasBefore = gasleft();
        settleBesideHonest(nativeTo(address(payee)));
        assertLt(gasBefore - gasleft(), 2_000_000);
        assertCredit(address(payee), address(0), AMOUNT);
    }

    function test_aReturnBombIsNotCopied() public {
        settleBesideHonest(nativeTo(address(new ReturnBombPayee())));
    }

    function test_aWalletBehindAProxyIsPaidAtOnce() public {
        WalletPayee wallet = new WalletPayee();
        settleBesideHonest(nativeTo(address(wallet)));
        assertEq(address(wallet).balance, AMOUNT);
    }

    /// It needs more gas than a payout has, so it is credited first and calls back when it withdraws with all gas.
    function test_Messina_aRecipientCannotReenter() public {
        ReenteringPayee payee = new ReenteringPayee();
        lockAlice(keccak256("bait"), nativeTo(address(payee)));
        payee.set(address(escrow), abi.encodeCall(IPayouts.withdrawCredit, (address(0), address(payee))));
        settleBesideHonest(nativeTo(address(payee)));
        assertCredit(address(payee), address(0), AMOUNT);
        escrow.withdrawCredit(address(0), address(payee));
        assertTrue(payee.called());
        assertFalse(payee.succeeded());
        assertEq(payee.error(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        assertEq(address(payee).balance, AMOUNT);
    }

    function test_creditsAddUp() public {
        PickyPayee payee = new PickyPayee();
        LegRef memory ref = nativeTo(address(payee));
        lockAlice(keccak256("one"), ref);
        lockAlice(keccak256("two"), ref);
        settleOne(keccak256("one"), true, ref);
        settleOne(keccak256("two"), true, ref);
        assertCredit(address(payee), address(0), 2 * AMOUNT);
    }

    function test_anEscapeThatCannotBePaidIsCredited() public {
        PickyPayee payee = new PickyPayee();
        LegRef memory ref = nativeLeg();
        ref.leg.onAbort = address(payee).toBytes32();
        lockAlice(HOSTILE, ref);
        vm.warp(ref.leg.escapeAt);
        escrow.requestEscape(HOSTILE, ref);
        vm.warp(ref.leg.escapeAt + ref.leg.escapeWindow);
        escrow.executeEscape(HOSTILE, ref);
        assertState(HOSTILE, ref, IEscrow.LockState.Escaped);
        assertCredit(address(payee), address(0), AMOUNT);
    }

    function test_aSettlerThatRefusesItsTipGetsACredit() public {
        LegRef memory ref = legOf(address(0), AMOUNT, 0.1 ether);
        lockAlice(HOSTILE, ref);
        settler = address(new PickyPayee());
        settleOne(HOSTILE, true, ref);
        assertEq(bob.balance, 0.9 ether);
        assertCredit(settler, address(0), 0.1 ether);
    }

    // ---- tokens

    function test_tokensThatReturnNothingArePaid() public {
        settleModal(Mode.ReturnsNothing);
        assertEq(modal.balanceOf(bob), AMOUNT);
    }

    function test_tokensThatDoNotPayBecomeCredits() public {
        Mode[9] memory modes = [
            Mode.ReturnsFalse,
            Mode.FalseButMoves,
            Mode.TrueWithoutMoving,
            Mode.ReturnsGarbage,
            Mode.Reverts,
            Mode.FeeOnSender,
            Mode.ReturnBomb,
            Mode.BurnsGas,
            Mode.FeeOnTransfer
        ];
        for (uint256 i; i < modes.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            settleModal(modes[i]);
            // A fee taken from the recipient leaves the escrow exactly the amount lighter: that is a payment.
            if (modes[i] == Mode.FeeOnTransfer) {
                assertEq(modal.balanceOf(bob), AMOUNT - AMOUNT / 100);
            } else {
                assertCredit(bob, address(modal), AMOUNT);
                assertEq(modal.balanceOf(address(escrow)), AMOUNT, "credited tokens stay here");
                assertEq(modal.balanceOf(bob), 0);
                modal.setMode(Mode.Plain);
                escrow.withdrawCredit(address(modal), bob);
                assertEq(modal.balanceOf(bob), AMOUNT);
            }
            vm.revertToState(snapshot);
        }
    }

    function test_aCreditInATokenThatStillFailsIsKept() public {
        settleModal(Mode.Reverts);
        vm.expectRevert(IPayouts.TransferFailed.selector);
        escrow.withdrawCredit(address(modal), bob);
        modal.setMode(Mode.TrueWithoutMoving);
        vm.expectRevert(abi.encodeWithSelector(IPayouts.TransferMismatch.selector, 0, AMOUNT));
        escrow.withdrawCredit(address(modal), bob);
        assertCredit(bob, address(modal), AMOUNT);
    }

    function test_aBlacklistedRecipientBlocksNobody() public {
        LegRef memory ref = legOf(address(modal), AMOUNT, 0);
        lockAlice(HOSTILE, ref);
        modal.setBlacklisted(bob, true);
        settleLockedBesideHonest(ref);
        assertCredit(bob, address(modal), AMOUNT);
        modal.setBlacklisted(bob, false);
        escrow.withdrawCredit(address(modal), bob);
        assertEq(modal.balanceOf(bob), AMOUNT);
    }

    function test_aTokenThatRebasedAwayBecomesACredit() public {
        LegRef memory ref = legOf(address(modal), AMOUNT, 0);
        lockAlice(HOSTILE, ref);
        modal.rebase(address(escrow), AMOUNT - 1);
        settleLockedBesideHonest(ref);
        assertCredit(bob, address(modal), AMOUNT);
    }

    function test_aTokenThatLostItsCodeBecomesACredit() public {
        LegRef memory ref = legOf(address(modal), AMOUNT, 0);
        lockAlice(HOSTILE, ref);
        vm.etch(address(modal), "");
        settleLockedBesideHonest(ref);
        assertCredit(bob, address(modal), AMOUNT);
    }

    function test_Messina_aTokenCannotReenterASettlement() public {
        LegRef memory ref = legOf(address(modal), AMOUNT, 0);
        lockAlice(HOSTILE, ref);
        lockAlice(keccak256("bait"), ref);
        modal.setMode(Mode.Reenters);
        Settlement[] memory bait = batchOf(settlementOf(keccak256("bait"), true, ref));
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = certifyBatch(bait, COMMITS);
        modal.setHook(address(escrow), abi.encodeCall(IEscrow.settle, (c, certificate, bait, proof)));
        settleLockedBesideHonest(ref);
        assertFalse(modal.hookSucceeded());
        assertState(keccak256("bait"), ref, IEscrow.LockState.Locked);
        assertEq(modal.balanceOf(bob), AMOUNT);
        assertEq(modal.balanceOf(address(escrow)), AMOUNT);
    }

    /// The recipient may not call the payout function either, although the escrow calls it itself.
    function test_Poly_aTokenHookCannotCallTheEscrowsOwnPayout() public {
        LegRef memory ref = legOf(address(modal), AMOUNT, 0);
        lockAlice(HOSTILE, ref);
        lockAlice(keccak256("bait"), ref);
        modal.setMode(Mode.Reenters);
        modal.setHook(address(escrow), abi.encodeCall(escrow.payToken, (address(modal), settler, AMOUNT)));
        settleLockedBesideHonest(ref);
        assertFalse(modal.hookSucceeded());
        assertEq(modal.hookError(), IPayouts.Unauthorized.selector);
    }

    // ---- gas

    /// Whatever gas a settler gives: either the recipient is paid, or nothing happens at all. The first leg leaves a credit
    /// behind, which makes a second one so cheap that the 64th part kept back from a starved payout would pay for it.
    function test_aSettlerCannotStarveAPayout() public {
        HungryToken hungry = new HungryToken();
        hungry.mint(alice, 2 * AMOUNT);
        vm.prank(alice);
        hungry.approve(address(escrow), type(uint256).max);
        Settlement memory s = Settlement(HOSTILE, true, new LegRef[](2));
        (s.legs[0], s.legs[1]) = (legOf(address(hungry), 1, 0), legOf(address(hungry), AMOUNT, 0));
        lockAlice(HOSTILE, s.legs[0]);
        lockAlice(HOSTILE, s.legs[1]);
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = certifyBatch(batchOf(s), COMMITS);
        bytes memory call = abi.encodeCall(IEscrow.settle, (c, certificate, batchOf(s), proof));

        uint256 settlements;
        for (uint256 gasGiven = 200_000; gasGiven < 600_000; gasGiven += 997) {
            uint256 snapshot = vm.snapshotState();
            (bool success,) = address(escrow).call{gas: gasGiven}(call);
            if (success) {
                ++settlements;
                assertEq(hungry.balanceOf(bob), AMOUNT, "starved into a credit");
            }
            vm.revertToState(snapshot);
        }
        assertGt(settlements, 0);
    }

    function test_saysHowMuchGasAPayoutNeeds() public {
        LegRef memory ref = tokenLeg();
        lockAlice(HOSTILE, ref);
        Settlement[] memory batch = batchOf(settlementOf(HOSTILE, true, ref));
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = certifyBatch(batch, COMMITS);
        bytes memory call = abi.encodeCall(IEscrow.settle, (c, certificate, batch, proof));
        (bool success, bytes memory reason) = address(escrow).call{gas: 150_000}(call);
        assertFalse(success);
        assertEq(bytes4(reason), IPayouts.InsufficientGas.selector);
    }

    // ---- helpers

    function nativeTo(address payee) private view returns (LegRef memory ref) {
        ref = nativeLeg();
        ref.leg.onCommit = payee.toBytes32();
    }

    function settleModal(Mode mode) private {
        LegRef memory ref = legOf(address(modal), AMOUNT, 0);
        lockAlice(HOSTILE, ref);
        modal.setMode(mode);
        settleLockedBesideHonest(ref);
    }

    function settleBesideHonest(LegRef memory hostile) private {
        lockAlice(HOSTILE, hostile);
        settleLockedBesideHonest(hostile);
    }

    function settleLockedBesideHonest(LegRef memory hostile) private {
        LegRef memory honest = tokenLeg();
        uint256 before = token.balanceOf(bob);
        lockAlice(HONEST, honest);
        Settlement[] memory batch = new Settlement[](2);
        batch[0] = settlementOf(HOSTILE, true, hostile);
        batch[1] = settlementOf(HONEST, true, honest);
        settleBatch(batch);
        assertState(HOSTILE, hostile, IEscrow.LockState.Released);
        assertEq(token.balanceOf(bob), before + AMOUNT, "honest leg");
    }

    function assertCredit(address account, address asset, uint256 amount) private view {
        assertEq(escrow.credits(account, asset), amount, "credit");
    }
}
