// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessageRecipient, IMessageSender} from "../../src/interfaces/IGateway.sol";

/// Does nothing.
contract Quiet is IMessageRecipient {
    function onMessage(bytes32, uint64, bytes32, bytes calldata) external override {}
}

/// Counts what it got, by id, and remembers the last call.
contract Counter is IMessageRecipient {
    mapping(bytes32 id => uint256) public received;
    uint64 public lastSource;
    bytes32 public lastSender;
    bytes public lastPayload;
    uint256 public lastGas;

    function onMessage(bytes32 id, uint64 source, bytes32 sender, bytes calldata payload) external override {
        lastGas = gasleft();
        ++received[id];
        lastSource = source;
        lastSender = sender;
        lastPayload = payload;
    }
}

/// Refuses until told otherwise.
contract Moody is IMessageRecipient {
    error Refused(uint256 why);

    bool public willing;
    mapping(bytes32 id => uint256) public received;

    function setWilling(bool willing_) external {
        willing = willing_;
    }

    function onMessage(bytes32 id, uint64, bytes32, bytes calldata) external override {
        ++received[id];
        if (!willing) revert Refused(7);
    }
}

/// Burns all the gas it is given.
contract GasBurner is IMessageRecipient {
    function onMessage(bytes32, uint64, bytes32, bytes calldata) external pure override {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// Returns as much as its gas can buy, as an answer or as a revert reason.
contract ReturnBomb is IMessageRecipient {
    bool private immutable _reverts;

    constructor(bool reverts) {
        _reverts = reverts;
    }

    function onMessage(bytes32, uint64, bytes32, bytes calldata) external view override {
        bool reverts = _reverts;
        assembly {
            mstore(0, not(0))
            if reverts { revert(0, 200000) }
            return(0, 200000)
        }
    }
}

/// Calls `target` with `data` while it is being called, and reports what came of it.
contract Reentrant is IMessageRecipient, IMessageSender {
    address private _target;
    bytes private _data;
    bool private _swallow;
    bool public entered;
    bytes public answer;

    function set(address target, bytes calldata data, bool swallow) external {
        (_target, _data, _swallow) = (target, data, swallow);
    }

    function onMessage(bytes32, uint64, bytes32, bytes calldata) external override {
        _enter();
    }

    function onExpired(bytes32, uint64, bytes calldata) external override {
        _enter();
    }

    function _enter() private {
        (entered, answer) = _target.call(_data);
        if (!_swallow && !entered) revert("re-entry failed");
    }
}

/// Learns that its messages expired.
contract Returning is IMessageSender {
    mapping(bytes32 id => uint256) public expired;
    uint64 public lastTarget;
    bytes public lastPayload;
    bool public refuses;

    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    function onExpired(bytes32 id, uint64 target, bytes calldata payload) external override {
        require(!refuses, "not now");
        ++expired[id];
        lastTarget = target;
        lastPayload = payload;
    }
}
