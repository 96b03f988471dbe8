//! Words, folded: what search compares, names are sorted by and slugs are made
//! of.
//!
//! The same folding is applied to what is stored and to what is asked for, so
//! `Crème`, `CREME` and `creme` are one word whatever the database thinks of
//! letters.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;

/// Names are sorted by so many folded characters; cursors carry them.
const SORT_NAME_LENGTH: usize = 100;

/// The words of a text: lower case, without accents, letters and digits only.
pub(crate) fn words(text: &str) -> Vec<String> {
    let folded: String = text
        .nfkd()
        // Accents and points; vowel signs, which are letters, have class 0.
        .filter(|letter| canonical_combining_class(*letter) == 0)
        .flat_map(char::to_lowercase)
        .collect();
    folded
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().fold(String::new(), plain))
        .collect()
}

/// Adds a letter, and those that are letters with a stroke or two in one,
/// which Unicode does not take apart, as people type them without.
fn plain(mut word: String, letter: char) -> String {
    match letter {
        'ß' => word.push_str("ss"),
        'æ' => word.push_str("ae"),
        'œ' => word.push_str("oe"),
        'þ' => word.push_str("th"),
        'ø' => word.push('o'),
        'đ' | 'ð' => word.push('d'),
        'ħ' => word.push('h'),
        'ı' => word.push('i'),
        'ł' => word.push('l'),
        'ŋ' => word.push('n'),
        'ŧ' => word.push('t'),
        'ς' => word.push('σ'),
        other => word.push(other),
    }
    word
}

/// What a product is found by: every word once, separated by spaces.
pub(crate) fn index<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let distinct: BTreeSet<_> = texts.into_iter().flat_map(words).collect();
    distinct.into_iter().collect::<Vec<_>>().join(" ")
}

/// What a name is sorted by: case, accents and punctuation do not count.
pub(crate) fn sort_name(name: &str) -> String {
    words(name)
        .join(" ")
        .chars()
        .take(SORT_NAME_LENGTH)
        .collect()
}

/// The FTS5 query for products that have, for each word of `text`, a word that
/// begins with it. `None` when there is no word in it.
///
/// Words are letters and digits, and quoted all the same: no syntax of the
/// query language can come in.
pub(crate) fn match_expression(text: &str) -> Option<String> {
    let distinct: BTreeSet<_> = words(text).into_iter().collect();
    let terms: Vec<_> = distinct.iter().map(|word| format!("\"{word}\"*")).collect();
    (!terms.is_empty()).then(|| terms.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded() {
        assert_eq!(words("Crème BRÛLÉE"), ["creme", "brulee"]);
        assert_eq!(
            words("Größe Ærø Łódź İstanbul ﬁn"),
            ["grosse", "aero", "lodz", "istanbul", "fin"]
        );
        assert_eq!(words("AB-100.x_y"), ["ab", "100", "x", "y"]);
        assert_eq!(words("ΟΔΟΣ οδος"), ["οδοσ", "οδοσ"]);
        assert_eq!(words("日本 茶"), ["日本", "茶"]);
        assert_eq!(words("हिन्दी"), words("हिन्दी "));
        assert_eq!(words(" ,;*\"'()-"), Vec::<String>::new());
    }

    #[test]
    fn an_index_has_each_word_once() {
        assert_eq!(
            index(["Red shoe", "A red, RED shoe.", "SH-1"]),
            "1 a red sh shoe"
        );
    }

    #[test]
    fn names_sort_without_case_accents_and_punctuation() {
        assert_eq!(sort_name("«Émile» & Co."), "emile co");
        assert_eq!(sort_name(&"ﷺ".repeat(200)).chars().count(), 100);
    }

    #[test]
    fn no_syntax_leaks_into_the_query() {
        assert_eq!(match_expression("red shoe").unwrap(), "\"red\"* \"shoe\"*");
        assert_eq!(
            match_expression("name:x OR \"y\" NOT z* ^a -b NEAR(c)").unwrap(),
            "\"a\"* \"b\"* \"c\"* \"name\"* \"near\"* \"not\"* \"or\"* \"x\"* \"y\"* \"z\"*"
        );
        assert_eq!(match_expression("shoe SHOE Shoé").unwrap(), "\"shoe\"*");
        assert_eq!(match_expression("\"*(-"), None);
    }
}
