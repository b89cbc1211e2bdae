// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {Gateway} from "../../src/gateway/Gateway.sol";
import {IGateway} from "../../src/interfaces/IGateway.sol";
import {ITokenBridge} from "../../src/interfaces/ITokenBridge.sol";
import {Addresses} from "../../src/libraries/Addresses.sol";
import {Checkpoint, Message, Multiproof} from "../../src/libraries/Types.sol";
import {BridgedToken} from "../../src/token/BridgedToken.sol";
import {TokenBridge} from "../../src/token/TokenBridge.sol";
import {EcdsaVerifier} from "../../src/verifier/EcdsaVerifier.sol";
import {Certify, Validator} from "../helpers/Certify.sol";
import {PlainToken} from "../helpers/tokens/PlainToken.sol";

/// Two chains in one EVM, told apart by the chain id: real gateways and bridges on both, and a hub that certifies what
/// the gateways sent. The native coin and one token are at home on HOME and minted on AWAY.
abstract contract TokenBridgeBase is Certify {
    using Addresses for address;

    bytes32 internal constant HUB = keccak256("hub");
    uint64 internal constant HOME = 31_337;
    uint64 internal constant AWAY = 56;
    uint64 internal constant START = 1_750_000_000;
    uint64 internal constant RECEIVE_GAS = 300_000;
    uint208 internal constant LIMIT = 1_000_000 ether;
    uint48 internal constant WINDOW = 1 days;
    address internal constant NATIVE = address(0);

    Validator[] internal validators;
    EcdsaVerifier internal verifier;
    Gateway internal homeGateway;
    Gateway internal awayGateway;
    TokenBridge internal home;
    TokenBridge internal away;
    PlainToken internal token;
    BridgedToken internal awayToken;
    BridgedToken internal awayNative;

    address internal owner = makeAddr("timelock");
    address internal guardian = makeAddr("guardian");
    address internal alice;
    uint256 internal aliceKey;
    address internal bob = makeAddr("bob");

    function setUp() public virtual {
        vm.warp(START);
        (alice, aliceKey) = makeAddrAndKey("alice");
        Validator[] memory set = makeSet(1, 4);
        for (uint256 i; i < set.length; ++i) {
            validators.push(set[i]);
        }
        verifier = new EcdsaVerifier(HUB, owner, 1, hashSet(set), START + 3650 days, 30 days, 4);
        vm.chainId(AWAY);
        awayGateway = new Gateway(HUB, verifier, owner, guardian);
        away = new TokenBridge(awayGateway, owner, guardian);
        awayToken = new BridgedToken("Away token", "aTKN", 6, address(away));
        awayNative = new BridgedToken("Away coin", "aETH", 18, address(away));
        vm.chainId(HOME);
        homeGateway = new Gateway(HUB, verifier, owner, guardian);
        home = new TokenBridge(homeGateway, owner, guardian);
        token = new PlainToken("Token", 6);
        connect();
        vm.deal(alice, 1_000 ether);
        token.mint(alice, 1e12);
        vm.prank(alice);
        token.approve(address(home), type(uint256).max);
    }

    function connect() private {
        vm.startPrank(owner);
        vm.chainId(AWAY);
        openGateway(awayGateway, HOME, address(homeGateway));
        away.registerPeer(HOME, address(home).toBytes32());
        away.registerRoute(
            address(awayToken), HOME, address(token).toBytes32(), ITokenBridge.RouteKind.Mint, 6, RECEIVE_GAS
        );
        away.registerRoute(address(awayNative), HOME, 0, ITokenBridge.RouteKind.Mint, 18, RECEIVE_GAS);
        away.setOutflowLimit(address(awayToken), LIMIT, WINDOW);
        away.setOutflowLimit(address(awayNative), LIMIT, WINDOW);
        vm.chainId(HOME);
        openGateway(homeGateway, AWAY, address(awayGateway));
        home.registerPeer(AWAY, address(away).toBytes32());
        home.registerRoute(
            address(token), AWAY, address(awayToken).toBytes32(), ITokenBridge.RouteKind.Lock, 6, RECEIVE_GAS
        );
        home.registerRoute(NATIVE, AWAY, address(awayNative).toBytes32(), ITokenBridge.RouteKind.Lock, 18, RECEIVE_GAS);
        home.setOutflowLimit(address(token), LIMIT, WINDOW);
        home.setOutflowLimit(NATIVE, LIMIT, WINDOW);
        vm.stopPrank();
    }

    function openGateway(Gateway gateway, uint64 chain, address peer) private {
        gateway.setTarget(chain, peer.toBytes32(), 1_000_000, 1_024, true);
        gateway.setFee(chain, 1_000, 1_000, type(uint40).max);
    }

    // ---- both directions

    function gatewayOn(uint64 chain) internal view returns (Gateway) {
        return chain == HOME ? homeGateway : awayGateway;
    }

    function bridgeOn(uint64 chain) internal view returns (TokenBridge) {
        return chain == HOME ? home : away;
    }

    function otherThan(uint64 chain) internal pure returns (uint64) {
        return chain == HOME ? AWAY : HOME;
    }

    function feeFrom(uint64 chain, address asset) internal view returns (uint256 fee) {
        (fee,) = bridgeOn(chain).quote(asset, otherThan(chain));
    }

    /// A deadline that no test outlives by accident.
    function soon() internal view returns (uint64) {
        return uint64(block.timestamp + 1 days);
    }

    /// Bridges and returns the message that the gateway announced. The sender gets back what does not arrive.
    function send(uint64 source, address from, address asset, address to, uint256 amount, uint64 deadline)
        internal
        returns (Message memory)
    {
        return sendFor(source, from, asset, to, amount, deadline, from);
    }

    function sendFor(
        uint64 source,
        address from,
        address asset,
        address to,
        uint256 amount,
        uint64 deadline,
        address refundTo
    ) internal returns (Message memory) {
        vm.chainId(source);
        uint256 value = feeFrom(source, asset) + (asset == NATIVE ? amount : 0);
        vm.deal(from, from.balance + feeFrom(source, asset));
        vm.recordLogs();
        vm.prank(from);
        bridgeOn(source).bridge{value: value}(asset, otherThan(source), to.toBytes32(), amount, deadline, refundTo);
        return sentMessage(source);
    }

    function sendFromHome(address asset, uint256 amount) internal returns (Message memory) {
        return send(HOME, alice, asset, bob, amount, soon());
    }

    /// The message of the recorded `Sent` event.
    function sentMessage(uint64 source) internal returns (Message memory m) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IGateway.Sent.selector) continue;
            (m.version, m.source, m.target) = (1, source, uint64(uint256(logs[i].topics[2])));
            (m.nonce, m.sender, m.recipient, m.timestamp, m.gasLimit, m.deadline, m.payload) =
                abi.decode(logs[i].data, (uint64, bytes32, bytes32, uint64, uint64, uint64, bytes));
        }
        assertEq(m.version, 1, "nothing was sent");
    }

    function idFor(Message memory m) internal view returns (bytes32) {
        return idOf(HUB, address(gatewayOn(m.source)).toBytes32(), address(gatewayOn(m.target)).toBytes32(), m);
    }

    function certifyLeaf(bytes32 leaf)
        internal
        view
        returns (Checkpoint memory c, bytes memory certificate, Multiproof memory proof)
    {
        bytes32[] memory leaves = oneLeaf(leaf);
        c = makeCheckpoint(HUB, GENERAL, 1, validators, outboxRootOf(leaves));
        certificate = certifyQuorum(validators, c);
        proof = singleProof(leaves, 0);
    }

    /// Delivers and says whether the bridge took it.
    function deliver(Message memory m) internal returns (bool) {
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = certifyLeaf(messageLeafOf(idFor(m)));
        vm.chainId(m.target);
        gatewayOn(m.target).deliver(c, certificate, m, proof);
        return gatewayOn(m.target).isConsumed(m.source, m.nonce);
    }

    function expire(Message memory m) internal {
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = certifyLeaf(messageLeafOf(idFor(m)));
        vm.chainId(m.target);
        gatewayOn(m.target).expire(c, certificate, m, proof);
    }

    function refund(Message memory m) internal {
        (Checkpoint memory c, bytes memory certificate, Multiproof memory proof) = certifyLeaf(expiredLeafOf(idFor(m)));
        vm.chainId(m.source);
        gatewayOn(m.source).refund(c, certificate, m, proof);
    }

    function payloadOf(bytes32 asset, uint64 amount, bytes32 recipient, bytes32 refundTo, uint128 cumulative)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(uint8(1), asset, amount, recipient, refundTo, cumulative);
    }
}
