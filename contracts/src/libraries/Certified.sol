// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier} from "../interfaces/IVerifier.sol";
import {Checkpoint} from "./Types.sol";

/// Asks the verifier. The arguments are copied as they came instead of being decoded and encoded again, field by field:
/// the verifier decodes them itself and refuses whatever is not well formed.
library Certified {
    /// As `verifier.verify(checkpoint, certificate, kind)`.
    function check(IVerifier verifier, Checkpoint calldata checkpoint, bytes calldata certificate, uint8 kind)
        internal
        view
    {
        _ask(verifier, IVerifier.verify.selector, checkpoint, certificate, kind);
    }

    /// As `verifier.verifyDecision(checkpoint, certificate, kind)`.
    function checkDecision(IVerifier verifier, Checkpoint calldata checkpoint, bytes calldata certificate, uint8 kind)
        internal
        view
    {
        _ask(verifier, IVerifier.verifyDecision.selector, checkpoint, certificate, kind);
    }

    /// The verifier's refusal is passed on unchanged. A call of an address without code succeeds, hence the last check.
    function _ask(
        IVerifier verifier,
        bytes4 selector,
        Checkpoint calldata checkpoint,
        bytes calldata certificate,
        uint8 kind
    ) private view {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let length := certificate.length
            // selector ‖ checkpoint, 8 words ‖ offset of the certificate ‖ kind ‖ its length ‖ its bytes, padded
            mstore(free, selector)
            calldatacopy(add(free, 0x04), checkpoint, 0x100)
            mstore(add(free, 0x104), 0x140)
            mstore(add(free, 0x124), kind)
            mstore(add(free, 0x144), length)
            calldatacopy(add(free, 0x164), certificate.offset, length)
            mstore(add(free, add(0x164, length)), 0)
            let padded := and(add(length, 0x1f), not(0x1f))
            let accepted := staticcall(gas(), verifier, free, add(0x164, padded), 0, 0)
            if iszero(and(accepted, gt(extcodesize(verifier), 0))) {
                returndatacopy(free, 0, returndatasize())
                revert(free, returndatasize())
            }
        }
    }
}
