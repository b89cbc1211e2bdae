// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IGateway, IMessageRecipient, IMessageSender} from "../interfaces/IGateway.sol";
import {ITokenBridge} from "../interfaces/ITokenBridge.sol";
import {Addresses} from "../libraries/Addresses.sol";
import {Payouts} from "../payouts/Payouts.sol";
import {BridgedToken} from "./BridgedToken.sol";
import {RouteAccount} from "./RouteAccount.sol";
import {TokenPayload, Transfer} from "./TokenPayload.sol";
import {TokenRoutes} from "./TokenRoutes.sol";

/// Moves tokens by messages: locked here and minted there, burned there and released here. The gateway vouches that a
/// message was sent once and arrives once; the route's books vouch that there is value behind it; the outflow limit
/// bounds what is lost if either is wrong.
///
/// No transfer is stuck for ever: each has a deadline, after which anyone can have it expired there and given back here,
/// and what cannot be given back becomes a credit.
contract TokenBridge is TokenRoutes, Payouts {
    using Addresses for address;
    using RouteAccount for ITokenBridge.Route;
    using SafeERC20 for IERC20;

    /// Most seconds that a deadline may lie ahead: how long somebody's money may wait for a delivery that never comes.
    uint256 public constant MAX_DEADLINE_SECONDS = 30 days;

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
    function bridge(address token, uint64 target, bytes32 recipient, uint256 amount, uint64 deadline, address refundTo)
        external
        payable
        nonReentrant
        returns (bytes32)
    {
        return _bridge(token, target, recipient, amount, deadline, refundTo);
    }

    /// @inheritdoc ITokenBridge
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
    ) external payable nonReentrant returns (bytes32) {
        // Only listed tokens are called. Anyone may have used the permit before this transaction; the allowance it gave
        // is then there already.
        _route(token, target);
        if (token != address(0)) {
            try IERC20Permit(token).permit(msg.sender, address(this), amount, permitDeadline, v, r, s) {} catch {}
        }
        return _bridge(token, target, recipient, amount, deadline, refundTo);
    }

    /// Releases or mints, or reverts. A recipient that cannot be paid gets no credit here: the message then stays
    /// deliverable, and after its deadline the money goes back to the sender. A credit would end both, and leave the
    /// money with an account that has just refused it and perhaps can never take it.
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
        _consumeArrivals(token, amount);
        emit Received(id, token, source, recipient, amount);
        if (route_.kind == RouteKind.Mint) BridgedToken(token).mint(recipient, amount);
        else _send(token, recipient, amount);
    }

    /// Gives back, or credits what could not be given back: this is the end of a transfer's way, and a refund that
    /// fails for ever would leave the money with nobody. Minting cannot fail; a full bucket of returns only delays.
    /// @inheritdoc IMessageSender
    function onExpired(bytes32 id, uint64 target, bytes calldata payload) external onlyGateway nonReentrant {
        Transfer memory transfer = TokenPayload.decode(payload);
        (address token, Route storage route_) = _routeOfRemote(target, transfer.token);
        address refundTo = Addresses.toAddress(transfer.refundTo);

        route_.giveBack(transfer.amount);
        uint256 amount = transfer.amount * route_.unit();
        _consumeReturns(token, amount);
        emit Returned(id, token, refundTo, amount);
        if (route_.kind == RouteKind.Mint) BridgedToken(token).mint(refundTo, amount);
        else _payOut(token, refundTo, amount);
    }

    /// @inheritdoc ITokenBridge
    function withdrawCreditTo(address token, address to) external nonReentrant {
        if (_isNobody(to)) revert InvalidRecipient(to.toBytes32());
        _withdraw(token, msg.sender, to);
    }

    /// @inheritdoc ITokenBridge
    function quote(address token, uint64 target) external view returns (uint256 feeWei, uint40 validUntil) {
        return _quote(target, _route(token, target).receiveGas);
    }

    function _bridge(address token, uint64 target, bytes32 recipient, uint256 amount, uint64 deadline, address refundTo)
        private
        returns (bytes32 id)
    {
        if (paused) revert BridgingIsPaused();
        Route storage route_ = _route(token, target);
        bytes32 peer = _peerFor(target, recipient);
        uint64 wireAmount = route_.toWire(amount);
        _requireWayBack(token, amount, deadline, refundTo);
        (uint256 fee,) = _quote(target, route_.receiveGas);
        uint256 requiredValue = token == address(0) ? fee + amount : fee;
        if (msg.value != requiredValue) revert WrongValue(msg.value, requiredValue);

        bytes memory payload = TokenPayload.encode(
            Transfer({
                token: route_.remoteToken,
                amount: wireAmount,
                recipient: recipient,
                refundTo: refundTo.toBytes32(),
                cumulative: route_.send(wireAmount)
            })
        );
        _take(token, route_.kind, amount);
        id = IGateway(gateway).send{value: fee}(target, peer, route_.receiveGas, deadline, payload);
        emit Bridged(id, token, target, msg.sender, recipient, amount);
    }

    /// The bridge on `target`, which would refuse a recipient that this does not accept.
    function _peerFor(uint64 target, bytes32 recipient) private view returns (bytes32 peer) {
        peer = peers[target];
        if (peer == 0) revert UnknownPeer(target, peer);
        if (recipient == 0 || recipient == peer || !_isAddressOn(target, recipient)) {
            revert InvalidRecipient(recipient);
        }
    }

    /// Reverts unless a transfer that does not arrive comes to an end and can then be given back.
    function _requireWayBack(address token, uint256 amount, uint64 deadline, address refundTo) private view {
        uint256 latest = block.timestamp + MAX_DEADLINE_SECONDS;
        if (deadline == 0 || deadline > latest) revert InvalidDeadline(deadline, latest);
        if (_isNobody(refundTo)) revert InvalidRefund(refundTo);
        uint256 capacity = _outflowCapacity(token);
        if (amount > capacity) revert AboveOutflowLimit(token, amount, capacity);
    }

    /// What is paid to these belongs to nobody.
    function _isNobody(address account) private view returns (bool) {
        return account == address(0) || account == address(this) || account == gateway;
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
}
