// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {Gateway} from "../../src/gateway/Gateway.sol";
import {Checkpoint, Message, Multiproof} from "../../src/libraries/Types.sol";
import {GatewayFixture} from "../helpers/GatewayFixture.sol";
import {Quiet} from "../helpers/Recipients.sol";

/// Gas of whole transactions. Each measured call runs in isolation, as a transaction of its own, so that its storage is
/// cold and the figure is what a node reports as `gasUsed`. Messages have a payload of 32 bytes, their senders and
/// recipients exist, and the nonces' storage words are in use.
/// forge-config: default.isolate = true
contract GasTest is GatewayFixture {
    uint256 private constant SEND_MAX = 36_000;
    uint256 private constant DELIVER_MAX = 80_000;
    uint256 private constant BATCH_MAX_EACH = 30_000;

    function test_Send() public {
        uint256 fee = _fee();
        vm.startPrank(user);
        gateway.send{value: fee}(REMOTE, b32(address(quiet)), 100_000, NOW + 1 days, _payload(1));
        gateway.send{value: fee}(REMOTE, b32(address(quiet)), 100_000, NOW + 1 days, _payload(2));
        _report("send", SEND_MAX, 1);
    }

    function test_Deliver() public {
        deliver(_message(1, address(quiet)));
        // The message stands in the middle of a block of 16.
        Message[] memory messages = new Message[](16);
        for (uint256 i; i < 16; ++i) {
            messages[i] = _message(uint64(2 + i), address(quiet));
        }
        bytes32[] memory leaves = messageLeaves(messages);
        (Checkpoint memory c, bytes memory certificate) = certified(outboxRootOf(leaves));
        gateway.deliver(c, certificate, messages[6], singleProof(leaves, 6));
        _report("deliver one of 16, 3 of 4 signatures", DELIVER_MAX, 1);
        assertTrue(gateway.isConsumed(REMOTE, 8));
    }

    function test_DeliverBatchOfTen_OneRecipient() public {
        address[] memory recipients = new address[](10);
        for (uint256 i; i < 10; ++i) {
            recipients[i] = address(quiet);
        }
        _batch(recipients, "batch of 10 to one recipient, each");
    }

    function test_DeliverBatchOfTen_TenRecipients() public {
        address[] memory recipients = new address[](10);
        for (uint256 i; i < 10; ++i) {
            recipients[i] = address(new Quiet());
        }
        _batch(recipients, "batch of 10 to ten recipients, each");
    }

    function _batch(address[] memory recipients, string memory name) private {
        deliver(_message(1, address(quiet)));
        Message[] memory messages = new Message[](recipients.length);
        for (uint256 i; i < messages.length; ++i) {
            messages[i] = _message(uint64(2 + i), recipients[i]);
        }
        deliverBatch(messages);
        _report(name, BATCH_MAX_EACH, messages.length);
        for (uint256 i; i < messages.length; ++i) {
            assertTrue(gateway.isConsumed(REMOTE, messages[i].nonce));
        }
    }

    /// A message whose addresses have no zero bytes to spare.
    function _message(uint64 nonce, address recipient) private view returns (Message memory m) {
        m = inbound(nonce, recipient);
        m.sender = b32(user);
        m.deadline = NOW + 1 days;
    }

    function _payload(uint256 salt) private pure returns (bytes memory) {
        return abi.encode(keccak256(abi.encode(salt)));
    }

    function _fee() private view returns (uint256 fee) {
        (fee,) = gateway.quote(REMOTE, 100_000, 32);
    }

    function _report(string memory name, uint256 max, uint256 messages) private {
        Vm.Gas memory used = vm.lastCallGas();
        uint256 each = used.gasTotalUsed / messages;
        vm.snapshotValue("gas", name, each);
        assertLe(each, max, name);
    }
}
