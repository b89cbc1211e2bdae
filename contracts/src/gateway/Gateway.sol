// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessageSender} from "../interfaces/IGateway.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {Addresses} from "../libraries/Addresses.sol";
import {Certified} from "../libraries/Certified.sol";
import {Digests} from "../libraries/Digests.sol";
import {Outbox} from "../libraries/Outbox.sol";
import {Replay} from "../libraries/Replay.sol";
import {Checkpoint, Message, Multiproof} from "../libraries/Types.sol";
import {GatewayAdmin} from "./GatewayAdmin.sol";
import {RecipientCall} from "./RecipientCall.sol";

/// Sends and receives messages. It holds no privilege that a message could use, keeps no funds but fees, and delivers
/// each message at most once: a message's bit is set before its recipient is called and cleared only if that call
/// failed, in which case everything the recipient did is undone.
contract Gateway is GatewayAdmin {
    using Replay for Replay.Bitmap;

    uint8 private constant VERSION = 1;
    uint8 private constant GENERAL = 0;
    /// Calldata is the dearest part of delivering a payload: EIP-7623's floor of 40 gas a byte is what it can cost.
    uint256 private constant GAS_PER_PAYLOAD_BYTE = 40;

    bytes32 public immutable hubId;
    IVerifier public immutable verifier;

    Replay.Bitmap private _consumed;
    Replay.Bitmap private _refunded;
    /// 1 while a delivery, expiry or refund is under way. A whole word, since a smaller one is read before it is written.
    uint256 private transient _entered;

    /// A recipient may send, but may not deliver, expire or refund while it is being called: its own message's bit may
    /// still be cleared, and everything that reads or writes bits must see them settled.
    modifier nonReentrant() {
        if (_entered != 0) revert ReentrantCall();
        _entered = 1;
        _;
        _entered = 0;
    }

    constructor(bytes32 hubId_, IVerifier verifier_, address owner_, address guardian_)
        GatewayAdmin(owner_, guardian_)
    {
        if (hubId_ == 0 || verifier_.hubId() != hubId_) {
            revert IVerifier.WrongHub(hubId_);
        }
        hubId = hubId_;
        verifier = verifier_;
    }

    function send(uint64 target, bytes32 recipient, uint64 gasLimit, uint64 deadline, bytes calldata payload)
        external
        payable
        override
        returns (bytes32 id)
    {
        Target storage t = targets[target];
        if (t.gateway == 0) revert UnknownTarget(target);
        if (t.flags & PAUSED != 0) revert PausedTarget(target);
        if (t.flags & EVM != 0 ? !Addresses.isEvm(recipient) : recipient == 0) revert InvalidRecipient(recipient);
        if (deadline != 0 && deadline <= block.timestamp) revert DeadlinePassed(deadline, block.timestamp);
        uint256 fee = _fee(t, gasLimit, payload.length);
        if (msg.value != fee) revert WrongFee(msg.value, fee);

        uint64 nonce;
        unchecked {
            // 2^64 messages are beyond any chain's lifetime.
            nonce = t.nonce + 1;
        }
        t.nonce = nonce;
        bytes32 sender = Addresses.toBytes32(msg.sender);
        uint64 timestamp = uint64(block.timestamp);
        id = Digests.messageId(
            hubId,
            Addresses.toBytes32(address(this)),
            t.gateway,
            VERSION,
            uint64(block.chainid),
            target,
            nonce,
            sender,
            recipient,
            timestamp,
            gasLimit,
            deadline,
            Digests.bytesHash(payload)
        );
        emit Sent(id, target, nonce, sender, recipient, timestamp, gasLimit, deadline, payload);
    }

    function quote(uint64 target, uint64 gasLimit, uint256 payloadLength)
        external
        view
        override
        returns (uint256 feeWei, uint40 validUntil)
    {
        Target storage t = targets[target];
        if (t.gateway == 0) revert UnknownTarget(target);
        return (_fee(t, gasLimit, payloadLength), t.validUntil);
    }

    function deliver(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Message calldata message,
        Multiproof calldata proof
    ) external override nonReentrant {
        Certified.check(verifier, checkpoint, certificate, GENERAL);
        bytes32 id = _proveInbound(checkpoint, message, proof);
        if (_isExpired(message)) revert DeadlinePassed(message.deadline, block.timestamp);

        if (!_consumed.set(message.source, message.nonce)) revert AlreadyDelivered(message.source, message.nonce);
        if (!_call(id, message)) _consumed.clear(message.source, message.nonce);
    }

    function deliverBatch(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Message[] calldata messages,
        Multiproof calldata proof
    ) external override nonReentrant {
        Certified.check(verifier, checkpoint, certificate, GENERAL);
        bytes32[] memory ids = new bytes32[](messages.length);
        bytes32[] memory leaves = new bytes32[](messages.length);
        for (uint256 i; i < messages.length; ++i) {
            ids[i] = _inboundId(messages[i]);
            leaves[i] = Digests.messageLeaf(ids[i]);
        }
        Outbox.verify(checkpoint.outboxRoot, leaves, proof);

        _claim(messages, ids);
        bool anyFailed;
        for (uint256 i; i < messages.length; ++i) {
            if (ids[i] == 0) continue;
            if (_call(ids[i], messages[i])) ids[i] = 0;
            else anyFailed = true;
        }
        if (anyFailed) _release(messages, ids);
    }

    function expire(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Message calldata message,
        Multiproof calldata proof
    ) external override nonReentrant {
        Certified.check(verifier, checkpoint, certificate, GENERAL);
        bytes32 id = _proveInbound(checkpoint, message, proof);
        if (!_isExpired(message)) revert NotExpired(message.deadline, block.timestamp);

        if (!_consumed.set(message.source, message.nonce)) revert AlreadyDelivered(message.source, message.nonce);
        emit Expired(id, message.source, message.nonce);
    }

    function refund(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Message calldata message,
        Multiproof calldata proof
    ) external override nonReentrant {
        Certified.check(verifier, checkpoint, certificate, GENERAL);
        if (message.source != block.chainid) revert WrongSource(message.source, uint64(block.chainid));
        bytes32 id = messageId(message);
        Outbox.verifyOne(checkpoint.outboxRoot, Digests.expiredLeaf(id), proof);

        if (!_refunded.set(message.target, message.nonce)) revert AlreadyRefunded(message.target, message.nonce);
        emit Refunded(id, message.target, message.nonce);
        address sender = Addresses.toAddress(message.sender);
        // A revert here undoes the refund, so that a sender that cannot take it yet gets it later.
        if (sender.code.length != 0) IMessageSender(sender).onExpired(id, message.target, message.payload);
    }

    function isConsumed(uint64 source, uint64 nonce) external view override returns (bool) {
        return _consumed.isSet(source, nonce);
    }

    function isRefunded(uint64 target, uint64 nonce) external view override returns (bool) {
        return _refunded.isSet(target, nonce);
    }

    /// The id of a message from or to this chain; reverts for any other.
    function messageId(Message calldata message) public view override returns (bytes32) {
        if (message.source != block.chainid) return _inboundId(message);
        if (message.version != VERSION) revert WrongVersion(message.version);
        bytes32 peer = targets[message.target].gateway;
        if (peer == 0) revert UnknownTarget(message.target);
        return Digests.messageId(hubId, Addresses.toBytes32(address(this)), peer, message);
    }

    function _inboundId(Message calldata message) private view returns (bytes32) {
        if (message.version != VERSION) revert WrongVersion(message.version);
        if (message.target != block.chainid) revert WrongTarget(message.target, uint64(block.chainid));
        bytes32 peer = targets[message.source].gateway;
        if (peer == 0) revert UnknownSource(message.source);
        return Digests.messageId(hubId, peer, Addresses.toBytes32(address(this)), message);
    }

    function _proveInbound(Checkpoint calldata checkpoint, Message calldata message, Multiproof calldata proof)
        private
        view
        returns (bytes32 id)
    {
        if (proof.indices.length != 1) revert NotOneMessage(proof.indices.length);
        id = _inboundId(message);
        Outbox.verifyOne(checkpoint.outboxRoot, Digests.messageLeaf(id), proof);
    }

    /// Sets the bit of every message that can be delivered now, and zeroes the id of every other. A message that stands
    /// twice in one batch is a duplicate like any other.
    function _claim(Message[] calldata messages, bytes32[] memory ids) private {
        Replay.Cursor memory cursor = Replay.Cursor(Replay.NO_KEY, 0);
        for (uint256 i; i < messages.length; ++i) {
            Message calldata message = messages[i];
            if (_isExpired(message) || !_consumed.set(cursor, message.source, message.nonce)) ids[i] = 0;
        }
        _consumed.flush(cursor);
    }

    /// Clears the bit of every message whose id is not zero.
    function _release(Message[] calldata messages, bytes32[] memory ids) private {
        Replay.Cursor memory cursor = Replay.Cursor(Replay.NO_KEY, 0);
        for (uint256 i; i < messages.length; ++i) {
            if (ids[i] != 0) _consumed.clear(cursor, messages[i].source, messages[i].nonce);
        }
        _consumed.flush(cursor);
    }

    /// Calls the recipient and reports how it went. A recipient that cannot be called fails like one that reverts, with
    /// `InvalidRecipient`'s selector as the reason.
    function _call(bytes32 id, Message calldata message) private returns (bool success) {
        bytes32 reason = InvalidRecipient.selector;
        address recipient = _callable(message.recipient);
        if (recipient != address(0)) (success, reason) = RecipientCall.tryOnMessage(recipient, id, message);
        if (success) emit Delivered(id, message.source, message.nonce);
        else emit DeliveryFailed(id, message.source, message.nonce, reason);
    }

    /// The account behind `recipient` if a message may call it, otherwise zero.
    function _callable(bytes32 recipient) private view returns (address account) {
        if (!Addresses.isEvm(recipient)) return address(0);
        account = address(uint160(uint256(recipient)));
        bool own = account == address(this) || account == address(verifier) || account == owner;
        if (own || account.code.length == 0 || refused[account]) return address(0);
    }

    function _isExpired(Message calldata message) private view returns (bool) {
        return message.deadline != 0 && block.timestamp > message.deadline;
    }

    /// The price of a message within the target's caps, in wei.
    function _fee(Target storage t, uint64 gasLimit, uint256 payloadLength) private view returns (uint256) {
        if (gasLimit > t.maxGasLimit) revert GasLimitTooHigh(gasLimit, t.maxGasLimit);
        if (payloadLength > t.maxPayload) revert PayloadTooLarge(payloadLength, t.maxPayload);
        if (block.timestamp > t.validUntil) revert QuoteExpired(t.validUntil);
        // Within the caps (32 and 16 bits) and with prices of 48 bits this stays below 2^102.
        unchecked {
            uint256 gasPaid = gasLimit + payloadLength * GAS_PER_PAYLOAD_BYTE;
            return uint256(t.baseFeeGwei) * 1e9 + gasPaid * t.feePerGasMwei * 1e6;
        }
    }
}
