// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// One bit per (chain, nonce), 256 nonces to a storage word.
library Replay {
    struct Bitmap {
        mapping(uint256 key => uint256) words;
    }

    /// Walks over many nonces and keeps the word it is at in memory, so that a run of nonces costs one write per word.
    /// Start with `Cursor(NO_KEY, 0)` and end with `flush`.
    struct Cursor {
        uint256 key;
        uint256 word;
    }

    /// No (chain, nonce) maps to this key: a key has 120 bits.
    uint256 internal constant NO_KEY = type(uint256).max;

    function isSet(Bitmap storage self, uint64 chain, uint64 nonce) internal view returns (bool) {
        return self.words[_key(chain, nonce)] & _bit(nonce) != 0;
    }

    /// Sets the bit; false if it was set already.
    function set(Bitmap storage self, uint64 chain, uint64 nonce) internal returns (bool) {
        uint256 key = _key(chain, nonce);
        uint256 word = self.words[key];
        if (word & _bit(nonce) != 0) return false;
        self.words[key] = word | _bit(nonce);
        return true;
    }

    function clear(Bitmap storage self, uint64 chain, uint64 nonce) internal {
        self.words[_key(chain, nonce)] &= ~_bit(nonce);
    }

    /// As `set`, in the cursor's word.
    function set(Bitmap storage self, Cursor memory cursor, uint64 chain, uint64 nonce) internal returns (bool) {
        _seek(self, cursor, _key(chain, nonce));
        if (cursor.word & _bit(nonce) != 0) return false;
        cursor.word |= _bit(nonce);
        return true;
    }

    /// As `clear`, in the cursor's word.
    function clear(Bitmap storage self, Cursor memory cursor, uint64 chain, uint64 nonce) internal {
        _seek(self, cursor, _key(chain, nonce));
        cursor.word &= ~_bit(nonce);
    }

    function flush(Bitmap storage self, Cursor memory cursor) internal {
        if (cursor.key != NO_KEY) self.words[cursor.key] = cursor.word;
    }

    function _seek(Bitmap storage self, Cursor memory cursor, uint256 key) private {
        if (cursor.key == key) return;
        flush(self, cursor);
        cursor.key = key;
        cursor.word = self.words[key];
    }

    function _key(uint64 chain, uint64 nonce) private pure returns (uint256) {
        return uint256(chain) << 56 | nonce >> 8;
    }

    function _bit(uint64 nonce) private pure returns (uint256) {
        return 1 << (nonce & 0xff);
    }
}
