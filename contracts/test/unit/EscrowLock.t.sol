// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Escrow} from "../../src/escrow/Escrow.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IPayouts} from "../../src/interfaces/IPayouts.sol";
import {IVerifier} from "../../src/interfaces/IVerifier.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {LegRef} from "../../src/libraries/Types.sol";
import {Mode, ModalToken} from "../helpers/tokens/ModalToken.sol";
import {EscrowBase} from "./EscrowBase.t.sol";

contract EscrowLockTest is EscrowBase {
    using Addresses for address;

    bytes32 private constant DEAL = keccak256("deal");
    ModalToken private modal;

    function setUp() public override {
        super.setUp();
        modal = new ModalToken();
        modal.mint(alice, 1_000 ether);
        vm.prank(alice);
        modal.approve(address(escrow), type(uint256).max);
    }

    function test_locksNative() public {
        LegRef memory ref = nativeLeg();
        vm.expectEmit(address(escrow));
        emit IEscrow.Locked(DEAL, keyOf(DEAL, ref), ref.index);
        lockAlice(DEAL, ref);
        assertState(DEAL, ref, IEscrow.LockState.Locked);
        assertEq(address(escrow).balance, AMOUNT);
    }

    function test_locksToken() public {
        LegRef memory ref = tokenLeg();
        lockAlice(DEAL, ref);
        assertState(DEAL, ref, IEscrow.LockState.Locked);
        assertEq(token.balanceOf(address(escrow)), AMOUNT);
    }

    function test_compactLockIsTheSameLock() public {
        LegRef memory ref = legOf(address(token), AMOUNT, 5);
        ref.index = 7;
        vm.expectEmit(address(escrow));
        emit IEscrow.Locked(DEAL, keyOf(DEAL, ref), 7);
        lockCompactAs(alice, DEAL, ref);
        assertState(DEAL, ref, IEscrow.LockState.Locked);
        expectLockReverts(ref, abi.encodeWithSelector(IEscrow.AlreadyLocked.selector, keyOf(DEAL, ref)));
    }

    function test_acceptsTokensThatReturnNothing() public {
        modal.setMode(Mode.ReturnsNothing);
        lockAlice(DEAL, legOf(address(modal), AMOUNT, 0));
        assertEq(modal.balanceOf(address(escrow)), AMOUNT);
    }

    function test_oneDealMayLockSeveralIndices() public {
        LegRef memory ref = nativeLeg();
        lockAlice(DEAL, ref);
        ref.index = 1;
        lockAlice(DEAL, ref);
        assertEq(address(escrow).balance, 2 * AMOUNT);
    }

    function test_lockAtTheLastSecond() public {
        LegRef memory ref = nativeLeg();
        vm.warp(ref.lockBy);
        lockAlice(DEAL, ref);
    }

    // ---- refusals, the same for the full and the compact form

    function test_refusesAnotherChain() public {
        LegRef memory ref = nativeLeg();
        ref.leg.chain = 56;
        expectFullReverts(ref, abi.encodeWithSelector(IEscrow.WrongChain.selector, 56, uint64(block.chainid)));
    }

    function test_refusesAnotherEscrow() public {
        LegRef memory ref = nativeLeg();
        ref.leg.escrow = bob.toBytes32();
        expectFullReverts(ref, abi.encodeWithSelector(IEscrow.WrongEscrow.selector, bob.toBytes32()));
        ref.leg.escrow = address(escrow).toBytes32() | bytes32(uint256(1) << 200);
        expectFullReverts(ref, abi.encodeWithSelector(IEscrow.WrongEscrow.selector, ref.leg.escrow));
    }

    function test_refusesDirtyAddresses() public {
        bytes32 dirty = bob.toBytes32() | bytes32(uint256(1) << 160);
        bytes memory reason = abi.encodeWithSelector(IEscrow.InvalidAddress.selector, dirty);
        for (uint256 field; field < 4; ++field) {
            LegRef memory ref = nativeLeg();
            setParty(ref, field, dirty);
            expectFullReverts(ref, reason);
        }
    }

    function test_Nomad_refusesZeroAddresses() public {
        bytes memory reason = abi.encodeWithSelector(IEscrow.InvalidAddress.selector, bytes32(0));
        for (uint256 field = 1; field < 4; ++field) {
            LegRef memory ref = nativeLeg();
            setParty(ref, field, 0);
            if (field == 1) expectFullReverts(ref, reason);
            else expectLockReverts(ref, reason);
        }
    }

    function test_refusesTheEscrowAsPayee() public {
        bytes memory reason = abi.encodeWithSelector(IEscrow.InvalidAddress.selector, address(escrow).toBytes32());
        for (uint256 field = 2; field < 4; ++field) {
            LegRef memory ref = nativeLeg();
            setParty(ref, field, address(escrow).toBytes32());
            expectLockReverts(ref, reason);
        }
    }

    function test_refusesAnIndexBeyondTheLegs() public {
        LegRef memory ref = nativeLeg();
        ref.index = 8;
        expectLockReverts(ref, abi.encodeWithSelector(IEscrow.InvalidIndex.selector, 8));
    }

    function test_refusesNothingAndTipsThatTakeAll() public {
        LegRef memory ref = legOf(address(0), 0, 0);
        expectLockReverts(ref, abi.encodeWithSelector(IEscrow.InvalidAmount.selector, 0, 0));
        ref = legOf(address(0), AMOUNT, AMOUNT);
        expectLockReverts(ref, abi.encodeWithSelector(IEscrow.InvalidAmount.selector, AMOUNT, AMOUNT));
    }

    function test_refusesAPassedLockBy() public {
        LegRef memory ref = nativeLeg();
        vm.warp(ref.lockBy + 1);
        expectLockReverts(ref, abi.encodeWithSelector(IEscrow.LockPassed.selector, ref.lockBy, ref.lockBy + 1));
    }

    function test_refusesALockByBeyondTheHorizon() public {
        LegRef memory ref = nativeLeg();
        ref.lockBy = START + MAX_LOCK_HORIZON + 1;
        ref.leg.escapeAt = ref.lockBy + 1;
        bytes memory reason =
            abi.encodeWithSelector(IEscrow.LockHorizon.selector, ref.lockBy, uint256(START + MAX_LOCK_HORIZON));
        expectLockReverts(ref, reason);
    }

    function test_refusesAnEscapeBeforeTheDecision() public {
        LegRef memory ref = nativeLeg();
        ref.leg.escapeAt = ref.lockBy;
        expectEscapeRefused(ref);
    }

    function test_refusesAShortEscapeWindow() public {
        LegRef memory ref = nativeLeg();
        ref.leg.escapeWindow = MIN_ESCAPE_WINDOW - 1;
        expectEscapeRefused(ref);
    }

    function test_refusesTimesInMilliseconds() public {
        LegRef memory ref = nativeLeg();
        ref.leg.escapeAt *= 1_000;
        expectEscapeRefused(ref);
        ref = nativeLeg();
        ref.leg.escapeWindow = type(uint64).max;
        expectEscapeRefused(ref);
    }

    /// The leg of a deal that nobody registered must come back some day.
    function test_refusesEscapesThatAreTooFarAhead() public {
        LegRef memory ref = nativeLeg();
        ref.leg.escapeAt = ref.lockBy + 60 days + 1;
        expectEscapeRefused(ref);
        ref.leg.escapeAt = ref.lockBy + 60 days;
        ref.leg.escapeWindow = 60 days + 1;
        expectEscapeRefused(ref);
        ref.leg.escapeWindow = 60 days;
        lockCompactAs(alice, DEAL, ref);
        assertState(DEAL, ref, IEscrow.LockState.Locked);
    }

    function test_refusesACompactIndexOfManyBits() public {
        LegRef memory ref = nativeLeg();
        uint256 terms = termsOf(ref) | 1 << 200;
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidIndex.selector, 0));
        vm.prank(alice);
        escrow.lockCompact{value: AMOUNT}(DEAL, address(0), bob, alice, amountsOf(ref), terms);
    }

    function test_refusesAnotherCaller() public {
        LegRef memory ref = nativeLeg();
        vm.deal(bob, 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NotDepositor.selector, bob, alice));
        vm.prank(bob);
        escrow.lock{value: AMOUNT}(DEAL, ref);
    }

    function test_refusesASecondLock() public {
        LegRef memory ref = nativeLeg();
        lockAlice(DEAL, ref);
        expectLockReverts(ref, abi.encodeWithSelector(IEscrow.AlreadyLocked.selector, keyOf(DEAL, ref)));
    }

    function test_refusesWrongValue() public {
        LegRef memory ref = nativeLeg();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongValue.selector, AMOUNT - 1, AMOUNT));
        vm.prank(alice);
        escrow.lock{value: AMOUNT - 1}(DEAL, ref);
        ref = tokenLeg();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongValue.selector, 1, 0));
        vm.prank(alice);
        escrow.lock{value: 1}(DEAL, ref);
    }

    // ---- tokens

    function test_Qubit_refusesATokenWithoutCode() public {
        address codeless = makeAddr("codeless");
        expectLockReverts(
            legOf(codeless, AMOUNT, 0), abi.encodeWithSelector(IPayouts.TokenWithoutCode.selector, codeless)
        );
    }

    function test_Qubit_refusesATokenThatMovesNothing() public {
        modal.setMode(Mode.TrueWithoutMoving);
        expectModalReverts(abi.encodeWithSelector(IPayouts.TransferMismatch.selector, 0, AMOUNT));
    }

    function test_refusesAFeeOnTransfer() public {
        modal.setMode(Mode.FeeOnTransfer);
        expectModalReverts(abi.encodeWithSelector(IPayouts.TransferMismatch.selector, AMOUNT - AMOUNT / 100, AMOUNT));
    }

    function test_refusesTransfersThatDoNotSucceed() public {
        Mode[5] memory modes =
            [Mode.ReturnsFalse, Mode.FalseButMoves, Mode.ReturnsGarbage, Mode.Reverts, Mode.ReturnBomb];
        for (uint256 i; i < modes.length; ++i) {
            modal.setMode(modes[i]);
            expectModalReverts(abi.encodeWithSelector(IPayouts.TransferFailed.selector));
        }
    }

    function test_Messina_aTokenCannotReenter() public {
        LegRef memory ref = legOf(address(modal), AMOUNT, 0);
        lockAlice(keccak256("first"), ref);
        modal.setMode(Mode.Reenters);
        modal.setHook(address(escrow), abi.encodeCall(IEscrow.executeEscape, (keccak256("first"), ref)));
        lockAlice(keccak256("second"), ref);
        assertFalse(modal.hookSucceeded());
        assertEq(modal.hookError(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }

    // ---- pause and construction

    function test_pauseStopsOnlyNewLocks() public {
        LegRef memory ref = nativeLeg();
        lockAlice(DEAL, ref);
        vm.expectEmit(address(escrow));
        emit IEscrow.LocksPaused(true);
        vm.prank(guardian);
        escrow.setLocksPaused(true);

        LegRef memory second = nativeLeg();
        second.index = 1;
        expectLockReverts(second, abi.encodeWithSelector(IEscrow.LockingPaused.selector));
        vm.expectRevert(IEscrow.LockingPaused.selector);
        escrow.lockWithSignature(DEAL, tokenLeg(), START, "");
        settleOne(DEAL, true, ref);
        assertEq(bob.balance, AMOUNT);

        vm.prank(guardian);
        escrow.setLocksPaused(false);
        lockAlice(DEAL, second);
    }

    function test_CrossCurve_onlyTheGuardianPausesAndPassesItsRoleOn() public {
        bytes memory reason = abi.encodeWithSelector(IPayouts.Unauthorized.selector, bob);
        vm.startPrank(bob);
        vm.expectRevert(reason);
        escrow.setLocksPaused(true);
        vm.expectRevert(reason);
        escrow.setGuardian(bob);
        vm.expectRevert(reason);
        escrow.payToken(address(token), bob, 1);
        vm.stopPrank();

        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidAddress.selector, bytes32(0)));
        escrow.setGuardian(address(0));
        vm.expectEmit(address(escrow));
        emit IEscrow.GuardianSet(bob);
        escrow.setGuardian(bob);
        assertEq(escrow.guardian(), bob);
    }

    function test_refusesToBeBuiltForAnotherHub() public {
        vm.expectRevert(abi.encodeWithSelector(IVerifier.WrongHub.selector, bytes32("other")));
        new Escrow("other", verifier, guardian, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidEscape.selector, 0, 0));
        new Escrow(HUB, verifier, guardian, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.InvalidEscape.selector, 0, 60 days + 1));
        new Escrow(HUB, verifier, guardian, 60 days + 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.LockHorizon.selector, 0, 0));
        new Escrow(HUB, verifier, guardian, 1, 0);
    }

    function test_keyIsTheProtocols() public view {
        LegRef memory ref = legOf(address(token), AMOUNT, 3);
        assertEq(escrow.lockKey(DEAL, ref), keyOf(DEAL, ref));
    }

    // ---- helpers

    function setParty(LegRef memory ref, uint256 field, bytes32 value) private pure {
        if (field == 0) ref.leg.token = value;
        if (field == 1) ref.leg.depositor = value;
        if (field == 2) ref.leg.onCommit = value;
        if (field == 3) ref.leg.onAbort = value;
    }

    function expectFullReverts(LegRef memory ref, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(alice);
        escrow.lock{value: AMOUNT}(DEAL, ref);
    }

    function expectLockReverts(LegRef memory ref, bytes memory reason) private {
        uint256 value = ref.leg.token == 0 ? ref.leg.amount : 0;
        vm.expectRevert(reason);
        vm.prank(alice);
        escrow.lock{value: value}(DEAL, ref);
        (address asset, address onCommit, address onAbort) =
            (accountOf(ref.leg.token), accountOf(ref.leg.onCommit), accountOf(ref.leg.onAbort));
        vm.expectRevert(reason);
        vm.prank(alice);
        escrow.lockCompact{value: value}(DEAL, asset, onCommit, onAbort, amountsOf(ref), termsOf(ref));
    }

    function expectEscapeRefused(LegRef memory ref) private {
        expectLockReverts(
            ref, abi.encodeWithSelector(IEscrow.InvalidEscape.selector, ref.leg.escapeAt, ref.leg.escapeWindow)
        );
    }

    function expectModalReverts(bytes memory reason) private {
        expectLockReverts(legOf(address(modal), AMOUNT, 0), reason);
    }
}
