// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITokenBridge} from "../interfaces/ITokenBridge.sol";

/// What one bridge tells another. Addresses are those of the chain they are on.
struct Transfer {
    /// The token on the target, 0 for its native coin.
    bytes32 token;
    /// Wire units.
    uint64 amount;
    bytes32 recipient;
    /// On the source.
    bytes32 refundTo;
    /// All that the source ever locked or burned on this route, this transfer included, in wire units.
    uint128 cumulative;
}

/// version u8 (1) ‖ token 32 ‖ amount u64 ‖ recipient 32 ‖ refundTo 32 ‖ cumulative u128, packed.
library TokenPayload {
    uint256 internal constant LENGTH = 121;
    uint8 private constant VERSION = 1;

    function encode(Transfer memory t) internal pure returns (bytes memory) {
        return abi.encodePacked(VERSION, t.token, t.amount, t.recipient, t.refundTo, t.cumulative);
    }

    function decode(bytes calldata payload) internal pure returns (Transfer memory) {
        if (payload.length != LENGTH || uint8(payload[0]) != VERSION) revert ITokenBridge.MalformedPayload();
        return Transfer({
            token: bytes32(payload[1:33]),
            amount: uint64(bytes8(payload[33:41])),
            recipient: bytes32(payload[41:73]),
            refundTo: bytes32(payload[73:105]),
            cumulative: uint128(bytes16(payload[105:121]))
        });
    }
}
