// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, Leg, LegRef, Multiproof, Settlement} from "../libraries/Types.sol";
import {IPayouts} from "./IPayouts.sol";

/// Holds the legs of deals. It learns one bit per deal and can pay only where the depositor said.
interface IEscrow is IPayouts {
    enum LockState {
        None,
        Locked,
        Released,
        Refunded,
        Escaped,
        /// Given up by its depositor before it was locked.
        Cancelled
    }

    event Locked(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index);
    event Settled(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index, bool commit);
    event EscapeRequested(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index, uint64 executableAt);
    event Escaped(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index);
    event LockCancelled(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index);
    event LocksPaused(bool paused);
    event GuardianSet(address guardian);

    error LockingPaused();
    error WrongChain(uint64 given, uint64 here);
    error WrongEscrow(bytes32 given);
    error InvalidAddress(bytes32 given);
    error InvalidIndex(uint8 index);
    error InvalidAmount(uint128 amount, uint128 tip);
    error InvalidEscape(uint64 escapeAt, uint64 escapeWindow);
    error LockPassed(uint64 lockBy, uint256 now_);
    error LockHorizon(uint64 lockBy, uint256 latest);
    error NotDepositor(address caller, address depositor);
    error InvalidSignature();
    error SignatureExpired(uint256 deadline);
    error AlreadyLocked(bytes32 lockKey);
    /// The depositor has given this lock up; nobody can open it any more.
    error CancelledLock(bytes32 lockKey);
    error NotLocked(bytes32 lockKey);
    error WrongValue(uint256 given, uint256 required);
    error NothingSettled();
    /// The decision of `dealId` differs from the first one of its batch.
    error MixedDecisions(bytes32 dealId);
    error TooManyLegs(uint256 max);
    error EscapeNotYet(uint256 now_, uint256 executableAt);
    error EscapeNotRequested(bytes32 lockKey);
    error EscapeAlreadyRequested(bytes32 lockKey);

    /// Locks the caller's leg: the caller is the depositor.
    function lock(bytes32 dealId, LegRef calldata ref) external payable;

    /// `lock` in the fewest bytes and gas, for the same lock key: chain and escrow are this one's, the depositor is the
    /// caller, `amounts` is amount u128 ‖ tip u128, `terms` is index u64 ‖ lockBy u64 ‖ escapeAt u64 ‖ escapeWindow u64.
    function lockCompact(
        bytes32 dealId,
        address token,
        address onCommit,
        address onAbort,
        uint256 amounts,
        uint256 terms
    ) external payable;

    /// Locks for a depositor who signed `Lock(bytes32 dealId,uint8 index,bytes32 legHash,uint256 deadline)` (EIP-712,
    /// domain name "INFRASTRUKT Escrow", version "1", salt = hub id). ERC-20 only, by an allowance given before.
    function lockWithSignature(bytes32 dealId, LegRef calldata ref, uint256 deadline, bytes calldata signature) external;

    /// As `lockWithSignature` with an EIP-2612 permit in front, which may already have been used by another.
    function lockWithPermit(
        bytes32 dealId,
        LegRef calldata ref,
        uint256 deadline,
        bytes calldata signature,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// Gives up the caller's own lock before it is opened, for ever: a signature for it, whoever holds it, opens nothing
    /// from now on. To the deal this is a leg that is never locked, so that it ends in an abort. A lock that is open
    /// stays: whoever has locked is bound by the deal's decision and its escape.
    function cancelLock(bytes32 dealId, LegRef calldata ref) external;

    /// Releases (commit) or refunds (abort) every named leg. All decisions are of the checkpoint's kind: commits in kind
    /// 1, aborts in kind 0. Legs that are not locked are skipped; reverts only when nothing at all was settled.
    function settle(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Settlement[] calldata settlements,
        Multiproof calldata proof
    ) external;

    function requestEscape(bytes32 dealId, LegRef calldata ref) external;
    function executeEscape(bytes32 dealId, LegRef calldata ref) external;

    /// Stops or allows new locks, and nothing else. Only the guardian.
    function setLocksPaused(bool paused_) external;

    /// Passes the guardian's role on. Only the guardian.
    function setGuardian(address guardian_) external;

    function hubId() external view returns (bytes32);
    function verifier() external view returns (address);
    function guardian() external view returns (address);
    function paused() external view returns (bool);
    function minEscapeWindow() external view returns (uint64);
    function maxLockHorizon() external view returns (uint64);
    function domainSeparator() external view returns (bytes32);
    function locks(bytes32 lockKey) external view returns (LockState state, uint64 escapeRequestedAt);
    function lockKey(bytes32 dealId, LegRef calldata ref) external pure returns (bytes32);
}
