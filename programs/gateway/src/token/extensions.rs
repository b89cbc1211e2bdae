//! Extensions of Token-2022 mints, as type u16 ‖ length u16 ‖ value, little-endian, after the base and one type byte.

use super::layout::EXTENSIONS_AT;

/// Only what says something about a mint and changes nothing about its tokens: metadata pointer and metadata, group
/// pointer and group, member pointer and member. Everything else is refused, also what is not known yet. A mint that can
/// be closed is refused too, since it could come back with other extensions or decimals.
const HARMLESS: [u16; 6] = [18, 19, 20, 21, 22, 23];
const HEAD_BYTES: usize = 4;
/// Type 0: the rest of the account is empty.
const UNUSED: u16 = 0;

/// Whether all extensions in a mint's data are harmless.
pub fn are_harmless(mint: &[u8]) -> bool {
    let mut rest = mint.get(EXTENSIONS_AT..).unwrap_or_default();
    while let Some((head, after)) = rest.split_at_checked(HEAD_BYTES) {
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        if kind == UNUSED {
            return rest.iter().all(|byte| *byte == 0);
        }
        let Some(next) = after.get(length..) else {
            return false;
        };
        if !HARMLESS.contains(&kind) {
            return false;
        }
        rest = next;
    }
    rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mint(extensions: &[(u16, &[u8])], tail: &[u8]) -> Vec<u8> {
        let mut data = vec![7; EXTENSIONS_AT];
        for (kind, value) in extensions {
            data.extend(kind.to_le_bytes());
            data.extend(u16::try_from(value.len()).expect("values of tests are short").to_le_bytes());
            data.extend(*value);
        }
        data.extend(tail);
        data
    }

    #[test]
    fn plain_mints_and_metadata_are_harmless() {
        assert!(are_harmless(&[7; 82]));
        assert!(are_harmless(&mint(&[], &[])));
        assert!(are_harmless(&mint(&[(18, &[1; 64]), (19, &[2; 90])], &[])));
        assert!(are_harmless(&mint(&[(18, &[1; 64])], &[0; 9])));
    }

    #[test]
    fn everything_else_is_refused_wherever_it_stands() {
        for kind in (1..18).chain(24..40).chain([u16::MAX]) {
            assert!(!are_harmless(&mint(&[(kind, &[0; 8])], &[])), "extension {kind}");
            assert!(!are_harmless(&mint(&[(18, &[1; 64]), (kind, &[])], &[])), "extension {kind} behind another");
        }
    }

    #[test]
    fn nothing_hides_behind_the_end() {
        assert!(!are_harmless(&mint(&[], &[0, 0, 0, 0, 1, 0, 0, 0])));
        assert!(!are_harmless(&mint(&[], &[18, 0, 9, 0, 1])), "longer than the account");
        assert!(!are_harmless(&mint(&[], &[1])), "a head cut short");
    }
}
