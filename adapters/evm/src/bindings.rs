//! Bindings of the hub's contracts, written to match `contracts/src/interfaces` name by name.
//!
//! The Solidity files carry the documentation. A test compares every selector and topic with the committed artefacts.
#![allow(missing_docs, clippy::too_many_arguments)]

use alloy::sol;

sol! {
    #![sol(all_derives = true)]

    struct Message {
        uint8 version;
        uint64 source;
        uint64 target;
        uint64 nonce;
        bytes32 sender;
        bytes32 recipient;
        uint64 timestamp;
        uint64 gasLimit;
        uint64 deadline;
        bytes payload;
    }

    struct Checkpoint {
        bytes32 hubId;
        uint8 kind;
        uint64 epoch;
        bytes32 valsetHash;
        uint64 height;
        uint64 time;
        bytes32 outboxRoot;
        bytes32 stateRoot;
    }

    struct Multiproof {
        uint32 count;
        uint32[] indices;
        bytes32[] nodes;
    }

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

    struct Settlement {
        bytes32 dealId;
        bool commit;
        LegRef[] legs;
    }

    #[sol(rpc)]
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
        event DeliveryFailed(bytes32 indexed id, uint64 indexed source, uint64 nonce, bytes32 reason);
        event Expired(bytes32 indexed id, uint64 indexed source, uint64 nonce);
        event Refunded(bytes32 indexed id, uint64 indexed target, uint64 nonce);
        event TargetSet(uint64 indexed target, bytes32 gateway, uint32 maxGasLimit, uint16 maxPayload, bool evm);
        event TargetPaused(uint64 indexed target, bool paused);
        event FeeSet(uint64 indexed target, uint48 baseFeeGwei, uint48 feePerGasMwei, uint40 validUntil);
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
        error PeerFixed(uint64 chain, bytes32 gateway);
        error ChainsAreOpen();
        error ZeroAddress();
        error TransferFailed(address to, uint256 amount);
        error Unauthorized(address caller);
        error ReentrantCall();

        function send(uint64 target, bytes32 recipient, uint64 gasLimit, uint64 deadline, bytes calldata payload)
            external
            payable
            returns (bytes32 id);
        function quote(uint64 target, uint64 gasLimit, uint256 payloadLength)
            external
            view
            returns (uint256 feeWei, uint40 validUntil);
        function deliver(
            Checkpoint calldata checkpoint,
            bytes calldata certificate,
            Message calldata message,
            Multiproof calldata proof
        ) external;
        function deliverBatch(
            Checkpoint calldata checkpoint,
            bytes calldata certificate,
            Message[] calldata messages,
            Multiproof calldata proof
        ) external;
        function expire(
            Checkpoint calldata checkpoint,
            bytes calldata certificate,
            Message calldata message,
            Multiproof calldata proof
        ) external;
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

    #[sol(rpc)]
    interface IEscrow {
        enum LockState { None, Locked, Released, Refunded, Escaped, Cancelled }

        event Locked(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index);
        event Settled(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index, bool commit);
        event EscapeRequested(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index, uint64 executableAt);
        event Escaped(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index);
        event LockCancelled(bytes32 indexed dealId, bytes32 indexed lockKey, uint8 index);
        event Credited(address indexed account, address indexed token, uint256 amount);
        event CreditWithdrawn(address indexed account, address indexed token, uint256 amount);
        event LocksPaused(bool paused);
        event GuardianSet(address guardian);

        error LockingPaused();
        error WrongChain(uint64 given, uint64 here);
        error WrongEscrow(bytes32 given);
        error InvalidAddress(bytes32 given);
        error InvalidIndex(uint8 index);
        error InvalidAmount(uint128 amount, uint128 tip);
        error InvalidEscape(uint64 escapeAt, uint64 escapeWindow);
        error LockPassed(uint64 lockBy, uint256 now_);
        error LockHorizon(uint64 lockBy, uint256 latest);
        error NotDepositor(address caller, address depositor);
        error InvalidSignature();
        error SignatureExpired(uint256 deadline);
        error AlreadyLocked(bytes32 lockKey);
        error CancelledLock(bytes32 lockKey);
        error NotLocked(bytes32 lockKey);
        error WrongValue(uint256 given, uint256 required);
        error TokenWithoutCode(address token);
        error TransferMismatch(uint256 received, uint256 expected);
        error TransferFailed();
        error NothingSettled();
        error MixedDecisions(bytes32 dealId);
        error TooManyLegs(uint256 max);
        error InsufficientGas(uint256 available, uint256 required);
        error EscapeNotYet(uint256 now_, uint256 executableAt);
        error EscapeNotRequested(bytes32 lockKey);
        error EscapeAlreadyRequested(bytes32 lockKey);
        error NoCredit(address account, address token);
        error Unauthorized(address caller);

        function lock(bytes32 dealId, LegRef calldata legRef) external payable;
        function lockCompact(
            bytes32 dealId,
            address token,
            address onCommit,
            address onAbort,
            uint256 amounts,
            uint256 terms
        ) external payable;
        function lockWithSignature(bytes32 dealId, LegRef calldata legRef, uint256 deadline, bytes calldata signature)
            external;
        function lockWithPermit(
            bytes32 dealId,
            LegRef calldata legRef,
            uint256 deadline,
            bytes calldata signature,
            uint256 permitDeadline,
            uint8 v,
            bytes32 r,
            bytes32 s
        ) external;
        function cancelLock(bytes32 dealId, LegRef calldata legRef) external;
        function settle(
            Checkpoint calldata checkpoint,
            bytes calldata certificate,
            Settlement[] calldata settlements,
            Multiproof calldata proof
        ) external;
        function requestEscape(bytes32 dealId, LegRef calldata legRef) external;
        function executeEscape(bytes32 dealId, LegRef calldata legRef) external;
        function setLocksPaused(bool paused_) external;
        function setGuardian(address guardian_) external;
        function withdrawCredit(address token, address account) external;
        function hubId() external view returns (bytes32);
        function verifier() external view returns (address);
        function guardian() external view returns (address);
        function paused() external view returns (bool);
        function minEscapeWindow() external view returns (uint64);
        function maxLockHorizon() external view returns (uint64);
        function domainSeparator() external view returns (bytes32);
        function locks(bytes32 lockKey) external view returns (LockState state, uint64 escapeRequestedAt);
        function credits(address account, address token) external view returns (uint256);
        function lockKey(bytes32 dealId, LegRef calldata legRef) external pure returns (bytes32);
    }

    #[sol(rpc)]
    interface IVerifier {
        event Rotated(uint64 indexed epoch, bytes32 valsetHash, uint64 expiresAt);
        event Recovered(uint64 indexed epoch, bytes32 valsetHash, uint64 expiresAt);

        error WrongHub(bytes32 given);
        error WrongKind(uint8 given, uint8 expected);
        error UnknownEpoch(uint64 given);
        error RetiredEpoch(uint64 given, uint64 usableUntil);
        error ExpiredEpoch(uint64 given, uint64 expiredAt);
        error WrongValidatorSet(bytes32 given, bytes32 expected);
        error ZeroRoot();
        error MalformedCertificate();
        error WrongScheme(uint8 given);
        error InvalidValidatorSet(uint256 index);
        error TooFewValidators(uint256 given, uint256 min);
        error InvalidSignature(uint256 index);
        error BelowQuorum(uint256 signedWeight, uint256 totalWeight);
        error NotConsecutive(uint64 given, uint64 expected);
        error NotExpired(uint64 expiresAt);
        error InvalidExpiry(uint64 expiresAt);

        function verify(Checkpoint calldata checkpoint, bytes calldata certificate, uint8 kind) external view;
        function verifyDecision(Checkpoint calldata checkpoint, bytes calldata certificate, uint8 kind) external view;
        function rotate(
            Checkpoint calldata checkpoint,
            bytes calldata certificate,
            uint64 epoch,
            bytes32 valsetHash,
            uint64 expiresAt,
            Multiproof calldata proof
        ) external;
        function hubId() external view returns (bytes32);
        function currentEpoch() external view returns (uint64);
        function epochs(uint64 epoch) external view returns (bytes32 valsetHash, uint64 retiredAt, uint64 expiresAt);
    }

    #[sol(rpc)]
    interface ITokenBridge {
        enum RouteKind {
            None,
            Lock,
            Mint
        }
        struct Route {
            bytes32 remoteToken;
            RouteKind kind;
            uint8 localDecimals;
            uint8 wireDecimals;
            uint64 receiveGas;
            uint128 sent;
            uint128 returned;
            uint128 received;
            uint128 backing;
        }

        event Bridged(
            bytes32 indexed id, address indexed token, uint64 indexed target, address from, bytes32 recipient, uint256 amount
        );
        event Received(
            bytes32 indexed id, address indexed token, uint64 indexed source, address recipient, uint256 amount
        );
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
        event Credited(address indexed account, address indexed token, uint256 amount);
        event CreditWithdrawn(address indexed account, address indexed token, uint256 amount);

        error UnknownRoute(address token, uint64 chain);
        error UnknownPeer(uint64 chain, bytes32 sender);
        error NotGateway(address caller);
        error Dust(uint256 amount, uint256 unit);
        error ZeroAmount();
        error InvalidRecipient(bytes32 recipient);
        error InvalidDeadline(uint64 given, uint256 latest);
        error InvalidRefund(address refundTo);
        error OutflowLimit(address token, uint256 amount, uint256 available);
        error AboveOutflowLimit(address token, uint256 amount, uint256 capacity);
        error MintExceedsLocked(uint256 minted, uint256 locked);
        error TransferMismatch(uint256 received, uint256 expected);
        error WrongValue(uint256 given, uint256 required);
        error MalformedPayload();
        error RouteExists(address token, uint64 chain);
        error Unauthorized(address caller);
        error BridgingIsPaused();
        error PeerExists(uint64 chain);
        error InvalidRoute(address token, uint64 chain);
        error AmountTooLarge(uint256 amount, uint256 max);
        error ZeroAddress();
        error TokenWithoutCode(address token);
        error TransferFailed();
        error InsufficientGas(uint256 available, uint256 required);
        error NoCredit(address account, address token);

        function bridge(
            address token,
            uint64 target,
            bytes32 recipient,
            uint256 amount,
            uint64 deadline,
            address refundTo
        ) external payable returns (bytes32 id);
        function quote(address token, uint64 target) external view returns (uint256 feeWei, uint40 validUntil);
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
        function registerRoute(
            address token,
            uint64 chain,
            bytes32 remoteToken,
            RouteKind kind,
            uint8 remoteDecimals,
            uint64 receiveGas
        ) external;
        function registerPeer(uint64 chain, bytes32 peer) external;
        function setReceiveGas(address token, uint64 chain, uint64 receiveGas) external;
        function setOutflowLimit(address token, uint208 capacity, uint48 windowSeconds) external;
        function setBridgingPaused(bool paused_) external;
        function setGuardian(address guardian_) external;
        function gateway() external view returns (address);
        function owner() external view returns (address);
        function guardian() external view returns (address);
        function paused() external view returns (bool);
        function peers(uint64 chain) external view returns (bytes32);
        function route(address token, uint64 chain) external view returns (Route memory);
        function outflowAvailable(address token) external view returns (uint256);
        function returnsAvailable(address token) external view returns (uint256);
        function withdrawCredit(address token, address account) external;
        function withdrawCreditTo(address token, address to) external;
        function credits(address account, address token) external view returns (uint256);
        function onMessage(bytes32 id, uint64 source, bytes32 sender, bytes calldata payload) external;
        function onExpired(bytes32 id, uint64 target, bytes calldata payload) external;
    }

    /// Errors that the contracts' libraries and the verifier define outside of the interfaces.
    interface ILibraryErrors {
        error EmptyProof();
        error LeafCountMismatch(uint256 leaves, uint256 indices);
        error IndicesNotAscending(uint256 position);
        error IndexOutOfRange(uint32 index, uint32 count);
        error WrongNodeCount(uint256 needed, uint256 given);
        error RootMismatch(bytes32 computed, bytes32 expected);
        error DirtyInteger();
        error ZeroArgument(uint256 position);
        error ReentrancyGuardReentrantCall();
    }

    /// What both gateway and escrow tell about what they were deployed with.
    interface IDeployed {
        function hubId() external view returns (bytes32);
        function verifier() external view returns (address);
    }

    #[sol(rpc)]
    interface IERC20 {
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
        error ERC20InvalidSender(address sender);
        error ERC20InvalidReceiver(address receiver);
        error ERC20InvalidApprover(address approver);
        error ERC20InvalidSpender(address spender);

        function totalSupply() external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function symbol() external view returns (string);
        function decimals() external view returns (uint8);
    }
}
