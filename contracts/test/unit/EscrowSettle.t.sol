// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IVerifier} from "../../src/interfaces/IVerifier.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {Outbox} from "../../src/libraries/Outbox.sol";
import {Checkpoint, LegRef, Multiproof, Settlement} from "../../src/libraries/Types.sol";
import {Validator} from "../helpers/Certify.sol";
import {EscrowBase} from "./EscrowBase.t.sol";

contract EscrowSettleTest is EscrowBase {
    using Addresses for address;

    bytes32 private constant DEAL = keccak256("deal");
    uint128 private constant TIP = 0.01 ether;

    function test_commitReleases() public {
        LegRef memory ref = legOf(address(0), AMOUNT, TIP);
        lockAlice(DEAL, ref);
        Settlement[] memory batch = batchOf(settlementOf(DEAL, true, ref));
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = certifyBatch(batch, COMMITS);
        vm.expectEmit(address(escrow));
        emit IEscrow.Settled(DEAL, keyOf(DEAL, ref), 0, true);
        vm.prank(settler);
        escrow.settle(c, certificate, batch, proof);
        assertState(DEAL, ref, IEscrow.LockState.Released);
        assertEq(bob.balance, AMOUNT - TIP);
        assertEq(settler.balance, TIP);
        assertEq(address(escrow).balance, 0);
    }

    function test_abortRefunds() public {
        LegRef memory ref = legOf(address(token), AMOUNT, TIP);
        uint256 before = token.balanceOf(alice);
        lockAlice(DEAL, ref);
        settleOne(DEAL, false, ref);
        assertState(DEAL, ref, IEscrow.LockState.Refunded);
        assertEq(token.balanceOf(alice), before - TIP);
        assertEq(token.balanceOf(settler), TIP);
    }

    function test_settlesManyLegsOfManyDealsWithTipsInTwoAssets() public {
        Settlement[] memory batch = new Settlement[](3);
        for (uint256 i; i < 3; ++i) {
            bytes32 dealId = keccak256(abi.encode("many", i));
            batch[i] = Settlement(dealId, true, new LegRef[](2));
            for (uint8 j; j < 2; ++j) {
                LegRef memory ref = legOf(j == 0 ? address(0) : address(token), AMOUNT, TIP);
                ref.index = j;
                lockAlice(dealId, ref);
                batch[i].legs[j] = ref;
            }
        }
        settleBatch(batch);
        assertEq(bob.balance, 3 * (AMOUNT - TIP));
        assertEq(token.balanceOf(bob), 3 * (AMOUNT - TIP));
        assertEq(settler.balance, 3 * TIP);
        assertEq(token.balanceOf(settler), 3 * TIP);
        assertEq(address(escrow).balance + token.balanceOf(address(escrow)), 0);
    }

    function test_oneDecisionOfALargerOutboxSettles() public {
        LegRef memory ref = nativeLeg();
        lockAlice(DEAL, ref);
        bytes32[] memory leaves = new bytes32[](7);
        for (uint256 i; i < 7; ++i) {
            leaves[i] = decisionLeafOf(i == 4 ? DEAL : keccak256(abi.encode(i)), true);
        }
        Checkpoint memory c = makeCheckpoint(HUB, COMMITS, EPOCH, validators, outboxRootOf(leaves));
        bytes memory certificate = certifyQuorum(validators, c);
        escrow.settle(c, certificate, batchOf(settlementOf(DEAL, true, ref)), singleProof(leaves, 4));
        assertState(DEAL, ref, IEscrow.LockState.Released);
    }

    function test_skipsLegsThatAreNotLocked() public {
        Settlement memory s = Settlement(DEAL, true, new LegRef[](3));
        for (uint8 i; i < 3; ++i) {
            s.legs[i] = nativeLeg();
            s.legs[i].index = i;
        }
        lockAlice(DEAL, s.legs[1]);
        settleBatch(batchOf(s));
        assertState(DEAL, s.legs[0], IEscrow.LockState.None);
        assertState(DEAL, s.legs[1], IEscrow.LockState.Released);
        assertEq(bob.balance, AMOUNT);
    }

    function test_aLegNamedTwiceIsPaidOnce() public {
        LegRef memory ref = nativeLeg();
        lockAlice(DEAL, ref);
        lockAlice(keccak256("of another"), ref);
        Settlement memory s = Settlement(DEAL, true, new LegRef[](2));
        (s.legs[0], s.legs[1]) = (ref, ref);
        settleBatch(batchOf(s));
        assertEq(bob.balance, AMOUNT);
        assertEq(address(escrow).balance, AMOUNT);
    }

    function test_aCertificateSettlesOnce() public {
        LegRef memory ref = nativeLeg();
        lockAlice(DEAL, ref);
        settleOne(DEAL, true, ref);
        expectNothingSettled(batchOf(settlementOf(DEAL, true, ref)), COMMITS);
        expectNothingSettled(batchOf(settlementOf(DEAL, false, ref)), GENERAL);
    }

    /// A changed leg has another key, under which nothing is locked: the hub's word cannot be bent towards others.
    function test_noFieldOfALegCanBeChanged() public {
        LegRef memory ref = legOf(address(0), AMOUNT, TIP);
        lockAlice(DEAL, ref);
        lockAlice(keccak256("of another"), ref);
        for (uint256 field; field < 11; ++field) {
            LegRef memory changed = changedLeg(field);
            expectNothingSettled(batchOf(settlementOf(DEAL, true, changed)), COMMITS);
        }
        assertState(DEAL, ref, IEscrow.LockState.Locked);
    }

    function test_refusesAnEmptyBatch() public {
        Settlement[] memory none = new Settlement[](0);
        Checkpoint memory c = makeCheckpoint(HUB, COMMITS, EPOCH, validators, keccak256("root"));
        bytes memory certificate = certifyQuorum(validators, c);
        vm.expectRevert(IEscrow.NothingSettled.selector);
        escrow.settle(c, certificate, none, Multiproof(1, new uint32[](0), new bytes32[](0)));
        expectNothingSettled(batchOf(Settlement(DEAL, true, new LegRef[](0))), COMMITS);
    }

    function test_refusesMixedDecisions() public {
        Settlement[] memory batch = new Settlement[](2);
        batch[0] = settlementOf(DEAL, true, nativeLeg());
        batch[1] = settlementOf(keccak256("other"), false, nativeLeg());
        settleReverts(batch, COMMITS, abi.encodeWithSelector(IEscrow.MixedDecisions.selector, batch[1].dealId));
    }

    function test_refusesADecisionInACheckpointOfTheOtherKind() public {
        Settlement[] memory batch = batchOf(settlementOf(DEAL, true, nativeLeg()));
        settleReverts(batch, GENERAL, abi.encodeWithSelector(IVerifier.WrongKind.selector, GENERAL, COMMITS));
        settleReverts(batch, ROTATION, abi.encodeWithSelector(IVerifier.WrongKind.selector, ROTATION, COMMITS));
        batch[0].commit = false;
        settleReverts(batch, COMMITS, abi.encodeWithSelector(IVerifier.WrongKind.selector, COMMITS, GENERAL));
    }

    function test_BnbTokenHub_refusesTheOtherBitUnderACertificate() public {
        LegRef memory ref = nativeLeg();
        lockAlice(DEAL, ref);
        bytes32[] memory leaves = oneLeaf(decisionLeafOf(DEAL, false));
        Checkpoint memory c = makeCheckpoint(HUB, COMMITS, EPOCH, validators, outboxRootOf(leaves));
        bytes memory certificate = certifyQuorum(validators, c);
        Multiproof memory proof = multiproofOfAll(leaves);
        bytes32 forged = outboxRootOf(oneLeaf(decisionLeafOf(DEAL, true)));
        vm.expectRevert(abi.encodeWithSelector(Outbox.RootMismatch.selector, forged, c.outboxRoot));
        escrow.settle(c, certificate, batchOf(settlementOf(DEAL, true, ref)), proof);
    }

    function test_Hyperbridge_refusesAnIndexBeyondTheLeaves() public {
        Settlement[] memory batch = batchOf(settlementOf(DEAL, true, nativeLeg()));
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = certifyBatch(batch, COMMITS);
        proof.indices[0] = 1;
        vm.expectRevert(abi.encodeWithSelector(Outbox.IndexOutOfRange.selector, 1, 1));
        escrow.settle(c, certificate, batch, proof);
    }

    function test_Ronin_refusesLessThanAQuorum() public {
        Settlement[] memory batch = batchOf(settlementOf(DEAL, true, nativeLeg()));
        (Checkpoint memory c,, Multiproof memory proof) = certifyBatch(batch, COMMITS);
        bytes memory two = certify(validators, c, 3);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 2, 4));
        escrow.settle(c, two, batch, proof);
    }

    function test_Wormhole_refusesAnotherSetsSignatures() public {
        Settlement[] memory batch = batchOf(settlementOf(DEAL, true, nativeLeg()));
        (Checkpoint memory c,, Multiproof memory proof) = certifyBatch(batch, COMMITS);
        Validator[] memory strangers = makeSet(666, 4);
        bytes memory forged = certify(strangers, c, ALL);
        vm.expectRevert();
        escrow.settle(c, forged, batch, proof);
    }

    function test_refusesMoreLegsThanItsBound() public {
        LegRef memory ref = nativeLeg();
        lockAlice(DEAL, ref);
        Settlement memory s = Settlement(DEAL, true, new LegRef[](257));
        for (uint256 i; i < 257; ++i) {
            s.legs[i] = ref;
        }
        settleReverts(batchOf(s), COMMITS, abi.encodeWithSelector(IEscrow.TooManyLegs.selector, 256));
        assembly ("memory-safe") {
            let legs := mload(add(s, 0x40))
            mstore(legs, 256)
        }
        settleBatch(batchOf(s));
        assertEq(bob.balance, AMOUNT);
    }

    // ---- helpers

    function changedLeg(uint256 field) private returns (LegRef memory ref) {
        ref = legOf(address(0), AMOUNT, TIP);
        if (field == 0) ref.index = 1;
        if (field == 1) ref.lockBy += 1;
        if (field == 2) ref.leg.chain = 56;
        if (field == 3) ref.leg.escrow = settler.toBytes32();
        if (field == 4) ref.leg.token = address(token).toBytes32();
        if (field == 5) ref.leg.amount *= 2;
        if (field == 6) ref.leg.depositor = settler.toBytes32();
        if (field == 7) ref.leg.onCommit = settler.toBytes32();
        if (field == 8) ref.leg.onAbort = settler.toBytes32();
        if (field == 9) ref.leg.tip += 1;
        if (field == 10) ref.leg.escapeWindow += 1;
    }

    function expectNothingSettled(Settlement[] memory batch, uint8 kind) private {
        settleReverts(batch, kind, abi.encodeWithSelector(IEscrow.NothingSettled.selector));
    }
}
