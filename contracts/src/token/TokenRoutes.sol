// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";

import {ITokenBridge} from "../interfaces/ITokenBridge.sol";
import {BridgedToken} from "./BridgedToken.sol";

/// Which tokens travel where, and how fast. The owner, a timelock, can add routes and peers but never change one, so it
/// cannot redirect what is under way; the guardian can stop new transfers and nothing else.
abstract contract TokenRoutes is ITokenBridge {
    using RateLimiter for RateLimiter.RefillingBucket;

    uint8 private constant MAX_WIRE_DECIMALS = 8;
    /// 2^64 wire units of such a token still fit in the limit's 208 bits.
    uint8 private constant MAX_DECIMALS = 36;
    uint8 private constant NATIVE_DECIMALS = 18;
    /// Ids from here on belong to chains whose addresses have 32 bytes.
    uint64 private constant FIRST_ASSIGNED_ID = 1 << 63;
    /// Every token has two buckets of one size: one for what arrives, one for what is given back. With one for both,
    /// whoever lets its own transfers expire and takes them back would use up what others wait for, and lose nothing.
    /// What a forging quorum takes at once is twice the capacity at most; returns never exceed what was taken in here.
    bytes32 private constant ARRIVALS = 0;
    bytes32 private constant RETURNS = bytes32(uint256(1));

    address public immutable owner;
    address public guardian;
    bool public paused;

    /// @inheritdoc ITokenBridge
    mapping(uint64 chain => bytes32) public peers;

    mapping(address token => mapping(uint64 chain => Route)) internal _routes;
    /// The local counterpart of a remote token. Zero is a counterpart too: whether there is one, its route says.
    mapping(uint64 chain => mapping(bytes32 remoteToken => address)) private _localTokens;
    /// The chain for which a token is minted here.
    mapping(address token => uint64 chain) private _homes;
    /// Buckets and not fixed windows, which would let twice the limit pass around their boundary.
    mapping(address token => RateLimiter.RefillingBucket) private _outflows;

    modifier onlyOwner() {
        if (msg.sender != owner) revert Unauthorized(msg.sender);
        _;
    }

    constructor(address owner_, address guardian_) {
        if (owner_ == address(0)) revert ZeroAddress();
        owner = owner_;
        _setGuardian(guardian_);
    }

    /// @inheritdoc ITokenBridge
    function registerRoute(
        address token,
        uint64 chain,
        bytes32 remoteToken,
        RouteKind kind,
        uint8 remoteDecimals,
        uint64 receiveGas
    ) external onlyOwner {
        if (_routes[token][chain].kind != RouteKind.None) revert RouteExists(token, chain);
        address paired = _localTokens[chain][remoteToken];
        if (_routes[paired][chain].kind != RouteKind.None && _routes[paired][chain].remoteToken == remoteToken) {
            revert RouteExists(paired, chain);
        }
        if (!_isPlausible(token, chain, remoteToken, kind) || receiveGas == 0) revert InvalidRoute(token, chain);
        if (kind == RouteKind.Mint) _homes[token] = chain;
        uint8 localDecimals = token == address(0) ? NATIVE_DECIMALS : IERC20Metadata(token).decimals();
        if (localDecimals > MAX_DECIMALS) revert InvalidRoute(token, chain);
        uint8 wireDecimals = _min(_min(localDecimals, remoteDecimals), MAX_WIRE_DECIMALS);

        _localTokens[chain][remoteToken] = token;
        Route storage r = _routes[token][chain];
        (r.remoteToken, r.kind, r.receiveGas) = (remoteToken, kind, receiveGas);
        (r.localDecimals, r.wireDecimals) = (localDecimals, wireDecimals);
        emit RouteRegistered(token, chain, remoteToken, kind, localDecimals, wireDecimals);
        emit ReceiveGasSet(token, chain, receiveGas);
    }

    /// @inheritdoc ITokenBridge
    function registerPeer(uint64 chain, bytes32 peer) external onlyOwner {
        if (peers[chain] != 0) revert PeerExists(chain);
        if (chain == 0 || chain == block.chainid || peer == 0 || !_isAddressOn(chain, peer)) {
            revert UnknownPeer(chain, peer);
        }
        peers[chain] = peer;
        emit PeerRegistered(chain, peer);
    }

    /// @inheritdoc ITokenBridge
    function setReceiveGas(address token, uint64 chain, uint64 receiveGas) external onlyOwner {
        if (receiveGas == 0) revert InvalidRoute(token, chain);
        _route(token, chain).receiveGas = receiveGas;
        emit ReceiveGasSet(token, chain, receiveGas);
    }

    /// @inheritdoc ITokenBridge
    function setOutflowLimit(address token, uint208 capacity, uint48 windowSeconds) external onlyOwner {
        if (windowSeconds == 0) revert ZeroAmount();
        // What has flowed out stays counted at the old rate up to now.
        _outflows[token].sync(ARRIVALS);
        _outflows[token].sync(RETURNS);
        _outflows[token].updateSettings(windowSeconds, capacity);
        emit OutflowLimitSet(token, capacity, windowSeconds);
    }

    /// @inheritdoc ITokenBridge
    function setBridgingPaused(bool paused_) external {
        if (msg.sender != guardian && msg.sender != owner) revert Unauthorized(msg.sender);
        paused = paused_;
        emit BridgingPaused(paused_);
    }

    /// @inheritdoc ITokenBridge
    function setGuardian(address guardian_) external {
        if (msg.sender != guardian && msg.sender != owner) revert Unauthorized(msg.sender);
        _setGuardian(guardian_);
    }

    /// @inheritdoc ITokenBridge
    function route(address token, uint64 chain) external view returns (Route memory) {
        return _route(token, chain);
    }

    /// @inheritdoc ITokenBridge
    function outflowAvailable(address token) public view returns (uint256) {
        return _outflows[token].available(ARRIVALS);
    }

    /// @inheritdoc ITokenBridge
    function returnsAvailable(address token) public view returns (uint256) {
        return _outflows[token].available(RETURNS);
    }

    function _route(address token, uint64 chain) internal view returns (Route storage r) {
        r = _routes[token][chain];
        if (r.kind == RouteKind.None) revert UnknownRoute(token, chain);
    }

    /// The token here that is paired with `remoteToken`, and their route.
    function _routeOfRemote(uint64 chain, bytes32 remoteToken) internal view returns (address token, Route storage r) {
        token = _localTokens[chain][remoteToken];
        r = _route(token, chain);
        if (r.remoteToken != remoteToken) revert UnknownRoute(token, chain);
    }

    function _consumeArrivals(address token, uint256 amount) internal {
        if (!_outflows[token].tryConsume(ARRIVALS, amount)) {
            revert OutflowLimit(token, amount, outflowAvailable(token));
        }
    }

    function _consumeReturns(address token, uint256 amount) internal {
        if (!_outflows[token].tryConsume(RETURNS, amount)) {
            revert OutflowLimit(token, amount, returnsAvailable(token));
        }
    }

    /// The most that can flow out of either bucket in one piece.
    function _outflowCapacity(address token) internal view returns (uint256) {
        return _outflows[token]._capacity;
    }

    /// Whether `word` can be an address of `chain`: on EVM chains its upper bytes are clean.
    function _isAddressOn(uint64 chain, bytes32 word) internal pure returns (bool) {
        return chain >= FIRST_ASSIGNED_ID || uint256(word) >> 160 == 0;
    }

    function _isPlausible(address token, uint64 chain, bytes32 remoteToken, RouteKind kind)
        private
        view
        returns (bool)
    {
        if (chain == 0 || chain == block.chainid || !_isAddressOn(chain, remoteToken)) return false;
        // The remote counterpart of what is locked here is minted there, and no chain mints its native coin for us.
        if (kind == RouteKind.Lock) return remoteToken != 0;
        if (kind == RouteKind.None || token == address(0) || _homes[token] != 0) return false;
        return BridgedToken(token).bridge() == address(this);
    }

    function _setGuardian(address guardian_) private {
        if (guardian_ == address(0)) revert ZeroAddress();
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    function _min(uint8 a, uint8 b) private pure returns (uint8) {
        return a < b ? a : b;
    }
}
