// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier} from "../../src/interfaces/IVerifier.sol";
import {Checkpoint} from "../../src/libraries/Types.sol";
import {EcdsaVerifier} from "../../src/verifier/EcdsaVerifier.sol";
import {Certify, Validator} from "../helpers/Certify.sol";

contract EcdsaVerifierFuzz is Certify {
    bytes32 internal constant HUB = keccak256("hub");

    /// Any set with any weights and any signers: accepted exactly when more than two thirds signed.
    /// forge-config: default.fuzz.runs = 256
    function testFuzz_Quorum(uint256 seed, uint256 signers, uint64[12] calldata weights, uint8 count) public {
        Validator[] memory set = makeSet(seed, bound(count, 1, 12));
        uint256 signed;
        uint256 total;
        for (uint256 i; i < set.length; ++i) {
            set[i].weight = weights[i] == 0 ? 1 : weights[i];
            total += set[i].weight;
            if (signers >> i & 1 == 1) signed += set[i].weight;
        }
        (EcdsaVerifier verifier, Checkpoint memory c) = _deploy(set);
        bytes memory certificate = certify(set, c, signers);
        if (3 * signed <= 2 * total) {
            vm.expectRevert(abi.encodeWithSelector(IVerifier.BelowQuorum.selector, signed, total));
        }
        verifier.verify(c, certificate, GENERAL);
    }

    /// No other byte string passes for a certificate: one flipped bit anywhere is refused.
    function testFuzz_OneFlippedBit(uint256 where) public {
        Validator[] memory set = makeSet(5, 4);
        (EcdsaVerifier verifier, Checkpoint memory c) = _deploy(set);
        bytes memory certificate = certify(set, c, 11);
        verifier.verify(c, certificate, GENERAL);
        where %= certificate.length * 8;
        certificate[where / 8] ^= bytes1(uint8(1 << (where % 8)));
        _refuses(verifier, c, certificate);
    }

    /// One flipped bit anywhere in the checkpoint is refused.
    function testFuzz_OneFlippedBitOfTheCheckpoint(uint256 where) public {
        Validator[] memory set = makeSet(5, 4);
        (EcdsaVerifier verifier, Checkpoint memory c) = _deploy(set);
        bytes memory call = abi.encodeCall(verifier.verify, (c, certify(set, c, 11), GENERAL));
        where %= 8 * 32 * 8;
        call[4 + where / 8] ^= bytes1(uint8(1 << (where % 8)));
        (bool success,) = address(verifier).staticcall(call);
        assertFalse(success);
    }

    function testFuzz_CutOrExtended(uint256 length, bytes calldata more) public {
        Validator[] memory set = makeSet(5, 4);
        (EcdsaVerifier verifier, Checkpoint memory c) = _deploy(set);
        bytes memory certificate = certify(set, c, 11);
        vm.assume(more.length != 0);
        _refuses(verifier, c, bytes.concat(certificate, more));
        length %= certificate.length;
        assembly ("memory-safe") {
            mstore(certificate, length)
        }
        _refuses(verifier, c, certificate);
        _refuses(verifier, c, bytes.concat(certificate, more));
    }

    function testFuzz_Rubbish(bytes calldata rubbish) public {
        Validator[] memory set = makeSet(5, 4);
        (EcdsaVerifier verifier, Checkpoint memory c) = _deploy(set);
        _refuses(verifier, c, rubbish);
        _refuses(verifier, c, bytes.concat(encodeSet(set), rubbish));
        _refuses(verifier, c, bytes.concat(encodeSet(set), hex"07", rubbish));
    }

    /// Three good signers and the set in an order, with weights or with doubles that the hash does commit to, but that
    /// no honest hub would certify.
    function testFuzz_BscPrecompile_InflatedSet(uint256 seed, uint8 victim, uint8 kind) public {
        Validator[] memory set = makeSet(seed, 6);
        victim = uint8(bound(victim, 1, 5));
        if (kind % 3 == 0) set[victim] = set[victim - 1];
        if (kind % 3 == 1) (set[victim], set[victim - 1]) = (set[victim - 1], set[victim]);
        if (kind % 3 == 2) set[victim].weight = 0;
        (EcdsaVerifier verifier, Checkpoint memory c) = _deploy(set);
        bytes memory certificate = certify(set, c, ALL);
        vm.expectRevert(abi.encodeWithSelector(IVerifier.InvalidValidatorSet.selector, victim));
        verifier.verify(c, certificate, GENERAL);
    }

    function _deploy(Validator[] memory set) private returns (EcdsaVerifier verifier, Checkpoint memory c) {
        verifier = new EcdsaVerifier(HUB, address(1), 3, hashSet(set), uint64(block.timestamp) + 1 days, 1 days, 1);
        c = makeCheckpoint(HUB, GENERAL, 3, set, keccak256("root"));
    }

    function _refuses(EcdsaVerifier verifier, Checkpoint memory c, bytes memory certificate) private view {
        (bool success,) = address(verifier).staticcall(abi.encodeCall(verifier.verify, (c, certificate, GENERAL)));
        assertFalse(success);
    }
}
