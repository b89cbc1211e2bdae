//! The contracts as anyone reads them in their published interfaces, written down once more.

use alloy::sol;

sol! {
    event Sent(
        bytes32 indexed id, uint64 indexed target, uint64 nonce, bytes32 sender, bytes32 recipient, uint64 timestamp,
        uint64 gasLimit, uint64 deadline, bytes payload
    );
    event Delivered(bytes32 indexed id, uint64 indexed source, uint64 nonce);
    event DeliveryFailed(bytes32 indexed id, uint64 indexed source, uint64 nonce, bytes32 reason);
    event Expired(bytes32 indexed id, uint64 indexed source, uint64 nonce);
    event Refunded(bytes32 indexed id, uint64 indexed target, uint64 nonce);
    event Received(bytes32 indexed id, uint64 indexed source, bytes32 indexed sender, bytes payload);

    event Locked(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index);
    event Settled(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index, bool commit);
    event EscapeRequested(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index, uint64 executableAt);
    event Escaped(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index);
    event Credited(address indexed account, address indexed token, uint256 amount);

    struct Leg {
        uint64 chain;
        bytes32 escrow;
        bytes32 token;
        uint128 amount;
        bytes32 depositor;
        bytes32 onCommit;
        bytes32 onAbort;
        uint64 escapeAt;
        uint64 escapeWindow;
        uint128 tip;
    }

    struct LegRef {
        uint8 index;
        uint64 lockBy;
        Leg leg;
    }

    function send(uint64 target, bytes32 recipient, uint64 gasLimit, uint64 deadline, bytes payload)
        external payable returns (bytes32 id);
    function quote(uint64 target, uint64 gasLimit, uint256 payloadLength)
        external view returns (uint256 feeWei, uint40 validUntil);
    function lock(bytes32 dealId, LegRef place) external payable;
    function locks(bytes32 lockKey) external view returns (uint8 state, uint64 escapeRequestedAt);
}
