//! Slugs: a product's name in its public address.

use serde::Serialize;
use serde_json::Value;
use stoa_kit::form::{self, Errors};
use stoa_kit::{Field, Id};

use crate::words::words;

/// Lower-case ASCII letters and digits in groups joined by single hyphens, 1
/// to 128 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Slug(String);

const MAX_LENGTH: usize = 128;

/// How much of the id makes a derived slug unique. The end of a UUIDv7 is
/// random.
const SUFFIX_LENGTH: usize = 8;

impl Slug {
    /// The slug made from the name, or from the SKU where the name has no
    /// letter of the Latin alphabet, with room for a suffix.
    pub(crate) fn derive(name: &str, sku: &str) -> Self {
        [name, sku]
            .into_iter()
            .map(kebab)
            .find(|slug| !slug.is_empty())
            .map_or_else(|| Self("product".to_owned()), Self)
    }

    /// This slug made unique by the product's id.
    pub(crate) fn with_suffix(&self, id: Id) -> Self {
        let id = id.to_string();
        let suffix = id.get(id.len() - SUFFIX_LENGTH..).unwrap_or_default();
        Self(format!("{}-{suffix}", self.0))
    }

    /// A slug that was checked before it was stored.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// As many of the text's words as fit.
fn kebab(text: &str) -> String {
    let mut slug = String::new();
    for word in words(text) {
        let word: String = word.chars().filter(char::is_ascii).collect();
        let room = MAX_LENGTH - SUFFIX_LENGTH - 1 - slug.len();
        if word.is_empty() {
            continue;
        }
        if slug.is_empty() {
            slug.extend(word.chars().take(room));
        } else if word.len() < room {
            slug.push('-');
            slug.push_str(&word);
        } else {
            break;
        }
    }
    slug
}

impl Field for Slug {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let slug = form::text(value, 1, MAX_LENGTH, errors)?;
        let is_group = |group: &str| {
            !group.is_empty()
                && group
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if slug.split('-').all(is_group) {
            Some(Self(slug))
        } else {
            errors.refuse(
                "format",
                "must be lower-case letters a-z and digits, joined by single hyphens",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn derived(name: &str, sku: &str) -> String {
        Slug::derive(name, sku).0
    }

    #[test]
    fn a_slug_is_derived_from_the_name_else_from_the_sku() {
        assert_eq!(derived("Red Shoe, size 42", "S"), "red-shoe-size-42");
        assert_eq!(
            derived("  Crème Brûlée  Straße ", "S"),
            "creme-brulee-strasse"
        );
        assert_eq!(derived("日本 Tee 2", "S"), "tee-2");
        assert_eq!(derived("日本茶", "JP_Tea.01"), "jp-tea-01");
        assert_eq!(derived("日本茶", "._-"), "product");
    }

    #[test]
    fn a_derived_slug_is_a_slug_and_has_room_for_a_suffix() {
        for name in [
            "a".repeat(200),
            "word ".repeat(40),
            format!("{} b", "a".repeat(118)),
        ] {
            let slug = Slug::derive(&name, "S").with_suffix(Id::new());
            assert!(slug.0.len() <= MAX_LENGTH, "{slug:?}");
            let mut errors = Errors::default();
            assert_eq!(Slug::read(&json!(slug), &mut errors), Some(slug));
        }
    }

    #[test]
    fn what_is_not_kebab_case_is_refused() {
        for (slug, code) in [
            (json!(""), "length"),
            (json!("a".repeat(129)), "length"),
            (json!("Shoe"), "format"),
            (json!("-shoe"), "format"),
            (json!("shoe-"), "format"),
            (json!("red--shoe"), "format"),
            (json!("größe"), "format"),
            (json!("red shoe"), "format"),
            (json!(7), "type"),
        ] {
            let mut errors = Errors::default();
            assert_eq!(Slug::read(&slug, &mut errors), None, "{slug}");
            assert_eq!(errors.into_list()[0].code, code, "{slug}");
        }
        for slug in ["a", "red-shoe-42", &"a".repeat(128)] {
            assert!(Slug::read(&json!(slug), &mut Errors::default()).is_some());
        }
    }
}
