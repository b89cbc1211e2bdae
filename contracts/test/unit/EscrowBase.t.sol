// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Escrow} from "../../src/escrow/Escrow.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {Checkpoint, Leg, LegRef, Multiproof, Settlement} from "../../src/libraries/Types.sol";
import {EcdsaVerifier} from "../../src/verifier/EcdsaVerifier.sol";
import {Certify, Validator} from "../helpers/Certify.sol";
import {PlainToken} from "../helpers/tokens/PlainToken.sol";

/// An escrow with the real verifier, a hub of four validators, and the actors that the tests name.
abstract contract EscrowBase is Certify {
    using Addresses for address;

    bytes32 internal constant HUB = keccak256("hub");
    uint64 internal constant EPOCH = 1;
    uint64 internal constant GRACE = 30 days;
    uint64 internal constant MIN_ESCAPE_WINDOW = 1 days;
    uint64 internal constant MAX_LOCK_HORIZON = 7 days;
    uint64 internal constant START = 1_750_000_000;
    uint128 internal constant AMOUNT = 1 ether;

    Validator[] internal validators;
    EcdsaVerifier internal verifier;
    Escrow internal escrow;
    PlainToken internal token;

    address internal guardian = makeAddr("guardian");
    address internal settler = makeAddr("settler");
    address internal alice;
    uint256 internal aliceKey;
    address internal bob = makeAddr("bob");

    function setUp() public virtual {
        vm.warp(START);
        (alice, aliceKey) = makeAddrAndKey("alice");
        Validator[] memory set = makeSet(1, 4);
        for (uint256 i; i < set.length; ++i) {
            validators.push(set[i]);
        }
        verifier = new EcdsaVerifier(HUB, makeAddr("recovery"), EPOCH, hashSet(set), START + 365 days, GRACE, 4);
        escrow = new Escrow(HUB, verifier, guardian, MIN_ESCAPE_WINDOW, MAX_LOCK_HORIZON);
        token = new PlainToken("Plain", 18);
        vm.deal(alice, 1_000 ether);
        token.mint(alice, 1_000 ether);
        vm.prank(alice);
        token.approve(address(escrow), type(uint256).max);
    }

    // ---- legs

    /// Alice's leg: bob gets it on commit, alice on abort.
    function legOf(address token_, uint128 amount, uint128 tip) internal view returns (LegRef memory ref) {
        ref.index = 0;
        ref.lockBy = START + 1 hours;
        ref.leg = Leg({
            chain: uint64(block.chainid),
            escrow: address(escrow).toBytes32(),
            token: token_.toBytes32(),
            amount: amount,
            depositor: alice.toBytes32(),
            onCommit: bob.toBytes32(),
            onAbort: alice.toBytes32(),
            escapeAt: START + 2 days,
            escapeWindow: MIN_ESCAPE_WINDOW,
            tip: tip
        });
    }

    function nativeLeg() internal view returns (LegRef memory) {
        return legOf(address(0), AMOUNT, 0);
    }

    function tokenLeg() internal view returns (LegRef memory) {
        return legOf(address(token), AMOUNT, 0);
    }

    function keyOf(bytes32 dealId, LegRef memory ref) internal pure returns (bytes32) {
        return lockKeyOf(dealId, ref.index, legHashOf(ref.leg, ref.lockBy));
    }

    function lockAs(address depositor, bytes32 dealId, LegRef memory ref) internal {
        uint256 value = ref.leg.token == 0 ? ref.leg.amount : 0;
        vm.prank(depositor);
        escrow.lock{value: value}(dealId, ref);
    }

    function lockCompactAs(address depositor, bytes32 dealId, LegRef memory ref) internal {
        Leg memory leg = ref.leg;
        uint256 value = leg.token == 0 ? leg.amount : 0;
        vm.prank(depositor);
        escrow.lockCompact{value: value}(
            dealId, accountOf(leg.token), accountOf(leg.onCommit), accountOf(leg.onAbort), amountsOf(ref), termsOf(ref)
        );
    }

    function amountsOf(LegRef memory ref) internal pure returns (uint256) {
        return uint256(ref.leg.amount) << 128 | ref.leg.tip;
    }

    function termsOf(LegRef memory ref) internal pure returns (uint256) {
        uint256 escape = uint256(ref.leg.escapeAt) << 64 | ref.leg.escapeWindow;
        return uint256(ref.index) << 192 | uint256(ref.lockBy) << 128 | escape;
    }

    function accountOf(bytes32 word) internal pure returns (address) {
        return address(uint160(uint256(word)));
    }

    function lockAlice(bytes32 dealId, LegRef memory ref) internal {
        lockAs(alice, dealId, ref);
    }

    function stateOf(bytes32 dealId, LegRef memory ref) internal view returns (IEscrow.LockState state) {
        (state,) = escrow.locks(keyOf(dealId, ref));
    }

    function assertState(bytes32 dealId, LegRef memory ref, IEscrow.LockState expected) internal view {
        assertEq(uint8(stateOf(dealId, ref)), uint8(expected), "lock state");
    }

    // ---- decisions

    function settlementOf(bytes32 dealId, bool commit, LegRef memory ref) internal pure returns (Settlement memory s) {
        s.dealId = dealId;
        s.commit = commit;
        s.legs = new LegRef[](1);
        s.legs[0] = ref;
    }

    function batchOf(Settlement memory s) internal pure returns (Settlement[] memory batch) {
        batch = new Settlement[](1);
        batch[0] = s;
    }

    function leavesOf(Settlement[] memory batch) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](batch.length);
        for (uint256 i; i < batch.length; ++i) {
            leaves[i] = decisionLeafOf(batch[i].dealId, batch[i].commit);
        }
    }

    /// A checkpoint of just these decisions with a quorum's certificate.
    function certifyBatch(Settlement[] memory batch, uint8 kind)
        internal
        view
        returns (Checkpoint memory checkpoint, bytes memory certificate, Multiproof memory proof)
    {
        bytes32[] memory leaves = leavesOf(batch);
        checkpoint = makeCheckpoint(HUB, kind, EPOCH, validators, outboxRootOf(leaves));
        certificate = certifyQuorum(validators, checkpoint);
        proof = multiproofOfAll(leaves);
    }

    function settleBatch(Settlement[] memory batch) internal {
        uint8 kind = batch[0].commit ? COMMITS : GENERAL;
        (Checkpoint memory checkpoint, bytes memory certificate, Multiproof memory proof) = certifyBatch(batch, kind);
        vm.prank(settler);
        escrow.settle(checkpoint, certificate, batch, proof);
    }

    function settleOne(bytes32 dealId, bool commit, LegRef memory ref) internal {
        settleBatch(batchOf(settlementOf(dealId, commit, ref)));
    }

    /// Prepares everything first, so that `vm.expectRevert` sees the settlement and no helper call.
    function settleReverts(Settlement[] memory batch, uint8 kind, bytes memory reason) internal {
        (Checkpoint memory checkpoint, bytes memory certificate, Multiproof memory proof) = certifyBatch(batch, kind);
        vm.expectRevert(reason);
        vm.prank(settler);
        escrow.settle(checkpoint, certificate, batch, proof);
    }
}
