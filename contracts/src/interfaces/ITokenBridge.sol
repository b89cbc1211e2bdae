// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessageRecipient, IMessageSender} from "./IGateway.sol";
import {IPayouts} from "./IPayouts.sol";

/// Moves tokens by messages: locked here and minted there, burned there and released here. A transfer arrives until its
/// deadline, or it is given back to `refundTo` where it came from.
interface ITokenBridge is IMessageRecipient, IMessageSender, IPayouts {
    enum RouteKind {
        None,
        /// The token is at home here: locked when it leaves, released when it returns.
        Lock,
        /// The token stands for a remote one: minted when it arrives, burned when it goes home.
        Mint
    }

    /// One local token paired with one remote token. Totals are in wire units, only grow, and never meet another route.
    struct Route {
        bytes32 remoteToken;
        RouteKind kind;
        uint8 localDecimals;
        /// min(local, remote, 8)
        uint8 wireDecimals;
        /// Gas the remote bridge is given to receive.
        uint64 receiveGas;
        /// Ever locked or burned here: the `cumulative` of the last payload.
        uint128 sent;
        /// Of that, given back since the message expired undelivered.
        uint128 returned;
        /// Ever released or minted here.
        uint128 received;
        /// The highest `cumulative` that the remote bridge has reported.
        uint128 backing;
    }

    event Bridged(
        bytes32 indexed id,
        address indexed token,
        uint64 indexed target,
        address from,
        bytes32 recipient,
        uint256 amount
    );
    event Received(bytes32 indexed id, address indexed token, uint64 indexed source, address recipient, uint256 amount);
    event Returned(bytes32 indexed id, address indexed token, address to, uint256 amount);
    event RouteRegistered(
        address indexed token,
        uint64 indexed chain,
        bytes32 remoteToken,
        RouteKind kind,
        uint8 localDecimals,
        uint8 wireDecimals
    );
    event PeerRegistered(uint64 indexed chain, bytes32 peer);
    event ReceiveGasSet(address indexed token, uint64 indexed chain, uint64 receiveGas);
    event OutflowLimitSet(address indexed token, uint208 capacity, uint48 windowSeconds);
    event BridgingPaused(bool paused);
    event GuardianSet(address guardian);

    error UnknownRoute(address token, uint64 chain);
    error UnknownPeer(uint64 chain, bytes32 sender);
    error NotGateway(address caller);
    error Dust(uint256 amount, uint256 unit);
    error ZeroAmount();
    error InvalidRecipient(bytes32 recipient);
    /// Every transfer has a deadline, at most `MAX_DEADLINE_SECONDS` ahead of this chain's time.
    error InvalidDeadline(uint64 given, uint256 latest);
    /// Nobody's account: zero, the bridge or its gateway.
    error InvalidRefund(address refundTo);
    error OutflowLimit(address token, uint256 amount, uint256 available);
    /// More than the limit lets through at once, so that it could never be given back.
    error AboveOutflowLimit(address token, uint256 amount, uint256 capacity);
    error MintExceedsLocked(uint256 minted, uint256 locked);
    error WrongValue(uint256 given, uint256 required);
    error MalformedPayload();
    error RouteExists(address token, uint64 chain);
    error BridgingIsPaused();
    /// A peer, once registered, is never replaced.
    error PeerExists(uint64 chain);
    /// The route cannot work: see `registerRoute`.
    error InvalidRoute(address token, uint64 chain);
    error AmountTooLarge(uint256 amount, uint256 max);
    error ZeroAddress();

    /// Sends `amount` (in the token's own decimals) of `token` (0 = native) to `recipient` on `target`. `msg.value` is
    /// the gateway's quote, plus `amount` where the token is native. What has not arrived by `deadline`, the last second
    /// of the target's time, goes back to `refundTo` on this chain. Choose one that takes `token`: what it refuses
    /// becomes its credit, which only it can send elsewhere.
    function bridge(address token, uint64 target, bytes32 recipient, uint256 amount, uint64 deadline, address refundTo)
        external
        payable
        returns (bytes32 id);

    /// The fee in wei that `bridge` passes on to the gateway.
    function quote(address token, uint64 target) external view returns (uint256 feeWei, uint40 validUntil);

    /// As `bridge` with an EIP-2612 permit in front, which may already have been used by another.
    function bridgeWithPermit(
        address token,
        uint64 target,
        bytes32 recipient,
        uint256 amount,
        uint64 deadline,
        address refundTo,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external payable returns (bytes32 id);

    /// Pays the caller's own credit to an account of its choice.
    function withdrawCreditTo(address token, address to) external;

    /// Pairs a local token (0 = native) with a token of another chain, for ever. Only the owner. A token minted here must
    /// be a `BridgedToken` of this bridge and has one home; a remote token has one counterpart here.
    function registerRoute(
        address token,
        uint64 chain,
        bytes32 remoteToken,
        RouteKind kind,
        uint8 remoteDecimals,
        uint64 receiveGas
    ) external;

    /// Names the bridge of another chain, for ever. Only the owner.
    function registerPeer(uint64 chain, bytes32 peer) external;

    /// Sets the gas of messages sent from now on. Only the owner.
    function setReceiveGas(address token, uint64 chain, uint64 receiveGas) external;

    /// Sets how much of `token` may flow out here: at most `capacity`, in the token's own decimals, at once, refilled
    /// evenly over `windowSeconds`. Arrivals, and returns of what expired, have this limit each, so that the one does not
    /// use up the other: both together, twice `capacity` at once is the most. Without a limit nothing flows out, and
    /// nothing is taken in that could then not be given back. Only the owner.
    function setOutflowLimit(address token, uint208 capacity, uint48 windowSeconds) external;

    /// Stops or allows new transfers out of this chain, and nothing else. The guardian or the owner.
    function setBridgingPaused(bool paused_) external;

    /// The guardian passes its role on, or the owner replaces it.
    function setGuardian(address guardian_) external;

    function gateway() external view returns (address);
    function owner() external view returns (address);
    function guardian() external view returns (address);
    function paused() external view returns (bool);
    function peers(uint64 chain) external view returns (bytes32);
    function route(address token, uint64 chain) external view returns (Route memory);
    /// How much of `token` may be released or minted to recipients at this moment.
    function outflowAvailable(address token) external view returns (uint256);
    /// How much of `token` may be given back at this moment.
    function returnsAvailable(address token) external view returns (uint256);
}
