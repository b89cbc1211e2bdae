// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGateway} from "../interfaces/IGateway.sol";
import {Addresses} from "../libraries/Addresses.sol";

/// What the owner (a timelock) and the guardian may set. None of it can stop or redirect what has been sent: a peer once
/// set stays, a pause stops new sends only, a price holds as long as it was promised, and who may not be called is
/// settled before the first chain is opened.
abstract contract GatewayAdmin is IGateway {
    /// Everything `send` needs about a chain: one packed slot, and the peer in a second.
    struct Target {
        /// Nonce of the last message sent there.
        uint64 nonce;
        uint8 flags;
        uint32 maxGasLimit;
        uint16 maxPayload;
        uint48 baseFeeGwei;
        uint48 feePerGasMwei;
        /// Last second, Unix, at which the price holds.
        uint40 validUntil;
        /// The peer's address on that chain; zero means that the chain is unknown.
        bytes32 gateway;
    }

    uint8 internal constant PAUSED = 1;
    /// The chain's addresses have 20 bytes, so that a recipient with dirty upper bytes is a mistake.
    uint8 internal constant EVM = 2;

    /// Chain ids from here on are assigned by the hub to chains that have no EIP-155 id.
    uint64 private constant FIRST_ASSIGNED_ID = 1 << 63;

    /// Most gas that a message may ask for. With the largest payload and certificate its delivery stays below the 2^24
    /// gas that EIP-7825 allows a transaction; above that it could never be delivered. The hub certifies no more either.
    uint32 private constant MAX_GAS_LIMIT = 10_000_000;
    /// Most bytes of a payload that the hub certifies: a longer one would be paid for and go nowhere.
    uint16 private constant MAX_PAYLOAD = 32_768;

    /// A timelock, for ever.
    address public immutable owner;
    address public guardian;
    /// Whether a chain was ever opened, so that messages may be under way.
    bool private _opened;
    mapping(uint64 chain => Target) public targets;
    /// The hub's own contracts that no message may reach, besides those known from the start.
    mapping(address recipient => bool) public refused;

    modifier onlyOwner() {
        if (msg.sender != owner) revert Unauthorized(msg.sender);
        _;
    }

    constructor(address owner_, address guardian_) {
        if (owner_ == address(0) || guardian_ == address(0)) revert ZeroAddress();
        if (block.chainid == 0 || block.chainid >= FIRST_ASSIGNED_ID) revert UnknownTarget(uint64(block.chainid));
        owner = owner_;
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    /// Opens a chain, or changes its caps. Its gateway and kind of address are set once: messages under way are bound to
    /// that gateway, and another would count its nonces from 1 over a bitmap that is already used.
    function setTarget(uint64 target, bytes32 gateway, uint32 maxGasLimit, uint16 maxPayload, bool evm)
        external
        onlyOwner
    {
        if (target == 0 || target == block.chainid) revert WrongTarget(target, uint64(block.chainid));
        if (gateway == 0 || (evm && !Addresses.isEvm(gateway))) revert InvalidRecipient(gateway);
        if (maxGasLimit > MAX_GAS_LIMIT) revert GasLimitTooHigh(maxGasLimit, MAX_GAS_LIMIT);
        if (maxPayload > MAX_PAYLOAD) revert PayloadTooLarge(maxPayload, MAX_PAYLOAD);
        Target storage t = targets[target];
        uint8 kind = evm ? EVM : 0;
        if (t.gateway != 0 && (t.gateway != gateway || t.flags & EVM != kind)) revert PeerFixed(target, t.gateway);
        _opened = true;
        t.gateway = gateway;
        t.flags = t.flags & PAUSED | kind;
        t.maxGasLimit = maxGasLimit;
        t.maxPayload = maxPayload;
        emit TargetSet(target, gateway, maxGasLimit, maxPayload, evm);
    }

    /// Sets the price of sending to `target` up to `validUntil`. It may fall at any time; to rise, or to hold for a
    /// shorter time than was promised, it must wait until the old one has run out.
    function setFee(uint64 target, uint48 baseFeeGwei, uint48 feePerGasMwei, uint40 validUntil) external onlyOwner {
        Target storage t = _known(target);
        if (validUntil < block.timestamp) revert QuoteExpired(validUntil);
        bool worse = baseFeeGwei > t.baseFeeGwei || feePerGasMwei > t.feePerGasMwei || validUntil < t.validUntil;
        if (worse && block.timestamp <= t.validUntil) revert QuoteStillValid(t.validUntil);
        t.baseFeeGwei = baseFeeGwei;
        t.feePerGasMwei = feePerGasMwei;
        t.validUntil = validUntil;
        emit FeeSet(target, baseFeeGwei, feePerGasMwei, validUntil);
    }

    /// Stops or allows new sends to the listed chains. What has been sent is not touched by it.
    function pauseTargets(uint64[] calldata list, bool paused) external {
        if (msg.sender != guardian && msg.sender != owner) revert Unauthorized(msg.sender);
        for (uint256 i; i < list.length; ++i) {
            Target storage t = _known(list[i]);
            t.flags = paused ? t.flags | PAUSED : t.flags & ~PAUSED;
            emit TargetPaused(list[i], paused);
        }
    }

    /// Bars one of the hub's own contracts from being called by a message, for ever. Only before the first chain is
    /// opened: later it would stop messages that are under way.
    function refuseRecipient(address recipient) external onlyOwner {
        if (recipient == address(0)) revert ZeroAddress();
        if (_opened) revert ChainsAreOpen();
        refused[recipient] = true;
        emit RecipientRefused(recipient);
    }

    function setGuardian(address guardian_) external onlyOwner {
        if (guardian_ == address(0)) revert ZeroAddress();
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    /// The gateway's balance is fees and nothing else: messages carry no value.
    function withdrawFees(address to, uint256 amount) external onlyOwner {
        if (to == address(0)) revert ZeroAddress();
        emit FeesWithdrawn(to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert TransferFailed(to, amount);
    }

    function _known(uint64 target) private view returns (Target storage t) {
        t = targets[target];
        if (t.gateway == 0) revert UnknownTarget(target);
    }
}
