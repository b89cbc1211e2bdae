// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Addresses} from "../../src/libraries/Addresses.sol";
import {Checkpoint, LegRef, Multiproof, Settlement} from "../../src/libraries/Types.sol";
import {EscrowBase} from "./EscrowBase.t.sol";

/// What a user pays, as mined: every measured call is a transaction of its own on cold storage, with its intrinsic and
/// calldata gas. Limits are the published targets.
/// forge-config: default.isolate = true
contract GasEscrowTest is EscrowBase {
    using Addresses for address;

    uint256 private constant BATCH = 10;

    function setUp() public override {
        super.setUp();
        // Existing recipients and an escrow that is already in use.
        vm.deal(settler, 1 ether);
        token.mint(settler, 1);
        token.mint(address(escrow), 1);
        vm.deal(address(escrow), 1);
    }

    function test_lockNative() public {
        assertGas("lock native, compact", measureCompact(nativeLeg()), 51_000);
        vm.snapshotValue("gas", "lock native, full leg", measureLock(nativeLeg()));
    }

    function test_lockToken() public {
        assertGas("lock ERC-20, compact", measureCompact(tokenLeg()), 70_000);
        vm.snapshotValue("gas", "lock ERC-20, full leg", measureLock(tokenLeg()));
    }

    function test_settleNativeBatch() public {
        assertGas("settle native, leg of a batch of 10", measureSettle(address(0), 0, true), 40_000);
        assertGas("settle native with tip, leg of a batch of 10", measureSettle(address(0), 0.001 ether, true), 40_000);
        assertGas("refund native, leg of a batch of 10", measureSettle(address(0), 0, false), 40_000);
    }

    function test_settleTokenBatch() public {
        assertGas("settle ERC-20, leg of a batch of 10", measureSettle(address(token), 0, true), 49_000);
        assertGas("settle ERC-20 with tip, leg of 10", measureSettle(address(token), 0.001 ether, true), 49_000);
        assertGas("refund ERC-20, leg of a batch of 10", measureSettle(address(token), 0, false), 49_000);
    }

    function test_settleOne() public {
        bytes32 dealId = keccak256("single");
        LegRef memory ref = nativeLeg();
        lockAlice(dealId, ref);
        vm.deal(bob, 1 ether);
        settleOne(dealId, true, ref);
        vm.snapshotValue("gas", "settle native, alone", vm.lastCallGas().gasTotalUsed);
    }

    function measureLock(LegRef memory ref) private returns (uint256) {
        lockAlice(keccak256("full"), ref);
        return vm.lastCallGas().gasTotalUsed;
    }

    function measureCompact(LegRef memory ref) private returns (uint256) {
        lockCompactAs(alice, keccak256("compact"), ref);
        return vm.lastCallGas().gasTotalUsed;
    }

    /// Ten deals with one leg each, to ten different recipients who hold something already.
    function measureSettle(address asset, uint128 tip, bool commit) private returns (uint256) {
        Settlement[] memory batch = new Settlement[](BATCH);
        for (uint256 i; i < BATCH; ++i) {
            bytes32 dealId = keccak256(abi.encode("batch", asset, tip, commit, i));
            address recipient = makeAddr(vm.toString(dealId));
            vm.deal(recipient, 1 ether);
            token.mint(recipient, 1);
            LegRef memory ref = legOf(asset, AMOUNT, tip);
            ref.leg.onCommit = recipient.toBytes32();
            ref.leg.onAbort = recipient.toBytes32();
            lockAlice(dealId, ref);
            batch[i] = settlementOf(dealId, commit, ref);
        }
        settleBatch(batch);
        return vm.lastCallGas().gasTotalUsed / BATCH;
    }

    function assertGas(string memory what, uint256 used, uint256 limit) private {
        vm.snapshotValue("gas", what, used);
        assertLe(used, limit, what);
    }
}
