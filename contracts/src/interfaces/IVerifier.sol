// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, Multiproof} from "../libraries/Types.sol";

/// Judges certificates. One implementation per signature scheme; chosen when a gateway is deployed.
interface IVerifier {
    event Rotated(uint64 indexed epoch, bytes32 valsetHash, uint64 expiresAt);
    event Recovered(uint64 indexed epoch, bytes32 valsetHash, uint64 expiresAt);

    error WrongHub(bytes32 given);
    error WrongKind(uint8 given, uint8 expected);
    error UnknownEpoch(uint64 given);
    error RetiredEpoch(uint64 given, uint64 usableUntil);
    error ExpiredEpoch(uint64 given, uint64 expiredAt);
    error WrongValidatorSet(bytes32 given, bytes32 expected);
    error ZeroRoot();
    error MalformedCertificate();
    error WrongScheme(uint8 given);
    error InvalidValidatorSet(uint256 index);
    error TooFewValidators(uint256 given, uint256 min);
    error InvalidSignature(uint256 index);
    error BelowQuorum(uint256 signedWeight, uint256 totalWeight);
    error NotConsecutive(uint64 given, uint64 expected);
    error NotExpired(uint64 expiresAt);
    /// It has passed, or lies too far ahead.
    error InvalidExpiry(uint64 expiresAt);

    /// Reverts unless `certificate` is a quorum of the set that `checkpoint.epoch` names, for leaves of every kind but
    /// decisions. Only the current epoch counts.
    function verify(Checkpoint calldata checkpoint, bytes calldata certificate, uint8 kind) external view;

    /// As `verify`, for decision leaves: a retired epoch counts until `retiredAt + grace`. Kinds 0 (ABORT) and 1 (COMMIT).
    function verifyDecision(Checkpoint calldata checkpoint, bytes calldata certificate, uint8 kind) external view;

    /// Takes the next epoch's set, certified by the current one in a checkpoint of kind 2.
    function rotate(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        uint64 epoch,
        bytes32 valsetHash,
        uint64 expiresAt,
        Multiproof calldata proof
    ) external;

    function hubId() external view returns (bytes32);
    function currentEpoch() external view returns (uint64);
    function epochs(uint64 epoch) external view returns (bytes32 valsetHash, uint64 retiredAt, uint64 expiresAt);
}
