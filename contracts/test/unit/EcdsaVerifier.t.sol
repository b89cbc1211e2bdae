// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier} from "../../src/interfaces/IVerifier.sol";
import {Outbox} from "../../src/libraries/Outbox.sol";
import {Checkpoint} from "../../src/libraries/Types.sol";
import {EcdsaVerifier} from "../../src/verifier/EcdsaVerifier.sol";
import {Certify, Validator} from "../helpers/Certify.sol";

contract EcdsaVerifierTest is Certify {
    bytes32 internal constant HUB = keccak256("hub");
    bytes32 internal constant ROOT = keccak256("root");
    uint64 internal constant EPOCH = 7;
    uint64 internal constant NOW = 1_800_000_000;
    uint64 internal constant EXPIRES_AT = NOW + 90 days;
    uint64 internal constant GRACE = 10 days;
    uint16 internal constant MIN_VALIDATORS = 4;
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    address internal timelock = makeAddr("timelock");
    EcdsaVerifier internal verifier;
    Validator[] internal set;

    function setUp() public {
        vm.warp(NOW);
        _store(makeSet(1, 4));
        verifier = new EcdsaVerifier(HUB, timelock, EPOCH, hashSet(set), EXPIRES_AT, GRACE, MIN_VALIDATORS);
    }

    // ---- deployment

    function test_Constructor() public {
        assertEq(verifier.hubId(), HUB);
        assertEq(verifier.recoveryOwner(), timelock);
        assertEq(verifier.grace(), GRACE);
        assertEq(verifier.minValidators(), MIN_VALIDATORS);
        assertEq(verifier.currentEpoch(), EPOCH);
        (bytes32 hash, uint64 retiredAt, uint64 expiresAt) = verifier.epochs(EPOCH);
        assertEq(hash, hashSet(set));
        assertEq(retiredAt, 0);
        assertEq(expiresAt, EXPIRES_AT);
        vm.expectEmit();
        emit IVerifier.Rotated(EPOCH, hashSet(set), EXPIRES_AT);
        new EcdsaVerifier(HUB, timelock, EPOCH, hashSet(set), EXPIRES_AT, GRACE, MIN_VALIDATORS);
    }

    function test_Constructor_RefusesZeros() public {
        bytes32 hash = hashSet(set);
        vm.expectRevert(abi.encodeWithSelector(EcdsaVerifier.ZeroArgument.selector, 0));
        new EcdsaVerifier(0, timelock, EPOCH, hash, EXPIRES_AT, GRACE, MIN_VALIDATORS);
        vm.expectRevert(abi.encodeWithSelector(EcdsaVerifier.ZeroArgument.selector, 1));
        new EcdsaVerifier(HUB, address(0), EPOCH, hash, EXPIRES_AT, GRACE, MIN_VALIDATORS);
        vm.expectRevert(abi.encodeWithSelector(EcdsaVerifier.ZeroArgument.selector, 2));
        new EcdsaVerifier(HUB, timelock, 0, hash, EXPIRES_AT, GRACE, MIN_VALIDATORS);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.WrongValidatorSet.selector, 0, 0));
        new EcdsaVerifier(HUB, timelock, EPOCH, 0, EXPIRES_AT, GRACE, MIN_VALIDATORS);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.InvalidExpiry.selector, 0));
        new EcdsaVerifier(HUB, timelock, EPOCH, hash, 0, GRACE, MIN_VALIDATORS);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.InvalidExpiry.selector, NOW));
        new EcdsaVerifier(HUB, timelock, EPOCH, hash, NOW, GRACE, MIN_VALIDATORS);
        vm.expectRevert(abi.encodeWithSelector(EcdsaVerifier.ZeroArgument.selector, 5));
        new EcdsaVerifier(HUB, timelock, EPOCH, hash, EXPIRES_AT, 0, MIN_VALIDATORS);
        vm.expectRevert(abi.encodeWithSelector(EcdsaVerifier.ZeroArgument.selector, 6));
        new EcdsaVerifier(HUB, timelock, EPOCH, hash, EXPIRES_AT, GRACE, 0);
    }

    // ---- checkpoints

    function test_QuorumIsAccepted() public view {
        for (uint256 signers = 7; signers < 16; ++signers) {
            Checkpoint memory c = _checkpoint(GENERAL);
            if (signers == 7 || signers == 11 || signers >= 13) verifier.verify(c, certify(set, c, signers), GENERAL);
        }
        Checkpoint memory r = _checkpoint(ROTATION);
        verifier.verify(r, certify(set, r, 7), ROTATION);
        Checkpoint memory d = _checkpoint(COMMITS);
        verifier.verifyDecision(d, certify(set, d, 7), COMMITS);
        Checkpoint memory a = _checkpoint(GENERAL);
        verifier.verifyDecision(a, certify(set, a, 7), GENERAL);
    }

    function test_Nomad_ZeroRootRefused() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        c.outboxRoot = 0;
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.ZeroRoot.selector));
    }

    function test_Nomad_ZeroHubEpochAndSetRefused() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        c.hubId = 0;
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.WrongHub.selector, 0));
        c = _checkpoint(GENERAL);
        c.epoch = 0;
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.UnknownEpoch.selector, 0));
        // An epoch that was never stored has the zero set; a checkpoint that names it must not match.
        c.epoch = 99;
        c.valsetHash = 0;
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.UnknownEpoch.selector, 99));
        c = _checkpoint(GENERAL);
        c.valsetHash = 0;
        bytes memory reason = abi.encodeWithSelector(IVerifier.WrongValidatorSet.selector, 0, hashSet(set));
        _refused(c, certify(set, c, ALL), reason);
    }

    /// A new epoch changes no rule, whichever way it came.
    function test_Nomad_ZerosStayRefusedAfterRotationAndRecovery() public {
        _rotate(EPOCH + 1, hashSet(set), EXPIRES_AT);
        _zerosRefused(EPOCH + 1);
        vm.warp(EXPIRES_AT + 1);
        vm.prank(timelock);
        verifier.recover(EPOCH + 2, hashSet(set), EXPIRES_AT + 90 days);
        _zerosRefused(EPOCH + 2);
    }

    function test_OtherHubRefused() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        c.hubId = keccak256("another hub");
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.WrongHub.selector, c.hubId));
    }

    function test_KindsAreKeptApart() public {
        for (uint8 given; given < 4; ++given) {
            Checkpoint memory c = _checkpoint(given);
            bytes memory certificate = certify(set, c, ALL);
            for (uint8 asked; asked < 4; ++asked) {
                bool general = given == asked && (asked == GENERAL || asked == ROTATION);
                if (!general) vm.expectPartialRevert(IVerifier.WrongKind.selector);
                verifier.verify(c, certificate, asked);
                bool decision = given == asked && (asked == GENERAL || asked == COMMITS);
                if (!decision) vm.expectPartialRevert(IVerifier.WrongKind.selector);
                verifier.verifyDecision(c, certificate, asked);
            }
        }
    }

    function test_EveryFieldIsSigned() public {
        for (uint256 i; i < 3; ++i) {
            Checkpoint memory c = _checkpoint(GENERAL);
            bytes memory certificate = certify(set, c, ALL);
            if (i == 0) c.height += 1;
            if (i == 1) c.time += 1;
            if (i == 2) c.stateRoot = keccak256("other");
            _refused(c, certificate, abi.encodeWithSelector(IVerifier.InvalidSignature.selector, 0));
        }
    }

    // ---- certificates

    function test_Ronin_TwoOfFourIsNoQuorum() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        _refused(c, certify(set, c, 3), abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 2, 4));
        _refused(c, certify(set, c, 0), abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 0, 4));
    }

    /// Exactly two thirds are too few, and the largest weights do not wrap.
    function test_QuorumIsStrictAndDoesNotWrap() public {
        Validator[] memory three = makeSet(2, 3);
        for (uint256 i; i < 3; ++i) {
            three[i].weight = type(uint64).max;
        }
        uint256 w = type(uint64).max;
        _use(three);
        Checkpoint memory c = _checkpoint(GENERAL);
        _refused(c, certify(set, c, 3), abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 2 * w, 3 * w));
        verifier.verify(c, certify(set, c, 7), GENERAL);
    }

    function test_WeightCountsNotHeads() public {
        Validator[] memory four = makeSet(3, 4);
        four[2].weight = 100;
        _use(four);
        Checkpoint memory c = _checkpoint(GENERAL);
        verifier.verify(c, certify(set, c, 4), GENERAL);
        _refused(c, certify(set, c, 11), abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 3, 103));
    }

    function test_BscPrecompile_DuplicateSigner() public {
        Validator[] memory twice = new Validator[](4);
        (twice[0], twice[1], twice[2], twice[3]) = (set[0], set[0], set[0], set[1]);
        _use(twice);
        Checkpoint memory c = _checkpoint(GENERAL);
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.InvalidValidatorSet.selector, 1));
    }

    function test_UnsortedSet() public {
        Validator[] memory unsorted = makeSet(1, 4);
        (unsorted[1], unsorted[2]) = (unsorted[2], unsorted[1]);
        _use(unsorted);
        Checkpoint memory c = _checkpoint(GENERAL);
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.InvalidValidatorSet.selector, 2));
    }

    /// Ronin 2024: a weight left at its default.
    function test_Ronin_ZeroWeight() public {
        Validator[] memory four = makeSet(1, 4);
        four[3].weight = 0;
        _use(four);
        Checkpoint memory c = _checkpoint(GENERAL);
        _refused(c, certify(set, c, 7), abi.encodeWithSelector(IVerifier.InvalidValidatorSet.selector, 3));
    }

    /// `ecrecover` answers zero for rubbish; a zero address in the set would make rubbish a signature.
    function test_ZeroAddressInSet() public {
        Validator[] memory four = makeSet(1, 4);
        four[0].account = address(0);
        _use(four);
        Checkpoint memory c = _checkpoint(GENERAL);
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.InvalidValidatorSet.selector, 0));
    }

    function test_EmptySet() public {
        _use(new Validator[](0));
        Checkpoint memory c = _checkpoint(GENERAL);
        _refused(c, hex"010000", abi.encodeWithSelector(IVerifier.InvalidValidatorSet.selector, 0));
    }

    function test_KelpDao_OneOfOneIsAQuorumOnlyOfItsOwnSet() public {
        Validator[] memory alone = new Validator[](1);
        alone[0] = set[0];
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes memory reason = abi.encodeWithSelector(IVerifier.WrongValidatorSet.selector, hashSet(alone), hashSet(set));
        _refused(c, certify(alone, c, 1), reason);
        c.valsetHash = hashSet(alone);
        _refused(c, certify(alone, c, 1), reason);
    }

    /// One key more or less decides what such a set says, although its hash is the one that was deployed.
    function test_KelpDao_ASetBelowTheLeastSizeCertifiesNothing() public {
        for (uint256 size = 1; size < 5; ++size) {
            _store(makeSet(1, size));
            verifier = new EcdsaVerifier(HUB, timelock, EPOCH, hashSet(set), EXPIRES_AT, GRACE, MIN_VALIDATORS);
            Checkpoint memory c = _checkpoint(GENERAL);
            bytes memory certificate = certify(set, c, ALL);
            if (size < MIN_VALIDATORS) {
                vm.expectRevert(abi.encodeWithSelector(IVerifier.TooFewValidators.selector, size, MIN_VALIDATORS));
            }
            verifier.verify(c, certificate, GENERAL);
            Checkpoint memory d = _checkpoint(COMMITS);
            certificate = certify(set, d, ALL);
            if (size < MIN_VALIDATORS) {
                vm.expectRevert(abi.encodeWithSelector(IVerifier.TooFewValidators.selector, size, MIN_VALIDATORS));
            }
            verifier.verifyDecision(d, certificate, COMMITS);
        }
    }

    /// Sets come as hashes. One that is too small gets its turn, and has no say in it.
    function test_KelpDao_ASmallSetHasNoSayAfterARotationOrRecovery() public {
        Validator[] memory alone = makeSet(9, 1);
        _rotate(EPOCH + 1, hashSet(alone), EXPIRES_AT);
        Checkpoint memory c = makeCheckpoint(HUB, GENERAL, EPOCH + 1, alone, ROOT);
        bytes memory certificate = certify(alone, c, 1);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.TooFewValidators.selector, 1, MIN_VALIDATORS));
        verifier.verify(c, certificate, GENERAL);
        vm.warp(EXPIRES_AT + 1);
        vm.prank(timelock);
        verifier.recover(EPOCH + 2, hashSet(alone), EXPIRES_AT + 1 days);
        c = makeCheckpoint(HUB, GENERAL, EPOCH + 2, alone, ROOT);
        certificate = certify(alone, c, 1);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.TooFewValidators.selector, 1, MIN_VALIDATORS));
        verifier.verify(c, certificate, GENERAL);
    }

    function test_WrongScheme() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes memory certificate = certify(set, c, ALL);
        certificate[0] = 0x02;
        _refused(c, certificate, abi.encodeWithSelector(IVerifier.WrongScheme.selector, 2));
        certificate[0] = 0x00;
        _refused(c, certificate, abi.encodeWithSelector(IVerifier.WrongScheme.selector, 0));
    }

    function test_HighS() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(set[1].key, digestOf(c));
        bytes memory high = abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        bytes memory certificate = _assemble(0x07, sign(set[0].key, digestOf(c)), high, sign(set[2].key, digestOf(c)));
        _refused(c, certificate, abi.encodeWithSelector(IVerifier.InvalidSignature.selector, 1));
    }

    function test_OnlyTwoValuesOfV() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes memory certificate = certify(set, c, 7);
        for (uint256 v; v < 256; ++v) {
            certificate[certificate.length - 1] = bytes1(uint8(v));
            if (v == 27 || v == 28) continue;
            _refused(c, certificate, abi.encodeWithSelector(IVerifier.InvalidSignature.selector, 2));
        }
    }

    function test_SignatureThatRecoversToNobody() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes memory zero = abi.encodePacked(bytes32(0), bytes32(0), uint8(27));
        bytes memory certificate = _assemble(0x07, zero, sign(set[1].key, digestOf(c)), sign(set[2].key, digestOf(c)));
        _refused(c, certificate, abi.encodeWithSelector(IVerifier.InvalidSignature.selector, 0));
    }

    /// A fourth, worthless signature behind a full quorum is not passed over.
    function test_MalformedBehindTheQuorum() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes memory three =
            bytes.concat(sign(set[0].key, digestOf(c)), sign(set[1].key, digestOf(c)), sign(set[2].key, digestOf(c)));
        bytes memory certificate = bytes.concat(encodeSet(set), hex"0f", three, sign(set[2].key, digestOf(c)));
        _refused(c, certificate, abi.encodeWithSelector(IVerifier.InvalidSignature.selector, 3));
    }

    function test_SignaturesInAnotherOrder() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes32 digest = digestOf(c);
        bytes memory certificate =
            _assemble(0x07, sign(set[1].key, digest), sign(set[0].key, digest), sign(set[2].key, digest));
        _refused(c, certificate, abi.encodeWithSelector(IVerifier.InvalidSignature.selector, 0));
    }

    function test_OneSignerThreeTimes() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes memory s = sign(set[0].key, digestOf(c));
        _refused(c, _assemble(0x07, s, s, s), abi.encodeWithSelector(IVerifier.InvalidSignature.selector, 1));
    }

    function test_LeftOverBytes() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes memory reason = abi.encodeWithSelector(IVerifier.MalformedCertificate.selector);
        _refused(c, bytes.concat(certify(set, c, 7), hex"00"), reason);
        _refused(c, bytes.concat(certify(set, c, 7), sign(set[3].key, digestOf(c))), reason);
    }

    function test_BitsBeyondTheSet() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes32 digest = digestOf(c);
        bytes memory certificate =
            _assemble(0x17, sign(set[0].key, digest), sign(set[1].key, digest), sign(set[2].key, digest));
        _refused(c, certificate, abi.encodeWithSelector(IVerifier.MalformedCertificate.selector));
    }

    function test_TruncatedAnywhere() public {
        Checkpoint memory c = _checkpoint(GENERAL);
        bytes memory certificate = certify(set, c, 7);
        for (uint256 length; length < certificate.length; ++length) {
            bytes memory shorter = new bytes(length);
            for (uint256 i; i < length; ++i) {
                shorter[i] = certificate[i];
            }
            _refused(c, shorter, abi.encodeWithSelector(IVerifier.MalformedCertificate.selector));
        }
    }

    /// Bitmaps of exactly one byte, of one bit more, and of many.
    function test_SetsOfManySizes() public {
        uint256[6] memory sizes = [uint256(1), 7, 8, 9, 17, 40];
        for (uint256 i; i < sizes.length; ++i) {
            _use(makeSet(i, sizes[i]));
            Checkpoint memory c = _checkpoint(GENERAL);
            verifier.verify(c, certify(set, c, ALL), GENERAL);
            verifier.verify(c, certifyQuorum(set, c), GENERAL);
        }
    }

    // ---- epochs

    function test_Rotate() public {
        Validator[] memory next = makeSet(9, 5);
        vm.expectEmit();
        emit IVerifier.Rotated(EPOCH + 1, hashSet(next), EXPIRES_AT + 1);
        _rotate(EPOCH + 1, hashSet(next), EXPIRES_AT + 1);
        assertEq(verifier.currentEpoch(), EPOCH + 1);
        (, uint64 retiredAt,) = verifier.epochs(EPOCH);
        assertEq(retiredAt, NOW);

        Checkpoint memory old = _checkpoint(GENERAL);
        _refused(old, certify(set, old, ALL), abi.encodeWithSelector(IVerifier.RetiredEpoch.selector, EPOCH, NOW));
        _store(next);
        Checkpoint memory c = makeCheckpoint(HUB, GENERAL, EPOCH + 1, set, ROOT);
        verifier.verify(c, certify(set, c, ALL), GENERAL);
    }

    function test_Rotate_OnlyConsecutive() public {
        uint64[4] memory epochs = [uint64(0), EPOCH - 1, EPOCH, EPOCH + 2];
        for (uint256 i; i < epochs.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IVerifier.NotConsecutive.selector, epochs[i], EPOCH + 1));
            this.rotateExternally(epochs[i], keccak256("set"), EXPIRES_AT);
        }
    }

    function test_Rotate_RefusesZeroSetAndPastExpiry() public {
        vm.expectRevert(abi.encodeWithSelector(IVerifier.WrongValidatorSet.selector, 0, 0));
        this.rotateExternally(EPOCH + 1, 0, EXPIRES_AT);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.InvalidExpiry.selector, NOW));
        this.rotateExternally(EPOCH + 1, keccak256("set"), NOW);
    }

    /// With no end to its epoch a captured or lost set could never be recovered from.
    function test_Rotate_NoSetIsGivenPowerWithoutEnd() public {
        uint64 latest = NOW + 400 days;
        vm.expectRevert(abi.encodeWithSelector(IVerifier.InvalidExpiry.selector, latest + 1));
        this.rotateExternally(EPOCH + 1, keccak256("set"), latest + 1);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.InvalidExpiry.selector, type(uint64).max));
        this.rotateExternally(EPOCH + 1, keccak256("set"), type(uint64).max);
        _rotate(EPOCH + 1, hashSet(makeSet(9, 4)), latest);
    }

    /// No epoch may expire before its predecessor, however long that was given.
    function test_Rotate_MayLastAsLongAsTheEpochBefore() public {
        uint64 far = NOW + 3650 days;
        verifier = new EcdsaVerifier(HUB, timelock, EPOCH, hashSet(set), far, GRACE, MIN_VALIDATORS);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.InvalidExpiry.selector, far + 1));
        this.rotateExternally(EPOCH + 1, keccak256("set"), far + 1);
        _rotate(EPOCH + 1, hashSet(makeSet(9, 4)), far);
    }

    /// A rotation is of its own kind: neither a general nor a commit checkpoint carries one.
    function test_Rotate_OnlyInItsOwnKind() public {
        bytes32[] memory leaves = oneLeaf(rotateLeafOf(EPOCH + 1, keccak256("set"), EXPIRES_AT));
        for (uint8 kind; kind < 2; ++kind) {
            Checkpoint memory c = makeCheckpoint(HUB, kind, EPOCH, set, outboxRootOf(leaves));
            vm.expectRevert(abi.encodeWithSelector(IVerifier.WrongKind.selector, kind, ROTATION));
            verifier.rotate(c, certify(set, c, ALL), EPOCH + 1, keccak256("set"), EXPIRES_AT, singleProof(leaves, 0));
        }
    }

    function test_Rotate_OnlyWhatWasCertified() public {
        bytes32[] memory leaves = oneLeaf(rotateLeafOf(EPOCH + 1, keccak256("set"), EXPIRES_AT));
        Checkpoint memory c = makeCheckpoint(HUB, ROTATION, EPOCH, set, outboxRootOf(leaves));
        bytes memory certificate = certify(set, c, ALL);
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        verifier.rotate(c, certificate, EPOCH + 1, keccak256("other"), EXPIRES_AT, singleProof(leaves, 0));
        vm.expectPartialRevert(Outbox.RootMismatch.selector);
        verifier.rotate(c, certificate, EPOCH + 1, keccak256("set"), EXPIRES_AT + 1, singleProof(leaves, 0));
        bytes memory few = certify(set, c, 3);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BelowQuorum.selector, 2, 4));
        verifier.rotate(c, few, EPOCH + 1, keccak256("set"), EXPIRES_AT, singleProof(leaves, 0));
    }

    function test_Rotate_RetiredSetCannotRotate() public {
        _rotate(EPOCH + 1, hashSet(makeSet(9, 4)), EXPIRES_AT);
        bytes32[] memory leaves = oneLeaf(rotateLeafOf(EPOCH + 2, keccak256("set"), EXPIRES_AT));
        Checkpoint memory c = makeCheckpoint(HUB, ROTATION, EPOCH, set, outboxRootOf(leaves));
        vm.expectRevert(abi.encodeWithSelector(IVerifier.RetiredEpoch.selector, EPOCH, NOW));
        verifier.rotate(c, certify(set, c, ALL), EPOCH + 2, keccak256("set"), EXPIRES_AT, singleProof(leaves, 0));
    }

    function test_DecisionOfARetiredEpoch() public {
        _rotate(EPOCH + 1, hashSet(makeSet(9, 4)), EXPIRES_AT);
        Checkpoint memory c = _checkpoint(COMMITS);
        bytes memory certificate = certify(set, c, 7);
        verifier.verifyDecision(c, certificate, COMMITS);
        vm.warp(NOW + GRACE);
        verifier.verifyDecision(c, certificate, COMMITS);
        vm.warp(NOW + GRACE + 1);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.RetiredEpoch.selector, EPOCH, NOW + GRACE));
        verifier.verifyDecision(c, certificate, COMMITS);
    }

    function test_GraceEndsWithTheExpiry() public {
        vm.warp(EXPIRES_AT - 1 days);
        _rotate(EPOCH + 1, hashSet(makeSet(9, 4)), EXPIRES_AT + 90 days);
        Checkpoint memory c = _checkpoint(COMMITS);
        bytes memory certificate = certify(set, c, 7);
        vm.warp(EXPIRES_AT);
        verifier.verifyDecision(c, certificate, COMMITS);
        vm.warp(EXPIRES_AT + 1);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.ExpiredEpoch.selector, EPOCH, EXPIRES_AT));
        verifier.verifyDecision(c, certificate, COMMITS);
    }

    function test_ExpiredSetCanDoNothing() public {
        vm.warp(EXPIRES_AT);
        Checkpoint memory c = _checkpoint(GENERAL);
        verifier.verify(c, certify(set, c, 7), GENERAL);
        vm.warp(EXPIRES_AT + 1);
        bytes memory reason = abi.encodeWithSelector(IVerifier.ExpiredEpoch.selector, EPOCH, EXPIRES_AT);
        _refused(c, certify(set, c, 7), reason);
        Checkpoint memory d = _checkpoint(COMMITS);
        bytes memory certificate = certify(set, d, 7);
        vm.expectRevert(reason);
        verifier.verifyDecision(d, certificate, COMMITS);
        vm.expectRevert(reason);
        this.rotateExternally(EPOCH + 1, keccak256("set"), EXPIRES_AT + 90 days);
    }

    // ---- recovery

    function test_Recover() public {
        vm.warp(EXPIRES_AT + 1);
        Validator[] memory next = makeSet(9, 4);
        vm.expectEmit();
        emit IVerifier.Recovered(EPOCH + 5, hashSet(next), EXPIRES_AT + 90 days);
        vm.prank(timelock);
        verifier.recover(EPOCH + 5, hashSet(next), EXPIRES_AT + 90 days);
        assertEq(verifier.currentEpoch(), EPOCH + 5);
        (, uint64 retiredAt,) = verifier.epochs(EPOCH);
        assertEq(retiredAt, EXPIRES_AT + 1);
        Checkpoint memory c = makeCheckpoint(HUB, GENERAL, EPOCH + 5, next, ROOT);
        verifier.verify(c, certify(next, c, 7), GENERAL);
        Checkpoint memory old = _checkpoint(COMMITS);
        bytes memory certificate = certify(set, old, 7);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.ExpiredEpoch.selector, EPOCH, EXPIRES_AT));
        verifier.verifyDecision(old, certificate, COMMITS);
    }

    /// ioTube: the owner changed what the verifier believes.
    function test_IoTube_OwnerCannotReplaceALivingSet() public {
        vm.startPrank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.NotExpired.selector, EXPIRES_AT));
        verifier.recover(EPOCH + 1, keccak256("mine"), EXPIRES_AT + 1);
        vm.warp(EXPIRES_AT);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.NotExpired.selector, EXPIRES_AT));
        verifier.recover(EPOCH + 1, keccak256("mine"), EXPIRES_AT + 1);
    }

    function test_Recover_OnlyTheTimelock() public {
        vm.warp(EXPIRES_AT + 1);
        vm.expectRevert(abi.encodeWithSelector(EcdsaVerifier.Unauthorized.selector, address(this)));
        verifier.recover(EPOCH + 1, keccak256("mine"), EXPIRES_AT + 2);
    }

    function test_Recover_OnlyForward() public {
        vm.warp(EXPIRES_AT + 1);
        vm.startPrank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.NotConsecutive.selector, EPOCH, EPOCH + 1));
        verifier.recover(EPOCH, keccak256("set"), EXPIRES_AT + 2);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.WrongValidatorSet.selector, 0, 0));
        verifier.recover(EPOCH + 1, 0, EXPIRES_AT + 2);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.InvalidExpiry.selector, EXPIRES_AT + 1));
        verifier.recover(EPOCH + 1, keccak256("set"), EXPIRES_AT + 1);
    }

    function test_Recover_NoSetIsGivenPowerWithoutEnd() public {
        uint64 latest = EXPIRES_AT + 1 + 400 days;
        vm.warp(EXPIRES_AT + 1);
        vm.startPrank(timelock);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.InvalidExpiry.selector, latest + 1));
        verifier.recover(EPOCH + 1, keccak256("set"), latest + 1);
        verifier.recover(EPOCH + 1, keccak256("set"), latest);
    }

    // ---- helpers

    function rotateExternally(uint64 epoch, bytes32 valsetHash, uint64 expiresAt) external {
        _rotate(epoch, valsetHash, expiresAt);
    }

    function _rotate(uint64 epoch, bytes32 valsetHash, uint64 expiresAt) private {
        bytes32[] memory leaves = oneLeaf(rotateLeafOf(epoch, valsetHash, expiresAt));
        Checkpoint memory c = makeCheckpoint(HUB, ROTATION, EPOCH, set, outboxRootOf(leaves));
        verifier.rotate(c, certify(set, c, 7), epoch, valsetHash, expiresAt, singleProof(leaves, 0));
    }

    function _zerosRefused(uint64 epoch) private {
        Checkpoint memory c = makeCheckpoint(HUB, GENERAL, epoch, set, 0);
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.ZeroRoot.selector));
        c = makeCheckpoint(HUB, GENERAL, 0, set, ROOT);
        _refused(c, certify(set, c, ALL), abi.encodeWithSelector(IVerifier.UnknownEpoch.selector, 0));
        c = makeCheckpoint(HUB, GENERAL, epoch, set, ROOT);
        c.valsetHash = 0;
        bytes memory reason = abi.encodeWithSelector(IVerifier.WrongValidatorSet.selector, 0, hashSet(set));
        _refused(c, certify(set, c, ALL), reason);
    }

    function _checkpoint(uint8 kind) private view returns (Checkpoint memory) {
        return makeCheckpoint(HUB, kind, EPOCH, set, ROOT);
    }

    function _assemble(bytes1 bitmap, bytes memory a, bytes memory b, bytes memory c)
        private
        view
        returns (bytes memory)
    {
        return bytes.concat(encodeSet(set), bitmap, a, b, c);
    }

    function _refused(Checkpoint memory c, bytes memory certificate, bytes memory reason) private {
        vm.expectRevert(reason);
        verifier.verify(c, certificate, GENERAL);
    }

    /// A verifier that was made to believe in `members`, well formed or not.
    function _use(Validator[] memory members) private {
        _store(members);
        verifier = new EcdsaVerifier(HUB, timelock, EPOCH, hashSet(set), EXPIRES_AT, GRACE, 1);
    }

    function _store(Validator[] memory members) private {
        delete set;
        for (uint256 i; i < members.length; ++i) {
            set.push(members[i]);
        }
    }
}
