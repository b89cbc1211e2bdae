// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier} from "../interfaces/IVerifier.sol";
import {Digests} from "../libraries/Digests.sol";

/// A validator set (scheme u8 ‖ count u16 ‖ count × (address 20 ‖ weight u64)), a bitmap of who signed, and one 65-byte
/// secp256k1 signature for each set bit, in the set's order. It is read in place from calldata.
library EcdsaCertificate {
    uint8 internal constant SCHEME = 1;
    uint256 private constant HEAD_BYTES = 3;
    uint256 private constant MEMBER_BYTES = 28;
    uint256 private constant SIGNATURE_BYTES = 65;

    /// Half the order of secp256k1. Of the two values of s that sign the same digest only the lower one counts.
    uint256 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// Reverts unless `certificate` carries the set with `valsetHash` and signatures over `digest` of more than two
    /// thirds of its weight. Every signature is checked, also those past the quorum, so that a certificate has no part
    /// that nobody has looked at. A set of fewer than `minValidators` members has no say, whatever its hash.
    function check(bytes32 digest, bytes32 valsetHash, uint256 minValidators, bytes calldata certificate)
        internal
        pure
    {
        (uint256 count, uint256 bitmapAt, uint256 cursor) = _layout(certificate);
        bytes32 given = Digests.valset(certificate[:bitmapAt]);
        if (given != valsetHash) revert IVerifier.WrongValidatorSet(given, valsetHash);
        if (count < minValidators) revert IVerifier.TooFewValidators(count, minValidators);

        uint256 signed;
        uint256 total;
        // At most 2^16 members with weights below 2^64: nothing here can overflow.
        unchecked {
            uint256 previous;
            for (uint256 i; i < count; ++i) {
                (uint256 account, uint256 weight) = _member(certificate, i);
                // Ascending from zero: neither the zero address nor a second appearance gets past this.
                if (account <= previous || weight == 0) revert IVerifier.InvalidValidatorSet(i);
                previous = account;
                total += weight;
                if (_hasSigned(certificate, bitmapAt, i)) {
                    _checkSignature(digest, certificate, cursor, account, i);
                    cursor += SIGNATURE_BYTES;
                    signed += weight;
                }
            }
            if (cursor != certificate.length) revert IVerifier.MalformedCertificate();
            if (3 * signed <= 2 * total) revert IVerifier.BelowQuorum(signed, total);
        }
    }

    /// The number of members, and where the bitmap and the signatures begin. All before the signatures is in bounds.
    function _layout(bytes calldata certificate)
        private
        pure
        returns (uint256 count, uint256 bitmapAt, uint256 signaturesAt)
    {
        if (certificate.length < HEAD_BYTES) revert IVerifier.MalformedCertificate();
        uint8 scheme = uint8(certificate[0]);
        if (scheme != SCHEME) revert IVerifier.WrongScheme(scheme);
        count = uint256(uint8(certificate[1])) << 8 | uint8(certificate[2]);
        if (count == 0) revert IVerifier.InvalidValidatorSet(0);
        bitmapAt = HEAD_BYTES + count * MEMBER_BYTES;
        signaturesAt = bitmapAt + (count + 7) / 8;
        if (certificate.length < signaturesAt) revert IVerifier.MalformedCertificate();
        uint256 usedBits = count % 8;
        if (usedBits != 0 && uint8(certificate[signaturesAt - 1]) >> usedBits != 0) {
            revert IVerifier.MalformedCertificate();
        }
    }

    /// Member `i`; the caller has checked that it is within the certificate.
    function _member(bytes calldata certificate, uint256 i) private pure returns (uint256 account, uint256 weight) {
        assembly ("memory-safe") {
            let word := calldataload(add(certificate.offset, add(HEAD_BYTES, mul(i, MEMBER_BYTES))))
            account := shr(96, word)
            weight := and(shr(32, word), 0xffffffffffffffff)
        }
    }

    /// Bit `i` of the bitmap, lowest bit of each byte first; the caller has checked that it is within the certificate.
    function _hasSigned(bytes calldata certificate, uint256 bitmapAt, uint256 i) private pure returns (bool signed) {
        assembly ("memory-safe") {
            let bits := byte(0, calldataload(add(certificate.offset, add(bitmapAt, shr(3, i)))))
            signed := and(shr(and(i, 7), bits), 1)
        }
    }

    function _checkSignature(bytes32 digest, bytes calldata certificate, uint256 at, uint256 account, uint256 index)
        private
        pure
    {
        if (at + SIGNATURE_BYTES > certificate.length) revert IVerifier.MalformedCertificate();
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            let start := add(certificate.offset, at)
            r := calldataload(start)
            s := calldataload(add(start, 32))
            v := byte(0, calldataload(add(start, 64)))
        }
        if (uint256(s) > MAX_S || (v != 27 && v != 28)) revert IVerifier.InvalidSignature(index);
        // A failed recovery gives zero, and a member is never zero.
        if (uint160(ecrecover(digest, v, r, s)) != account) revert IVerifier.InvalidSignature(index);
    }
}
