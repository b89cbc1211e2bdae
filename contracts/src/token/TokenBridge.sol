// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IGateway, IMessageRecipient, IMessageSender} from "../interfaces/IGateway.sol";
import {ITokenBridge} from "../interfaces/ITokenBridge.sol";
import {Addresses} from "../libraries/Addresses.sol";
import {BridgedToken} from "./BridgedToken.sol";
import {RouteAccount} from "./RouteAccount.sol";
import {TokenPayload, Transfer} from "./TokenPayload.sol";
import {TokenRoutes} from "./TokenRoutes.sol";

/// Moves tokens by messages: locked here and minted there, burned there and released here. The gateway vouches that a
/// message was sent once and arrives once; the route's books vouch that there is value behind it; the outflow limit
/// bounds what is lost if either is wrong.
contract TokenBridge is TokenRoutes, ReentrancyGuardTransient {
    using Addresses for address;
    using RouteAccount for ITokenBridge.Route;
    using SafeERC20 for IERC20;

    address public immutable gateway;

    modifier onlyGateway() {
        if (msg.sender != gateway) revert NotGateway(msg.sender);
        _;
    }

    constructor(IGateway gateway_, address owner_, address guardian_) TokenRoutes(owner_, guardian_) {
        if (address(gateway_) == address(0)) revert ZeroAddress();
        gateway = address(gateway_);
    }

    /// @inheritdoc ITokenBridge
    function bridge(address token, uint64 target, bytes32 recipient, uint256 amount, uint64 deadline)
        external
        payable
        nonReentrant
        returns (bytes32)
    {
        return _bridge(token, target, recipient, amount, deadline);
    }

    /// @inheritdoc ITokenBridge
    function bridgeWithPermit(
        address token,
        uint64 target,
        bytes32 recipient,
        uint256 amount,
        uint64 deadline,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external payable nonReentrant returns (bytes32) {
        // Only listed tokens are called. Anyone may have used the permit before this transaction; the allowance it gave
        // is then there already.
        _route(token, target);
        if (token != address(0)) {
            try IERC20Permit(token).permit(msg.sender, address(this), amount, permitDeadline, v, r, s) {} catch {}
        }
        return _bridge(token, target, recipient, amount, deadline);
    }

    /// @inheritdoc IMessageRecipient
    function onMessage(bytes32 id, uint64 source, bytes32 sender, bytes calldata payload)
        external
        onlyGateway
        nonReentrant
    {
        if (sender == 0 || sender != peers[source]) revert UnknownPeer(source, sender);
        Transfer memory transfer = TokenPayload.decode(payload);
        address token = Addresses.toAddressOrZero(transfer.token);
        Route storage route_ = _route(token, source);
        address recipient = Addresses.toAddress(transfer.recipient);
        if (transfer.amount == 0) revert ZeroAmount();
        if (recipient == address(this)) revert InvalidRecipient(transfer.recipient);

        route_.receive_(transfer.amount, transfer.cumulative);
        uint256 amount = transfer.amount * route_.unit();
        emit Received(id, token, source, recipient, amount);
        _give(token, route_.kind, recipient, amount);
    }

    /// @inheritdoc IMessageSender
    function onExpired(bytes32 id, uint64 target, bytes calldata payload) external onlyGateway nonReentrant {
        Transfer memory transfer = TokenPayload.decode(payload);
        (address token, Route storage route_) = _routeOfRemote(target, transfer.token);
        address refundTo = Addresses.toAddress(transfer.refundTo);

        route_.giveBack(transfer.amount);
        uint256 amount = transfer.amount * route_.unit();
        emit Returned(id, token, refundTo, amount);
        _give(token, route_.kind, refundTo, amount);
    }

    /// @inheritdoc ITokenBridge
    function quote(address token, uint64 target) external view returns (uint256 feeWei, uint40 validUntil) {
        return _quote(target, _route(token, target).receiveGas);
    }

    function _bridge(address token, uint64 target, bytes32 recipient, uint256 amount, uint64 deadline)
        private
        returns (bytes32 id)
    {
        if (paused) revert BridgingIsPaused();
        Route storage route_ = _route(token, target);
        bytes32 peer = peers[target];
        if (peer == 0) revert UnknownPeer(target, peer);
        // The remote bridge would refuse such a recipient, and the tokens would be stuck until the message expires.
        if (recipient == 0 || recipient == peer || !_isAddressOn(target, recipient)) {
            revert InvalidRecipient(recipient);
        }
        uint64 wireAmount = route_.toWire(amount);
        (uint256 fee,) = _quote(target, route_.receiveGas);
        uint256 requiredValue = token == address(0) ? fee + amount : fee;
        if (msg.value != requiredValue) revert WrongValue(msg.value, requiredValue);

        bytes memory payload = TokenPayload.encode(
            Transfer({
                token: route_.remoteToken,
                amount: wireAmount,
                recipient: recipient,
                refundTo: msg.sender.toBytes32(),
                cumulative: route_.send(wireAmount)
            })
        );
        _take(token, route_.kind, amount);
        id = IGateway(gateway).send{value: fee}(target, peer, route_.receiveGas, deadline, payload);
        emit Bridged(id, token, target, msg.sender, recipient, amount);
    }

    function _quote(uint64 target, uint64 receiveGas) private view returns (uint256, uint40) {
        return IGateway(gateway).quote(target, receiveGas, TokenPayload.LENGTH);
    }

    /// Locks or burns `amount` of the caller's, or reverts unless exactly that arrived. Native coins came with the call.
    function _take(address token, RouteKind kind, uint256 amount) private {
        if (kind == RouteKind.Mint) {
            BridgedToken(token).burn(msg.sender, amount);
        } else if (token != address(0)) {
            uint256 balanceBefore = IERC20(token).balanceOf(address(this));
            IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
            _requireMoved(balanceBefore, IERC20(token).balanceOf(address(this)), amount);
        }
    }

    /// Releases or mints within the outflow limit, or reverts: the message then stays deliverable.
    function _give(address token, RouteKind kind, address to, uint256 amount) private {
        _consumeOutflow(token, amount);
        if (kind == RouteKind.Mint) {
            BridgedToken(token).mint(to, amount);
        } else if (token != address(0)) {
            uint256 balanceBefore = IERC20(token).balanceOf(address(this));
            IERC20(token).safeTransfer(to, amount);
            _requireMoved(IERC20(token).balanceOf(address(this)), balanceBefore, amount);
        } else if (!_sendNative(to, amount)) {
            revert TransferFailed(token, to, amount);
        }
    }

    function _requireMoved(uint256 lower, uint256 upper, uint256 amount) private pure {
        uint256 moved = upper > lower ? upper - lower : 0;
        if (moved != amount) revert TransferMismatch(moved, amount);
    }

    /// With all gas, which the sender of the message has set; copies no return data.
    function _sendNative(address to, uint256 amount) private returns (bool success) {
        assembly ("memory-safe") {
            success := call(gas(), to, amount, 0, 0, 0, 0)
        }
    }
}
