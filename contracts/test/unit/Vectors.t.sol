// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {stdJson} from "forge-std/StdJson.sol";
import {Digests} from "../../src/libraries/Digests.sol";
import {Outbox} from "../../src/libraries/Outbox.sol";
import {EcdsaVerifier} from "../../src/verifier/EcdsaVerifier.sol";
import {IVerifier} from "../../src/interfaces/IVerifier.sol";
import {Checkpoint, Leg, Message, Multiproof} from "../../src/libraries/Types.sol";

/// Gives the libraries the calldata they are written for.
contract DigestsHarness {
    function messageId(bytes32 hubId, bytes32 source, bytes32 target, Message calldata m)
        external
        pure
        returns (bytes32)
    {
        return Digests.messageId(hubId, source, target, m);
    }

    function checkpoint(Checkpoint calldata c) external pure returns (bytes32) {
        return Digests.checkpoint(c);
    }

    function valset(bytes calldata encoding) external pure returns (bytes32) {
        return Digests.valset(encoding);
    }

    function legHash(Leg calldata leg, uint64 lockBy) external pure returns (bytes32) {
        return Digests.legHash(leg, lockBy);
    }

    function verify(bytes32 root, bytes32[] memory leaves, Multiproof calldata proof) external pure {
        Outbox.verify(root, leaves, proof);
    }
}

/// Reads the frozen vectors that Rust writes and reads.
contract VectorsTest is Test {
    using stdJson for string;

    DigestsHarness private harness = new DigestsHarness();
    string private json = vm.readFile("../tests/vectors/wire.json");
    bytes32 private hubId = json.readBytes32(".hub_id");

    function _at(string memory list, uint256 index, string memory field) private pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(index), "].", field);
    }

    function _has(string memory list, uint256 index) private view returns (bool) {
        return vm.keyExistsJson(json, string.concat(".", list, "[", vm.toString(index), "]"));
    }

    function _u64(string memory list, uint256 index, string memory field) private view returns (uint64) {
        return uint64(json.readUint(_at(list, index, field)));
    }

    function _word(string memory list, uint256 index, string memory field) private view returns (bytes32) {
        return json.readBytes32(_at(list, index, field));
    }

    function test_MessageIds() public view {
        uint256 i;
        for (; _has("messages", i); ++i) {
            Message memory m = Message({
                version: uint8(_u64("messages", i, "version")),
                source: _u64("messages", i, "source"),
                target: _u64("messages", i, "target"),
                nonce: _u64("messages", i, "nonce"),
                sender: _word("messages", i, "sender"),
                recipient: _word("messages", i, "recipient"),
                timestamp: _u64("messages", i, "timestamp"),
                gasLimit: _u64("messages", i, "gas_limit"),
                deadline: _u64("messages", i, "deadline"),
                payload: json.readBytes(_at("messages", i, "payload"))
            });
            bytes32 id = harness.messageId(
                hubId, _word("messages", i, "source_gateway"), _word("messages", i, "target_gateway"), m
            );
            assertEq(id, _word("messages", i, "id"));
        }
        assertGe(i, 3, "no vectors were read");
    }

    function test_LegsAndLockKeys() public view {
        uint256 legs;
        for (uint256 d; _has("deals", d); ++d) {
            bytes32 dealId = _word("deals", d, "id");
            uint64 lockBy = _u64("deals", d, "lock_by");
            string memory list = string.concat("deals[", vm.toString(d), "].legs");
            for (uint256 i; _has(list, i); ++i) {
                bytes32 hash = harness.legHash(_leg(list, i), lockBy);
                assertEq(hash, _word(list, i, "hash"));
                assertEq(Digests.lockKey(dealId, uint8(i), hash), _word(list, i, "lock_key"));
                ++legs;
            }
        }
        assertGe(legs, 10, "no vectors were read");
    }

    function _leg(string memory list, uint256 i) private view returns (Leg memory) {
        return Leg({
            chain: _u64(list, i, "chain"),
            escrow: _word(list, i, "escrow"),
            token: _word(list, i, "token"),
            amount: uint128(json.readUint(_at(list, i, "amount"))),
            depositor: _word(list, i, "depositor"),
            onCommit: _word(list, i, "on_commit"),
            onAbort: _word(list, i, "on_abort"),
            escapeAt: _u64(list, i, "escape_at"),
            escapeWindow: _u64(list, i, "escape_window"),
            tip: uint128(json.readUint(_at(list, i, "tip")))
        });
    }

    function test_Leaves() public view {
        uint256 i;
        for (; _has("leaves", i); ++i) {
            uint64 kind = _u64("leaves", i, "type");
            bytes32 hash;
            if (kind == 1) hash = Digests.messageLeaf(_word("leaves", i, "id"));
            else if (kind == 2) hash = Digests.decisionLeaf(_word("leaves", i, "id"), _u64("leaves", i, "bit") == 1);
            else if (kind == 3) hash = Digests.expiredLeaf(_word("leaves", i, "id"));
            else hash = _rotateLeaf(i);
            assertEq(hash, _word("leaves", i, "hash"));
        }
        assertEq(i, 5);
    }

    function _rotateLeaf(uint256 i) private view returns (bytes32) {
        return Digests.rotateLeaf(
            _u64("leaves", i, "epoch"), _word("leaves", i, "valset_hash"), _u64("leaves", i, "expires_at")
        );
    }

    function test_Multiproofs() public view {
        uint256 proofs;
        for (uint256 o; _has("outboxes", o); ++o) {
            bytes32[] memory leaves = json.readBytes32Array(_at("outboxes", o, "leaves"));
            string memory list = string.concat("outboxes[", vm.toString(o), "].proofs");
            for (uint256 i; _has(list, i); ++i) {
                uint256[] memory wide = json.readUintArray(_at(list, i, "indices"));
                Multiproof memory proof = Multiproof({
                    count: uint32(leaves.length),
                    indices: new uint32[](wide.length),
                    nodes: json.readBytes32Array(_at(list, i, "nodes"))
                });
                bytes32[] memory chosen = new bytes32[](wide.length);
                for (uint256 j; j < wide.length; ++j) {
                    proof.indices[j] = uint32(wide[j]);
                    chosen[j] = leaves[wide[j]];
                }
                harness.verify(_word("outboxes", o, "root"), chosen, proof);
                ++proofs;
            }
        }
        assertGe(proofs, 16, "no vectors were read");
    }

    function test_Certificates() public {
        vm.warp(1_750_000_200);
        uint256 i;
        for (; _has("certificates", i); ++i) {
            Checkpoint memory c = Checkpoint({
                hubId: hubId,
                kind: uint8(_u64("certificates", i, "checkpoint.kind")),
                epoch: _u64("certificates", i, "checkpoint.epoch"),
                valsetHash: _word("certificates", i, "checkpoint.valset_hash"),
                height: _u64("certificates", i, "checkpoint.height"),
                time: _u64("certificates", i, "checkpoint.time"),
                outboxRoot: _word("certificates", i, "checkpoint.outbox_root"),
                stateRoot: _word("certificates", i, "checkpoint.state_root")
            });
            assertEq(harness.checkpoint(c), _word("certificates", i, "digest"));
            assertEq(harness.valset(json.readBytes(_at("certificates", i, "set"))), c.valsetHash);
            EcdsaVerifier verifier = new EcdsaVerifier(hubId, address(this), 1, c.valsetHash, 1_900_000_000, 7 days, 1);
            bytes memory certificate = json.readBytes(_at("certificates", i, "certificate"));
            if (!json.readBool(_at("certificates", i, "valid"))) {
                vm.expectPartialRevert(IVerifier.BelowQuorum.selector);
            }
            verifier.verify(c, certificate, c.kind);
        }
        assertEq(i, 3);
    }
}
