// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Escrow} from "../../src/escrow/Escrow.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {Checkpoint, Leg, LegRef, Multiproof, Settlement} from "../../src/libraries/Types.sol";
import {Certify, Validator} from "../helpers/Certify.sol";
import {PickyPayee} from "../helpers/Payees.sol";
import {Mode, ModalToken} from "../helpers/tokens/ModalToken.sol";

enum Decision {
    None,
    Commit,
    Abort
}

struct Deal {
    bytes32 id;
    LegRef[] legs;
    Decision decision;
    /// An escape of a COMMIT was executed before its settlement: the timing that S1 assumes was broken.
    bool late;
}

/// Everyone who can touch the escrow, doing it in any order: depositors, settlers, an attacker, the guardian, the clock,
/// and a hub that keeps the one promise S1 and S4 rest on, one decision a deal, signed once.
contract EscrowHandler is Certify {
    /// A settlement that nobody certified went through.
    bool public forged;
    /// A lock was opened although the guardian had paused locking.
    bool public lockedWhilePaused;
    /// A lock was paid by a decision and by an escape.
    bool public paidTwice;
    /// Locks that their depositor gave up.
    mapping(bytes32 key => bool) public cancelled;

    bytes32 private immutable HUB;
    uint64 private immutable EPOCH;
    Escrow public immutable escrow;
    ModalToken[2] public tokens;
    Validator[] private validators;

    uint256 private constant DEPOSITOR_KEY = 0xA11CE;
    address public immutable DEPOSITOR;
    address public constant SETTLER = address(0x5E771E);
    address public constant ATTACKER = address(0xBAD);
    uint256 public constant FUNDS = 1e30;
    uint256 private constant MAX_DEALS = 12;
    uint256 private constant MAX_LEGS = 4;

    Deal[] private deals;
    PickyPayee[] public payees;
    /// What each account must have got so far, paid out or credited.
    mapping(address account => mapping(address asset => uint256)) public owed;
    mapping(address asset => uint256) public openLocks;
    mapping(address asset => uint256) public everLocked;

    constructor(Escrow escrow_, Validator[] memory set, bytes32 hubId, uint64 epoch) {
        (escrow, HUB, EPOCH) = (escrow_, hubId, epoch);
        DEPOSITOR = vm.addr(DEPOSITOR_KEY);
        for (uint256 i; i < set.length; ++i) {
            validators.push(set[i]);
        }
        for (uint256 i; i < 3; ++i) {
            payees.push(new PickyPayee());
        }
        for (uint256 i; i < 2; ++i) {
            tokens[i] = new ModalToken();
            tokens[i].mint(DEPOSITOR, FUNDS);
            vm.prank(DEPOSITOR);
            tokens[i].approve(address(escrow_), type(uint256).max);
        }
        vm.deal(DEPOSITOR, FUNDS);
    }

    modifier withDeals() {
        if (deals.length == 0) return;
        _;
    }

    // ---- operations

    function openDeal(uint256 seed) external {
        if (deals.length == MAX_DEALS) return;
        Deal storage deal = deals.push();
        deal.id = keccak256(abi.encode("deal", deals.length, seed));
        uint256 count = 2 + seed % (MAX_LEGS - 1);
        for (uint8 i; i < count; ++i) {
            deal.legs.push(_leg(i, uint256(keccak256(abi.encode(seed, i)))));
        }
    }

    function lock(uint256 dealSeed, uint256 legSeed, bool compact) external withDeals {
        (Deal storage deal, LegRef memory ref) = _pick(dealSeed, legSeed);
        _lock(deal.id, ref, compact);
    }

    /// Whoever holds the depositor's signature locks for it.
    function lockSigned(uint256 dealSeed, uint256 legSeed) external withDeals {
        (Deal storage deal, LegRef memory ref) = _pick(dealSeed, legSeed);
        uint256 deadline = block.timestamp;
        bytes memory signature = _signLock(deal.id, ref, deadline);
        vm.prank(SETTLER);
        escrow.lockWithSignature(deal.id, ref, deadline, signature);
        _countLock(ref.leg);
    }

    function cancelLock(uint256 dealSeed, uint256 legSeed) external withDeals {
        (Deal storage deal, LegRef memory ref) = _pick(dealSeed, legSeed);
        vm.prank(DEPOSITOR);
        escrow.cancelLock(deal.id, ref);
        cancelled[_key(deal.id, ref)] = true;
    }

    /// Paused one time in four, so that most sequences still get somewhere.
    function setPaused(uint256 seed) external {
        address guardian = escrow.guardian();
        vm.prank(guardian);
        escrow.setLocksPaused(seed % 4 == 0);
    }

    /// Every party keeps its word, which is what a COMMIT needs.
    function lockAll(uint256 dealSeed) external withDeals {
        Deal storage deal = deals[dealSeed % deals.length];
        for (uint256 i; i < deal.legs.length; ++i) {
            if (_state(deal.id, deal.legs[i]) == IEscrow.LockState.None) _lock(deal.id, deal.legs[i], false);
        }
    }

    /// The hub decides: COMMIT only when every leg is locked, and never again after that.
    function decide(uint256 dealSeed) external withDeals {
        Deal storage deal = deals[dealSeed % deals.length];
        if (deal.decision != Decision.None) return;
        bool allLocked = true;
        for (uint256 i; i < deal.legs.length; ++i) {
            if (_state(deal.id, deal.legs[i]) != IEscrow.LockState.Locked) allLocked = false;
        }
        deal.decision = allLocked ? Decision.Commit : Decision.Abort;
    }

    /// Settles every decided deal of one kind from `first` on, in one batch, which may name its first legs twice.
    function settle(uint256 first, bool commit, bool twice) external withDeals {
        Decision wanted = commit ? Decision.Commit : Decision.Abort;
        uint256 count;
        Settlement[] memory batch = new Settlement[](deals.length);
        for (uint256 i = first % deals.length; i < deals.length; ++i) {
            if (deals[i].decision == wanted) batch[count++] = Settlement(deals[i].id, commit, deals[i].legs);
        }
        if (count == 0) return;
        assembly ("memory-safe") {
            mstore(batch, count)
        }
        // Counted first: once settled, the states no longer say what was paid.
        for (uint256 i; i < count; ++i) {
            _countSettlement(batch[i]);
        }
        if (twice) batch[0].legs = _doubled(batch[0].legs);
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = _certify(batch);
        vm.prank(SETTLER);
        escrow.settle(c, certificate, batch, proof);
    }

    /// An attacker holds real certificates, also of other deals, and calls with legs and bits of its own making.
    function forge(uint256 dealSeed, uint256 legSeed, uint256 certifiedSeed, uint256 how) external withDeals {
        (Deal storage deal, LegRef memory ref) = _pick(dealSeed, legSeed);
        how %= 6;
        Deal storage certified = how < 4 ? deal : deals[certifiedSeed % deals.length];
        if (certified.decision == Decision.None || (how >= 4 && certified.id == deal.id)) return;
        LegRef[] memory legs = new LegRef[](1);
        legs[0] = ref;
        bool commit = certified.decision == Decision.Commit;
        Settlement[] memory batch = new Settlement[](1);
        batch[0] = Settlement(certified.id, commit, legs);
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = _certify(batch);
        bytes32 attacker = bytes32(uint256(uint160(ATTACKER)));
        if (how == 0) batch[0].commit = !commit;
        if (how == 1) ref.leg.onCommit = attacker;
        if (how == 2) ref.leg.onAbort = attacker;
        if (how == 3) ref.leg.amount += 1;
        // In the remaining case another deal's decision is to settle this deal's leg as if it were its own.
        if (how == 4) batch[0].dealId = deal.id;
        vm.prank(ATTACKER);
        // Remembered rather than reverted, which would undo the theft and hide it.
        try escrow.settle(c, certificate, batch, proof) {
            forged = true;
        } catch {}
    }

    function requestEscape(uint256 dealSeed, uint256 legSeed) external withDeals {
        (Deal storage deal, LegRef memory ref) = _pick(dealSeed, legSeed);
        escrow.requestEscape(deal.id, ref);
    }

    /// S1 assumes that a certified COMMIT settles everywhere before any escape of its deal can execute.
    function executeEscape(uint256 dealSeed, uint256 legSeed) external withDeals {
        (Deal storage deal, LegRef memory ref) = _pick(dealSeed, legSeed);
        if (deal.decision == Decision.Commit) return;
        escrow.executeEscape(deal.id, ref);
        // An escape proven to the hub makes it abort, if it had not decided.
        deal.decision = Decision.Abort;
        _countEscape(ref.leg);
    }

    /// A certified COMMIT and an escape of the same lock, in either order: whichever comes first is all that is paid. The
    /// other legs of a deal whose escape was first may be released all the same: there the hub's timing was broken.
    function raceCommit(uint256 dealSeed, uint256 legSeed, bool escapeFirst) external withDeals {
        (Deal storage deal, LegRef memory ref) = _pick(dealSeed, legSeed);
        if (deal.decision != Decision.Commit || _state(deal.id, ref) != IEscrow.LockState.Locked) return;
        (, uint64 requestedAt) = escrow.locks(_key(deal.id, ref));
        if (requestedAt == 0) {
            if (block.timestamp < ref.leg.escapeAt) vm.warp(ref.leg.escapeAt);
            escrow.requestEscape(deal.id, ref);
        }
        (, requestedAt) = escrow.locks(_key(deal.id, ref));
        uint256 executableAt = requestedAt + ref.leg.escapeWindow;
        if (block.timestamp < executableAt) vm.warp(executableAt);
        if (escapeFirst) {
            escrow.executeEscape(deal.id, ref);
            _countEscape(ref.leg);
            deal.late = true;
            if (_trySettle(deal.id, ref)) paidTwice = true;
        } else {
            LegRef[] memory legs = new LegRef[](1);
            legs[0] = ref;
            // Counted as paid whatever comes of it, so that S2 notices if a certified COMMIT is refused.
            _countSettlement(Settlement(deal.id, true, legs));
            _trySettle(deal.id, ref);
            try escrow.executeEscape(deal.id, ref) {
                paidTwice = true;
            } catch {}
        }
    }

    /// Pushes the first credit there is to an account that takes it.
    function withdrawCredit(uint256 start) external {
        for (uint256 i; i < 9; ++i) {
            uint256 at = (start % 9 + i) % 9;
            (address account, address asset) = (address(payees[at / 3]), assets(at % 3));
            if (escrow.credits(account, asset) == 0) continue;
            payees[at / 3].setOpen(true);
            return escrow.withdrawCredit(asset, account);
        }
    }

    function setPayeeOpen(uint256 payeeSeed, bool open) external {
        payees[payeeSeed % payees.length].setOpen(open);
    }

    function setTokenMode(uint256 tokenSeed, uint256 modeSeed) external {
        Mode[8] memory modes = [
            Mode.Plain,
            Mode.ReturnsNothing,
            Mode.ReturnsFalse,
            Mode.FalseButMoves,
            Mode.TrueWithoutMoving,
            Mode.Reverts,
            Mode.FeeOnSender,
            Mode.ReturnBomb
        ];
        tokens[tokenSeed % 2].setMode(modes[modeSeed % 8]);
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 18 hours));
    }

    // ---- views for the invariants

    function dealCount() external view returns (uint256) {
        return deals.length;
    }

    function dealAt(uint256 i) external view returns (Deal memory) {
        return deals[i];
    }

    function payeeCount() external view returns (uint256) {
        return payees.length;
    }

    /// 0 is the native coin.
    function assets(uint256 i) public view returns (address) {
        return i == 0 ? address(0) : address(tokens[i - 1]);
    }

    // ---- helpers

    function _lock(bytes32 dealId, LegRef memory ref, bool compact) private {
        Leg memory leg = ref.leg;
        address asset = _account(leg.token);
        uint256 value = asset == address(0) ? leg.amount : 0;
        vm.prank(DEPOSITOR);
        if (compact) {
            uint256 escape = uint256(leg.escapeAt) << 64 | leg.escapeWindow;
            uint256 terms = uint256(ref.index) << 192 | uint256(ref.lockBy) << 128 | escape;
            uint256 amounts = uint256(leg.amount) << 128 | leg.tip;
            escrow.lockCompact{value: value}(
                dealId, asset, _account(leg.onCommit), _account(leg.onAbort), amounts, terms
            );
        } else {
            escrow.lock{value: value}(dealId, ref);
        }
        _countLock(leg);
    }

    function _countLock(Leg memory leg) private {
        if (escrow.paused()) lockedWhilePaused = true;
        address asset = _account(leg.token);
        openLocks[asset] += leg.amount;
        everLocked[asset] += leg.amount;
    }

    function _countEscape(Leg memory leg) private {
        address asset = _account(leg.token);
        owed[_account(leg.onAbort)][asset] += leg.amount;
        openLocks[asset] -= leg.amount;
    }

    function _trySettle(bytes32 dealId, LegRef memory ref) private returns (bool settled) {
        Settlement[] memory batch = new Settlement[](1);
        batch[0] = Settlement(dealId, true, new LegRef[](1));
        batch[0].legs[0] = ref;
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = _certify(batch);
        vm.prank(SETTLER);
        try escrow.settle(c, certificate, batch, proof) {
            settled = true;
        } catch {}
    }

    function _doubled(LegRef[] memory legs) private pure returns (LegRef[] memory twice) {
        twice = new LegRef[](legs.length * 2);
        for (uint256 i; i < twice.length; ++i) {
            twice[i] = legs[i / 2];
        }
    }

    function _signLock(bytes32 dealId, LegRef memory ref, uint256 deadline) private view returns (bytes memory) {
        bytes32 typeHash = keccak256("Lock(bytes32 dealId,uint8 index,bytes32 legHash,uint256 deadline)");
        bytes32 legHash = legHashOf(ref.leg, ref.lockBy);
        bytes32 body = keccak256(abi.encode(typeHash, dealId, ref.index, legHash, deadline));
        return sign(DEPOSITOR_KEY, keccak256(abi.encodePacked(hex"1901", escrow.domainSeparator(), body)));
    }

    function _leg(uint8 index, uint256 seed) private view returns (LegRef memory ref) {
        ref.index = index;
        ref.lockBy = uint64(block.timestamp + 12 hours);
        ref.leg = Leg({
            chain: uint64(block.chainid),
            escrow: bytes32(uint256(uint160(address(escrow)))),
            token: bytes32(uint256(uint160(assets(seed % 3)))),
            amount: uint128(1 + (seed >> 8) % 1e24),
            depositor: bytes32(uint256(uint160(DEPOSITOR))),
            onCommit: bytes32(uint256(uint160(address(payees[(seed >> 16) % payees.length])))),
            onAbort: bytes32(uint256(uint160(address(payees[(seed >> 24) % payees.length])))),
            escapeAt: uint64(block.timestamp + 1 days),
            escapeWindow: 1 days,
            tip: 0
        });
        ref.leg.tip = uint128((seed >> 32) % ref.leg.amount);
    }

    function _pick(uint256 dealSeed, uint256 legSeed) private view returns (Deal storage deal, LegRef memory ref) {
        deal = deals[dealSeed % deals.length];
        ref = deal.legs[legSeed % deal.legs.length];
    }

    function _countSettlement(Settlement memory s) private {
        for (uint256 i; i < s.legs.length; ++i) {
            Leg memory leg = s.legs[i].leg;
            if (_state(s.dealId, s.legs[i]) != IEscrow.LockState.Locked) continue;
            address asset = _account(leg.token);
            owed[_account(s.commit ? leg.onCommit : leg.onAbort)][asset] += leg.amount - leg.tip;
            owed[SETTLER][asset] += leg.tip;
            openLocks[asset] -= leg.amount;
        }
    }

    function _certify(Settlement[] memory batch)
        private
        view
        returns (Checkpoint memory c, bytes memory certificate, Multiproof memory proof)
    {
        bytes32[] memory leaves = new bytes32[](batch.length);
        for (uint256 i; i < batch.length; ++i) {
            leaves[i] = decisionLeafOf(batch[i].dealId, batch[i].commit);
        }
        c = makeCheckpoint(HUB, batch[0].commit ? COMMITS : GENERAL, EPOCH, validators, outboxRootOf(leaves));
        certificate = certifyQuorum(validators, c);
        proof = multiproofOfAll(leaves);
    }

    function _state(bytes32 dealId, LegRef memory ref) private view returns (IEscrow.LockState state) {
        (state,) = escrow.locks(_key(dealId, ref));
    }

    function _key(bytes32 dealId, LegRef memory ref) private pure returns (bytes32) {
        return lockKeyOf(dealId, ref.index, legHashOf(ref.leg, ref.lockBy));
    }

    function _account(bytes32 word) private pure returns (address) {
        return address(uint160(uint256(word)));
    }
}
