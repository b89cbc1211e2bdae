// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Gateway} from "../../src/gateway/Gateway.sol";
import {EcdsaVerifier} from "../../src/verifier/EcdsaVerifier.sol";
import {Checkpoint, Message, Multiproof} from "../../src/libraries/Types.sol";
import {Certify, Validator} from "./Certify.sol";
import {Quiet} from "./Recipients.sol";

/// A gateway with four validators of equal weight and two peers: an EVM chain and one with 32-byte addresses.
abstract contract GatewayFixture is Certify {
    bytes32 internal constant HUB = keccak256("hub");
    uint64 internal constant EPOCH = 7;
    uint64 internal constant REMOTE = 56;
    uint64 internal constant ASSIGNED = (1 << 63) + 5;
    bytes32 internal constant REMOTE_GATEWAY = bytes32(uint256(0xb0b));
    bytes32 internal constant ASSIGNED_GATEWAY = keccak256("a 32-byte account");
    uint64 internal constant NOW = 1_800_000_000;
    uint64 internal constant EXPIRES_AT = NOW + 90 days;
    uint64 internal constant GRACE = 10 days;

    address internal owner = makeAddr("owner");
    address internal guardian = makeAddr("guardian");
    address internal user = makeAddr("user");
    Validator[] internal set;
    EcdsaVerifier internal verifier;
    Gateway internal gateway;
    Quiet internal quiet;
    uint64 internal here;

    function setUp() public virtual {
        vm.warp(NOW);
        here = uint64(block.chainid);
        Validator[] memory four = makeSet(1, 4);
        for (uint256 i; i < 4; ++i) {
            set.push(four[i]);
        }
        verifier = new EcdsaVerifier(HUB, owner, EPOCH, hashSet(set), EXPIRES_AT, GRACE, 4);
        gateway = new Gateway(HUB, verifier, owner, guardian);
        quiet = new Quiet();
        vm.startPrank(owner);
        gateway.setTarget(REMOTE, REMOTE_GATEWAY, 2_000_000, 4096, true);
        gateway.setTarget(ASSIGNED, ASSIGNED_GATEWAY, 200_000, 512, false);
        gateway.setFee(REMOTE, 1_000, 50_000, uint40(NOW + 1 days));
        gateway.setFee(ASSIGNED, 0, 0, uint40(NOW + 1 days));
        vm.stopPrank();
        vm.deal(user, 100 ether);
    }

    function b32(address account) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }

    /// A message from the remote EVM chain to `recipient` here.
    function inbound(uint64 nonce, address recipient) internal view returns (Message memory) {
        return Message({
            version: 1,
            source: REMOTE,
            target: here,
            nonce: nonce,
            sender: bytes32(uint256(0xa11ce)),
            recipient: b32(recipient),
            timestamp: NOW - 60,
            gasLimit: 100_000,
            deadline: 0,
            payload: abi.encode(keccak256(abi.encode("payload", nonce)))
        });
    }

    /// The id of a message that came here from another chain.
    function inboundId(Message memory m) internal view returns (bytes32) {
        return idOf(HUB, m.source == REMOTE ? REMOTE_GATEWAY : ASSIGNED_GATEWAY, b32(address(gateway)), m);
    }

    /// The id of a message that was sent here.
    function outboundId(Message memory m) internal view returns (bytes32) {
        return idOf(HUB, b32(address(gateway)), m.target == REMOTE ? REMOTE_GATEWAY : ASSIGNED_GATEWAY, m);
    }

    function messageLeaves(Message[] memory messages) internal view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](messages.length);
        for (uint256 i; i < messages.length; ++i) {
            leaves[i] = messageLeafOf(inboundId(messages[i]));
        }
    }

    function certified(bytes32 outboxRoot) internal view returns (Checkpoint memory c, bytes memory certificate) {
        c = makeCheckpoint(HUB, GENERAL, EPOCH, set, outboxRoot);
        certificate = certifyQuorum(set, c);
    }

    function one(Message memory m) internal pure returns (Message[] memory messages) {
        messages = new Message[](1);
        messages[0] = m;
    }

    function deliver(Message memory m) internal {
        bytes32[] memory leaves = oneLeaf(messageLeafOf(inboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        gateway.deliver(c, certificate, m, singleProof(leaves, 0));
    }

    function deliverBatch(Message[] memory messages) internal {
        bytes32[] memory leaves = messageLeaves(messages);
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        gateway.deliverBatch(c, certificate, messages, multiproofOfAll(leaves));
    }

    function expire(Message memory m) internal {
        bytes32[] memory leaves = oneLeaf(messageLeafOf(inboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        gateway.expire(c, certificate, m, singleProof(leaves, 0));
    }

    function refund(Message memory m) internal {
        bytes32[] memory leaves = oneLeaf(expiredLeafOf(outboundId(m)));
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        gateway.refund(c, certificate, m, singleProof(leaves, 0));
    }
}
