// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, Message, Multiproof} from "../libraries/Types.sol";

/// Sends and receives messages. Delivery is open to anyone who holds a certificate.
interface IGateway {
    event Sent(
        bytes32 indexed id,
        uint64 indexed target,
        uint64 nonce,
        bytes32 sender,
        bytes32 recipient,
        uint64 timestamp,
        uint64 gasLimit,
        uint64 deadline,
        bytes payload
    );
    event Delivered(bytes32 indexed id, uint64 indexed source, uint64 nonce);
    /// The recipient's call failed; the message stays deliverable. `reason` is at most 32 bytes of what it returned,
    /// or the selector of `InvalidRecipient` if it could not be called at all.
    event DeliveryFailed(bytes32 indexed id, uint64 indexed source, uint64 nonce, bytes32 reason);
    event Expired(bytes32 indexed id, uint64 indexed source, uint64 nonce);
    event Refunded(bytes32 indexed id, uint64 indexed target, uint64 nonce);
    event TargetSet(uint64 indexed target, bytes32 gateway, uint32 maxGasLimit, uint16 maxPayload, bool evm);
    event TargetPaused(uint64 indexed target, bool paused);
    event FeeSet(uint64 indexed target, uint48 baseFeeGwei, uint48 feePerGasMwei, uint40 validUntil);
    /// One of the hub's own contracts, which no message can call from now on.
    event RecipientRefused(address indexed recipient);
    event GuardianSet(address guardian);
    event FeesWithdrawn(address indexed to, uint256 amount);

    error UnknownTarget(uint64 target);
    error PausedTarget(uint64 target);
    error InvalidRecipient(bytes32 recipient);
    error GasLimitTooHigh(uint64 given, uint64 max);
    error PayloadTooLarge(uint256 given, uint256 max);
    error DeadlinePassed(uint64 deadline, uint256 now_);
    error WrongFee(uint256 given, uint256 required);
    error QuoteExpired(uint40 validUntil);
    error QuoteStillValid(uint40 validUntil);
    error WrongVersion(uint8 given);
    error WrongTarget(uint64 given, uint64 here);
    error WrongSource(uint64 given, uint64 here);
    error UnknownSource(uint64 source);
    error AlreadyDelivered(uint64 source, uint64 nonce);
    error AlreadyRefunded(uint64 target, uint64 nonce);
    error NotExpired(uint64 deadline, uint256 now_);
    error InsufficientGas(uint256 available, uint256 required);
    error NotOneMessage(uint256 given);
    /// The chain's gateway and kind of address were set before and stay.
    error PeerFixed(uint64 chain, bytes32 gateway);
    /// Recipients are barred before the first chain is opened, never later.
    error ChainsAreOpen();
    error ZeroAddress();
    error TransferFailed(address to, uint256 amount);
    error Unauthorized(address caller);
    error ReentrantCall();

    /// Sends `payload` to `recipient` on `target`; `msg.value` is exactly `quote(...)`. Returns the message id.
    function send(uint64 target, bytes32 recipient, uint64 gasLimit, uint64 deadline, bytes calldata payload)
        external
        payable
        returns (bytes32 id);

    /// The fee in wei of the source chain's coin, and the Unix second up to which it holds.
    function quote(uint64 target, uint64 gasLimit, uint256 payloadLength)
        external
        view
        returns (uint256 feeWei, uint40 validUntil);

    /// Delivers one message; reverts if it was delivered or expired before. A failed recipient call reverts nothing but
    /// is reported by `DeliveryFailed`.
    function deliver(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Message calldata message,
        Multiproof calldata proof
    ) external;

    /// Delivers many under one certificate. Messages already delivered or expired are skipped.
    function deliverBatch(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Message[] calldata messages,
        Multiproof calldata proof
    ) external;

    /// Marks a message whose deadline has passed as never to be delivered.
    function expire(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Message calldata message,
        Multiproof calldata proof
    ) external;

    /// At the source: gives an expired message back to its sender, once, by a certified `Expired` leaf. A sender with
    /// code gets `onExpired`.
    function refund(
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        Message calldata message,
        Multiproof calldata proof
    ) external;

    function isConsumed(uint64 source, uint64 nonce) external view returns (bool);
    function isRefunded(uint64 target, uint64 nonce) external view returns (bool);
    function messageId(Message calldata message) external view returns (bytes32);
}

/// What a recipient contract implements.
interface IMessageRecipient {
    function onMessage(bytes32 id, uint64 source, bytes32 sender, bytes calldata payload) external;
}

/// What a sender contract implements to learn that its message expired undelivered.
interface IMessageSender {
    function onExpired(bytes32 id, uint64 target, bytes calldata payload) external;
}
