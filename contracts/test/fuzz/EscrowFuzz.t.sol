// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {LegRef} from "../../src/libraries/Types.sol";
import {EscrowBase} from "../unit/EscrowBase.t.sol";

contract EscrowFuzzTest is EscrowBase {
    using Addresses for address;

    bytes32 private constant DEAL = keccak256("deal");

    /// The compact form refuses what the full one refuses, for the same reason, and opens the same lock.
    function testFuzz_compactAgreesWithFull(LegRef memory ref, uint256 seed) public {
        ref = plausible(ref, seed);
        uint256 value = ref.leg.token == 0 ? ref.leg.amount : 0;
        vm.deal(alice, type(uint128).max);
        bytes memory full = abi.encodeCall(IEscrow.lock, (DEAL, ref));
        bytes memory compact = abi.encodeCall(
            IEscrow.lockCompact,
            (
                DEAL,
                accountOf(ref.leg.token),
                accountOf(ref.leg.onCommit),
                accountOf(ref.leg.onAbort),
                amountsOf(ref),
                termsOf(ref)
            )
        );
        uint256 snapshot = vm.snapshotState();
        (bool fullWorks, bytes memory fullReason, IEscrow.LockState fullState) = attempt(full, value, ref);
        vm.revertToState(snapshot);
        (bool compactWorks, bytes memory compactReason, IEscrow.LockState compactState) = attempt(compact, value, ref);
        assertEq(fullWorks, compactWorks, "one works and one does not");
        assertEq(uint8(fullState), uint8(compactState), "another lock");
        assertEq(uint8(fullState), uint8(fullWorks ? IEscrow.LockState.Locked : IEscrow.LockState.None));
        // Where several rules are broken the two may name different ones.
        assertEq(fullReason.length == 0, compactReason.length == 0);
    }

    function testFuzz_keyIsTheProtocols(bytes32 dealId, LegRef memory ref) public view {
        assertEq(escrow.lockKey(dealId, ref), keyOf(dealId, ref));
    }

    /// One lock has one calldata: a set bit above an integer's width is refused by every function.
    function testFuzz_refusesIntegersWiderThanTheirType(uint256 field, uint256 bit) public {
        LegRef memory ref = legOf(address(0), AMOUNT, 5);
        uint256[8] memory words = [uint256(1), 2, 3, 6, 10, 11, 12, 2];
        uint256[8] memory widths = [uint256(8), 64, 64, 128, 64, 64, 128, 64];
        field = bound(field, 0, 7);
        bit = bound(bit, widths[field], 255);

        assertRefused(widened(abi.encodeCall(IEscrow.lock, (DEAL, ref)), words[field], bit), AMOUNT);
        lockAlice(DEAL, ref);
        vm.warp(ref.leg.escapeAt);
        assertRefused(widened(abi.encodeCall(IEscrow.requestEscape, (DEAL, ref)), words[field], bit), 0);
        escrow.requestEscape(DEAL, ref);
        vm.warp(ref.leg.escapeAt + ref.leg.escapeWindow);
        assertRefused(widened(abi.encodeCall(IEscrow.executeEscape, (DEAL, ref)), words[field], bit), 0);
        assertRefused(widened(abi.encodeCall(IEscrow.lockKey, (DEAL, ref)), words[field], bit), 0);
    }

    function testFuzz_paysExactlyWhatWasLocked(uint128 amount, uint128 tip, bool commit, bool native) public {
        amount = uint128(bound(amount, 1, 1_000 ether));
        tip = uint128(bound(tip, 0, amount - 1));
        address asset = native ? address(0) : address(token);
        LegRef memory ref = legOf(asset, amount, tip);
        ref.leg.onAbort = makeAddr("on abort").toBytes32();
        lockAlice(DEAL, ref);
        settleOne(DEAL, commit, ref);
        assertEq(holding(asset, bob), commit ? amount - tip : 0);
        assertEq(holding(asset, accountOf(ref.leg.onAbort)), commit ? 0 : amount - tip);
        assertEq(holding(asset, settler), tip);
        assertEq(holding(asset, address(escrow)), 0);
    }

    // ---- helpers

    /// Random values, of which each is made good three times out of four.
    function plausible(LegRef memory ref, uint256 seed) private view returns (LegRef memory) {
        LegRef memory good = legOf(seed & 1 == 0 ? address(0) : address(token), AMOUNT, 5);
        ref.leg.chain = good.leg.chain;
        ref.leg.escrow = good.leg.escrow;
        ref.leg.depositor = good.leg.depositor;
        ref.leg.token = good.leg.token;
        ref.leg.onCommit = accountOf(ref.leg.onCommit).toBytes32();
        ref.leg.onAbort = accountOf(ref.leg.onAbort).toBytes32();
        if (seed >> 8 & 3 != 0) ref.index = good.index;
        if (seed >> 10 & 3 != 0) ref.lockBy = good.lockBy;
        if (seed >> 12 & 3 != 0) ref.leg.amount = good.leg.amount;
        if (seed >> 14 & 3 != 0) ref.leg.tip = good.leg.tip;
        if (seed >> 16 & 3 != 0) ref.leg.escapeAt = good.leg.escapeAt;
        if (seed >> 18 & 3 != 0) ref.leg.escapeWindow = good.leg.escapeWindow;
        if (seed >> 20 & 15 == 0) ref.leg.onCommit = 0;
        if (seed >> 24 & 15 == 0) ref.leg.onAbort = address(escrow).toBytes32();
        return ref;
    }

    function attempt(bytes memory call, uint256 value, LegRef memory ref)
        private
        returns (bool works, bytes memory reason, IEscrow.LockState state)
    {
        vm.prank(alice);
        (works, reason) = address(escrow).call{value: value}(call);
        state = stateOf(DEAL, ref);
    }

    function widened(bytes memory data, uint256 word, uint256 bit) private pure returns (bytes memory) {
        uint256 offset = 0x24 + 32 * word;
        assembly ("memory-safe") {
            let place := add(data, offset)
            mstore(place, or(mload(place), shl(bit, 1)))
        }
        return data;
    }

    function assertRefused(bytes memory call, uint256 value) private {
        vm.prank(alice);
        (bool success,) = address(escrow).call{value: value}(call);
        assertFalse(success, "wide integer accepted");
    }

    function holding(address asset, address account) private view returns (uint256) {
        return asset == address(0) ? account.balance : token.balanceOf(account);
    }
}
