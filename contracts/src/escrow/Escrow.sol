// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IEscrow} from "../interfaces/IEscrow.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {Addresses} from "../libraries/Addresses.sol";
import {Digests} from "../libraries/Digests.sol";
import {Outbox} from "../libraries/Outbox.sol";
import {Checkpoint, Leg, LegRef, Multiproof, Settlement} from "../libraries/Types.sol";
import {Payouts} from "../payouts/Payouts.sol";
import {CompactLeg} from "./CompactLeg.sol";
import {LegRules} from "./LegRules.sol";
import {LockSignature} from "./LockSignature.sol";

/// Holds the legs of deals and pays each out once. No owner and no upgrade: the guardian can pause new locks and
/// nothing else, so what is locked can always be settled, escaped and withdrawn.
///
/// A lock is one storage slot. Everything else about it is passed again in calldata and checked by hashing it to the
/// slot's key, which is also why nobody can change where a lock pays.
///
/// S1, no deal with a released and a refunded leg, rests on the hub certifying one decision per deal and on
/// `sign_by + H + max(C + F + s) < min(escapeAt + escapeWindow)`, which the hub checks when a deal is registered.
contract Escrow is IEscrow, Payouts {
    struct Lock {
        /// state u8, and above it the time of the escape request in Unix seconds, 0 before it.
        uint256 word;
    }

    /// Legs that one `settle` may name: one word of flags.
    uint256 public constant MAX_SETTLED_LEGS = 256;

    uint8 private constant KIND_ABORTS = 0;
    uint8 private constant KIND_COMMITS = 1;

    bytes32 public immutable hubId;
    address public immutable verifier;
    /// Least seconds between asking for an escape and executing it.
    uint64 public immutable minEscapeWindow;
    /// Most seconds that a deal's `lockBy` may lie ahead.
    uint64 public immutable maxLockHorizon;

    bool public paused;
    address public guardian;

    mapping(bytes32 key => Lock) private _locks;

    modifier whenOpen() {
        if (paused) revert LockingPaused();
        _;
    }

    modifier onlyGuardian() {
        if (msg.sender != guardian) revert Unauthorized(msg.sender);
        _;
    }

    constructor(
        bytes32 hubId_,
        IVerifier verifier_,
        address guardian_,
        uint64 minEscapeWindow_,
        uint64 maxLockHorizon_
    ) {
        // A verifier of another hub would accept no decision of this one, and every lock would end in an escape.
        if (hubId_ == 0 || verifier_.hubId() != hubId_) revert IVerifier.WrongHub(hubId_);
        if (minEscapeWindow_ == 0 || minEscapeWindow_ > LegRules.MAX_ESCAPE_SECONDS) {
            revert InvalidEscape(0, minEscapeWindow_);
        }
        if (maxLockHorizon_ == 0 || maxLockHorizon_ > LegRules.MAX_TIME) revert LockHorizon(0, maxLockHorizon_);
        hubId = hubId_;
        verifier = address(verifier_);
        minEscapeWindow = minEscapeWindow_;
        maxLockHorizon = maxLockHorizon_;
        _setGuardian(guardian_);
    }

    /// @inheritdoc IEscrow
    function lock(bytes32 dealId, LegRef calldata ref) external payable whenOpen {
        Leg calldata leg = ref.leg;
        LegRules.check(ref, minEscapeWindow, maxLockHorizon);
        address depositor = _account(leg.depositor);
        if (msg.sender != depositor) revert NotDepositor(msg.sender, depositor);
        _open(dealId, _key(dealId, ref), ref.index);
        _takeFromCaller(_account(leg.token), leg.amount);
    }

    /// @inheritdoc IEscrow
    function lockCompact(
        bytes32 dealId,
        address token,
        address onCommit,
        address onAbort,
        uint256 amounts,
        uint256 terms
    ) external payable whenOpen {
        uint256 index = terms >> 192;
        uint256 amount = amounts >> 128;
        LegRules.checkIndex(index);
        LegRules.checkAmounts(amount, uint128(amounts));
        LegRules.checkPayees(onCommit, onAbort);
        LegRules.checkTimes(uint64(terms >> 128), uint64(terms >> 64), uint64(terms), minEscapeWindow, maxLockHorizon);
        bytes32 key = CompactLeg.lockKey(dealId, token, onCommit, onAbort, amounts, terms);
        _open(dealId, key, uint8(index));
        _takeFromCaller(token, amount);
    }

    /// @inheritdoc IEscrow
    function lockWithSignature(bytes32 dealId, LegRef calldata ref, uint256 deadline, bytes calldata signature)
        external
    {
        _lockSigned(dealId, ref, deadline, signature);
    }

    /// @inheritdoc IEscrow
    function lockWithPermit(
        bytes32 dealId,
        LegRef calldata ref,
        uint256 deadline,
        bytes calldata signature,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        Leg calldata leg = ref.leg;
        address token = _account(leg.token);
        if (token.code.length == 0) revert TokenWithoutCode(token);
        // Anyone may have used the permit before this transaction; the allowance it gave is then there already. A token
        // that answers every call gives none, and the depositor's own signature below still has to allow this lock.
        try IERC20Permit(token).permit(_account(leg.depositor), address(this), leg.amount, permitDeadline, v, r, s) {}
            catch {}
        _lockSigned(dealId, ref, deadline, signature);
    }

    /// @inheritdoc IEscrow
    function cancelLock(bytes32 dealId, LegRef calldata ref) external {
        Leg calldata leg = ref.leg;
        // A leg of another chain or escrow has a key that opens nothing here, and would seem cancelled without being so.
        LegRules.checkPlace(leg);
        address depositor = Addresses.toAddress(leg.depositor);
        if (msg.sender != depositor) revert NotDepositor(msg.sender, depositor);
        bytes32 key = _key(dealId, ref);
        Lock storage slot = _locks[key];
        uint256 word = slot.word;
        if (word != 0) _refuseUsed(key, word);
        slot.word = _pack(LockState.Cancelled, 0);
        emit LockCancelled(dealId, key, ref.index);
    }

    /// @inheritdoc IEscrow
    function settle(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Settlement[] calldata settlements,
        Multiproof calldata proof
    ) external nonReentrant {
        bool commit = _verifyDecisions(checkpoint, certificate, settlements, proof);
        uint256 settled = _closeLegs(settlements, commit);
        if (settled == 0) revert NothingSettled();
        _payLegs(settlements, commit, settled);
    }

    /// @inheritdoc IEscrow
    function requestEscape(bytes32 dealId, LegRef calldata ref) external nonReentrant {
        bytes32 key = _key(dealId, ref);
        Lock storage slot = _locks[key];
        (LockState state, uint64 requestedAt) = _unpack(slot);
        if (state != LockState.Locked) revert NotLocked(key);
        if (requestedAt != 0) revert EscapeAlreadyRequested(key);
        if (block.timestamp < ref.leg.escapeAt) revert EscapeNotYet(block.timestamp, ref.leg.escapeAt);
        slot.word = _pack(LockState.Locked, block.timestamp);
        emit EscapeRequested(dealId, key, ref.index, uint64(block.timestamp) + ref.leg.escapeWindow);
    }

    /// @inheritdoc IEscrow
    function executeEscape(bytes32 dealId, LegRef calldata ref) external nonReentrant {
        bytes32 key = _key(dealId, ref);
        Lock storage slot = _locks[key];
        (LockState state, uint64 requestedAt) = _unpack(slot);
        if (state != LockState.Locked) revert NotLocked(key);
        if (requestedAt == 0) revert EscapeNotRequested(key);
        uint64 executableAt = requestedAt + ref.leg.escapeWindow;
        if (block.timestamp < executableAt) revert EscapeNotYet(block.timestamp, executableAt);
        slot.word = _pack(LockState.Escaped, requestedAt);
        emit Escaped(dealId, key, ref.index);
        _payOut(_account(ref.leg.token), _account(ref.leg.onAbort), ref.leg.amount);
    }

    /// @inheritdoc IEscrow
    function setLocksPaused(bool paused_) external onlyGuardian {
        paused = paused_;
        emit LocksPaused(paused_);
    }

    /// @inheritdoc IEscrow
    function setGuardian(address guardian_) external onlyGuardian {
        _setGuardian(guardian_);
    }

    /// @inheritdoc IEscrow
    function domainSeparator() external view returns (bytes32) {
        return LockSignature.domainSeparator(hubId);
    }

    /// @inheritdoc IEscrow
    function lockKey(bytes32 dealId, LegRef calldata ref) external pure returns (bytes32) {
        return _key(dealId, ref);
    }

    /// @inheritdoc IEscrow
    function locks(bytes32 key) external view returns (LockState state, uint64 escapeRequestedAt) {
        return _unpack(_locks[key]);
    }

    function _lockSigned(bytes32 dealId, LegRef calldata ref, uint256 deadline, bytes calldata signature)
        private
        whenOpen
    {
        Leg calldata leg = ref.leg;
        // Native coins cannot be taken by signature.
        if (leg.token == 0) revert InvalidAddress(leg.token);
        LegRules.check(ref, minEscapeWindow, maxLockHorizon);
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        bytes32 legHash = Digests.legHash(leg, ref.lockBy);
        address depositor = _account(leg.depositor);
        bytes32 digest = LockSignature.digest(hubId, dealId, ref.index, legHash, deadline);
        if (!SignatureChecker.isValidSignatureNowCalldata(depositor, digest, signature)) revert InvalidSignature();
        _open(dealId, Digests.lockKey(dealId, ref.index, legHash), ref.index);
        _takeToken(_account(leg.token), depositor, leg.amount);
    }

    /// Records a new lock whose leg keeps the rules. The caller then takes the money or reverts.
    function _open(bytes32 dealId, bytes32 key, uint8 index) private {
        Lock storage slot = _locks[key];
        uint256 word = slot.word;
        if (word != 0) _refuseUsed(key, word);
        slot.word = uint256(LockState.Locked);
        emit Locked(dealId, key, index);
    }

    function _refuseUsed(bytes32 key, uint256 word) private pure {
        if (LockState(uint8(word)) == LockState.Cancelled) revert CancelledLock(key);
        revert AlreadyLocked(key);
    }

    function _takeFromCaller(address token, uint256 amount) private {
        if (token == address(0)) {
            if (msg.value != amount) revert WrongValue(msg.value, amount);
        } else {
            if (msg.value != 0) revert WrongValue(msg.value, 0);
            _takeToken(token, msg.sender, amount);
        }
    }

    /// Reverts unless every settlement's decision is certified, and returns that one decision.
    function _verifyDecisions(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Settlement[] calldata settlements,
        Multiproof calldata proof
    ) private view returns (bool commit) {
        uint256 count = settlements.length;
        if (count == 0) revert NothingSettled();
        commit = settlements[0].commit;
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            Settlement calldata settlement = settlements[i];
            if (settlement.commit != commit) revert MixedDecisions(settlement.dealId);
            leaves[i] = Digests.decisionLeaf(settlement.dealId, commit);
        }
        IVerifier(verifier).verifyDecision(checkpoint, certificate, commit ? KIND_COMMITS : KIND_ABORTS);
        Outbox.verify(checkpoint.outboxRoot, leaves, proof);
    }

    /// Gives every named leg that is locked its final state, before anything is paid. Returns one flag a leg, in the
    /// order in which they are named.
    function _closeLegs(Settlement[] calldata settlements, bool commit) private returns (uint256 settled) {
        LockState finalState = commit ? LockState.Released : LockState.Refunded;
        uint256 position;
        for (uint256 i; i < settlements.length; ++i) {
            bytes32 dealId = settlements[i].dealId;
            LegRef[] calldata legs = settlements[i].legs;
            for (uint256 j; j < legs.length; ++j) {
                if (position == MAX_SETTLED_LEGS) revert TooManyLegs(MAX_SETTLED_LEGS);
                if (_closeLeg(dealId, legs[j], finalState, commit)) settled |= 1 << position;
                ++position;
            }
        }
    }

    function _closeLeg(bytes32 dealId, LegRef calldata ref, LockState finalState, bool commit) private returns (bool) {
        bytes32 key = _key(dealId, ref);
        Lock storage slot = _locks[key];
        (LockState state, uint64 requestedAt) = _unpack(slot);
        if (state != LockState.Locked) return false;
        slot.word = _pack(finalState, requestedAt);
        emit Settled(dealId, key, ref.index, commit);
        return true;
    }

    /// Pays the flagged legs, and the caller its tips, summed over neighbours in the same token.
    function _payLegs(Settlement[] calldata settlements, bool commit, uint256 settled) private {
        address tipToken;
        uint256 tips;
        for (uint256 i; i < settlements.length; ++i) {
            LegRef[] calldata legs = settlements[i].legs;
            for (uint256 j; j < legs.length; ++j) {
                bool isSettled = settled & 1 == 1;
                settled >>= 1;
                if (!isSettled) continue;
                Leg calldata leg = legs[j].leg;
                address token = _account(leg.token);
                _payOut(token, _account(commit ? leg.onCommit : leg.onAbort), leg.amount - leg.tip);
                if (token != tipToken) {
                    _payTips(tipToken, tips);
                    (tipToken, tips) = (token, 0);
                }
                tips += leg.tip;
            }
        }
        _payTips(tipToken, tips);
    }

    function _payTips(address token, uint256 amount) private {
        if (amount != 0) _payOut(token, msg.sender, amount);
    }

    function _setGuardian(address guardian_) private {
        if (guardian_ == address(0)) revert InvalidAddress(0);
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    function _key(bytes32 dealId, LegRef calldata ref) private pure returns (bytes32) {
        return Digests.lockKey(dealId, ref.index, Digests.legHash(ref.leg, ref.lockBy));
    }

    function _unpack(Lock storage slot) private view returns (LockState state, uint64 escapeRequestedAt) {
        uint256 word = slot.word;
        return (LockState(uint8(word)), uint64(word >> 8));
    }

    function _pack(LockState state, uint256 escapeRequestedAt) private pure returns (uint256) {
        return uint256(state) | escapeRequestedAt << 8;
    }

    /// The address in a word that is proven clean, either by `LegRules` or by the key of an open lock.
    function _account(bytes32 word) private pure returns (address) {
        return address(uint160(uint256(word)));
    }
}
