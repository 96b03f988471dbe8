//! Passwords that everybody knows: a filter made of `common.txt`.

use crate::fingerprint;

/// Sorted fingerprints of four bytes, 64 KiB for 16,285 passwords. A password
/// that is not in the list has the fingerprint of one that is with a
/// probability of 16,285 / 2^32, which is 4 in a million.
const FILTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/common.bin"));

/// Whether the list has the password, given in lower case.
pub(crate) fn contains(password: &str) -> bool {
    let (prints, _) = FILTER.as_chunks();
    prints.binary_search(&fingerprint::of(password)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = include_str!("../common.txt");

    #[test]
    fn the_list_is_long_sorted_and_in_lower_case() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert_eq!(lines.len(), 16_285);
        assert!(lines.is_sorted_by(|left, right| left < right));
        for line in lines {
            assert!(line.chars().count() >= crate::MIN_CHARACTERS, "{line}");
            assert!(line.bytes().all(|b| matches!(b, b' '..=b'~')), "{line}");
            assert_eq!(line, line.to_lowercase());
        }
    }

    #[test]
    fn the_filter_has_every_entry_of_the_list() {
        for line in LIST.lines() {
            assert!(contains(line), "{line}");
        }
        assert!(FILTER.len() <= 4 * 16_285);
        assert!(FILTER.len() > 4 * 16_200);
    }

    #[test]
    fn the_filter_has_little_else() {
        // 250,000 tries, of which one is expected to be taken for an entry.
        let taken = (0..250_000).filter(|n| contains(&format!("not listed {n}")));
        assert!(taken.count() <= 6);
    }
}
