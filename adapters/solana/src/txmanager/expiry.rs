//! Until when a signed transaction can land. Whoever believed a height that is too low would sign a second one while the
//! first may still land; so a transaction names a final block of which k endpoints tell hash and height together.

/// Blocks for which a block hash is good (`MAX_PROCESSING_AGE` of the runtime), and some for how each side counts.
const LIFETIME_BLOCKS: u64 = 150 + 8;

/// The height after which a transaction is void that names the block at height `named`.
pub(super) const fn last_valid_height(named: u64) -> u64 {
    named.saturating_add(LIFETIME_BLOCKS)
}

/// True once no later block can hold it: the final chain is past its last height.
pub(super) const fn is_over(final_height: u64, last_valid_height: u64) -> bool {
    final_height > last_valid_height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_that_is_named_decides_how_long() {
        assert_eq!(last_valid_height(1_000), 1_158);
        assert_eq!(last_valid_height(u64::MAX), u64::MAX);
    }

    #[test]
    fn the_last_height_itself_still_counts() {
        assert!(!is_over(1_214, 1_214));
        assert!(is_over(1_215, 1_214));
    }
}
