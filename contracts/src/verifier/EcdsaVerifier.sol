// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier} from "../interfaces/IVerifier.sol";
import {Digests} from "../libraries/Digests.sol";
import {Outbox} from "../libraries/Outbox.sol";
import {Checkpoint, Multiproof} from "../libraries/Types.sol";
import {EcdsaCertificate} from "./EcdsaCertificate.sol";

/// Knows the hub's validator sets by epoch and judges certificates of secp256k1 signatures. Nobody can change what it
/// believes but the current set itself, until that set's epoch has expired; after that only the timelock can.
contract EcdsaVerifier is IVerifier {
    struct Epoch {
        bytes32 valsetHash;
        /// When the next epoch took over, Unix seconds; 0 while this one is current.
        uint64 retiredAt;
        /// Last second at which the set can certify anything.
        uint64 expiresAt;
    }

    uint8 private constant GENERAL = 0;
    uint8 private constant COMMITS = 1;
    uint8 private constant ROTATION = 2;

    /// Most seconds for which a new set may be given power: a set that never expires could never be recovered from.
    uint256 public constant MAX_EPOCH_SECONDS = 400 days;

    bytes32 public immutable override hubId;
    /// A timelock. It can act only on a chain that slept through its epoch.
    address public immutable recoveryOwner;
    /// Seconds for which a retired set's decisions still count: longer than the longest deal.
    uint64 public immutable grace;
    /// Fewest members of a set that can certify anything: with one, one stolen key is enough. Sets are named by their
    /// hash, so that their size is seen, and judged, in each certificate.
    uint16 public immutable minValidators;

    uint64 public override currentEpoch;
    mapping(uint64 epoch => Epoch) public override epochs;

    error ZeroArgument(uint256 position);
    error Unauthorized(address caller);

    constructor(
        bytes32 hubId_,
        address recoveryOwner_,
        uint64 epoch,
        bytes32 valsetHash,
        uint64 expiresAt,
        uint64 grace_,
        uint16 minValidators_
    ) {
        if (hubId_ == 0) revert ZeroArgument(0);
        if (recoveryOwner_ == address(0)) revert ZeroArgument(1);
        if (epoch == 0) revert ZeroArgument(2);
        if (grace_ == 0) revert ZeroArgument(5);
        if (minValidators_ == 0) revert ZeroArgument(6);
        hubId = hubId_;
        recoveryOwner = recoveryOwner_;
        grace = grace_;
        minValidators = minValidators_;
        _begin(epoch, valsetHash, expiresAt);
        emit Rotated(epoch, valsetHash, expiresAt);
    }

    /// @inheritdoc IVerifier
    function verify(Checkpoint calldata checkpoint, bytes calldata certificate, uint8 kind) external view override {
        // Commits are for `verifyDecision`, which knows how long a retired epoch's decisions count.
        if (kind != GENERAL && kind != ROTATION) revert WrongKind(kind, GENERAL);
        _verifyCurrent(checkpoint, certificate, kind);
    }

    /// @inheritdoc IVerifier
    function verifyDecision(Checkpoint calldata checkpoint, bytes calldata certificate, uint8 kind)
        external
        view
        override
    {
        if (kind != GENERAL && kind != COMMITS) revert WrongKind(kind, COMMITS);
        uint64 retiredAt = _known(checkpoint, kind);
        if (retiredAt != 0 && block.timestamp > uint256(retiredAt) + grace) {
            revert RetiredEpoch(checkpoint.epoch, retiredAt + grace);
        }
        _checkSignatures(checkpoint, certificate);
    }

    /// @inheritdoc IVerifier
    function rotate(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        uint64 epoch,
        bytes32 valsetHash,
        uint64 expiresAt,
        Multiproof calldata proof
    ) external override {
        uint64 current = currentEpoch;
        if (epoch != current + 1) revert NotConsecutive(epoch, current + 1);
        _verifyCurrent(checkpoint, certificate, ROTATION);
        Outbox.verifyOne(checkpoint.outboxRoot, Digests.rotateLeaf(epoch, valsetHash, expiresAt), proof);

        _handOver(current, epoch, valsetHash, expiresAt);
        emit Rotated(epoch, valsetHash, expiresAt);
    }

    /// Gives a chain that slept through its epoch a living set again. The epoch may lie further ahead than the next,
    /// since the hub has gone on meanwhile; the skipped ones stay unknown here.
    function recover(uint64 epoch, bytes32 valsetHash, uint64 expiresAt) external {
        if (msg.sender != recoveryOwner) revert Unauthorized(msg.sender);
        uint64 current = currentEpoch;
        if (block.timestamp <= epochs[current].expiresAt) revert NotExpired(epochs[current].expiresAt);
        if (epoch <= current) revert NotConsecutive(epoch, current + 1);

        _handOver(current, epoch, valsetHash, expiresAt);
        emit Recovered(epoch, valsetHash, expiresAt);
    }

    /// Hands over from the `current` epoch. The next one may last as long as the one before it, which whoever deployed
    /// this may have given more time: no epoch may expire before its predecessor.
    function _handOver(uint64 current, uint64 epoch, bytes32 valsetHash, uint64 expiresAt) private {
        uint256 latest = block.timestamp + MAX_EPOCH_SECONDS;
        if (expiresAt > latest && expiresAt > epochs[current].expiresAt) revert InvalidExpiry(expiresAt);
        epochs[current].retiredAt = uint64(block.timestamp);
        _begin(epoch, valsetHash, expiresAt);
    }

    function _begin(uint64 epoch, bytes32 valsetHash, uint64 expiresAt) private {
        if (valsetHash == 0) revert WrongValidatorSet(0, 0);
        if (expiresAt <= block.timestamp) revert InvalidExpiry(expiresAt);
        currentEpoch = epoch;
        epochs[epoch] = Epoch({valsetHash: valsetHash, retiredAt: 0, expiresAt: expiresAt});
    }

    function _verifyCurrent(Checkpoint calldata checkpoint, bytes calldata certificate, uint8 kind) private view {
        uint64 retiredAt = _known(checkpoint, kind);
        if (retiredAt != 0) revert RetiredEpoch(checkpoint.epoch, retiredAt);
        _checkSignatures(checkpoint, certificate);
    }

    function _checkSignatures(Checkpoint calldata checkpoint, bytes calldata certificate) private view {
        EcdsaCertificate.check(Digests.checkpoint(checkpoint), checkpoint.valsetHash, minValidators, certificate);
    }

    /// Checks everything about the checkpoint but its signatures and its epoch's retirement, which it returns.
    function _known(Checkpoint calldata checkpoint, uint8 kind) private view returns (uint64 retiredAt) {
        if (checkpoint.hubId != hubId) revert WrongHub(checkpoint.hubId);
        if (checkpoint.kind != kind) revert WrongKind(checkpoint.kind, kind);
        if (checkpoint.outboxRoot == 0) revert ZeroRoot();
        Epoch storage known = epochs[checkpoint.epoch];
        bytes32 valsetHash = known.valsetHash;
        // Epoch zero is never stored, so it is as unknown as any other.
        if (valsetHash == 0) revert UnknownEpoch(checkpoint.epoch);
        if (checkpoint.valsetHash != valsetHash) revert WrongValidatorSet(checkpoint.valsetHash, valsetHash);
        uint64 expiresAt = known.expiresAt;
        if (block.timestamp > expiresAt) revert ExpiredEpoch(checkpoint.epoch, expiresAt);
        retiredAt = known.retiredAt;
    }
}
