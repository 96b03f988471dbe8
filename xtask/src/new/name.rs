//! What a new service is called.

use anyhow::bail;

/// A service's id, of which its other names are made.
#[derive(Debug)]
pub(super) struct Name(String);

/// The longest id that the registry takes.
const MAX_LENGTH: usize = 63;

/// Words that are something else already where a name would stand.
const RESERVED: [&[&str]; 3] = [
    // As a crate: the keywords of Rust, and its own crates.
    &[
        "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue",
        "core", "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for",
        "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut",
        "override", "priv", "pub", "ref", "return", "self", "static", "std", "struct", "super",
        "test", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use",
        "virtual", "where", "while", "yield",
    ],
    // As a table: what SQLite takes for no name.
    &[
        "add",
        "all",
        "alter",
        "and",
        "autoincrement",
        "between",
        "case",
        "check",
        "collate",
        "commit",
        "constraint",
        "create",
        "default",
        "deferrable",
        "delete",
        "distinct",
        "drop",
        "escape",
        "except",
        "exists",
        "foreign",
        "from",
        "group",
        "having",
        "index",
        "insert",
        "intersect",
        "into",
        "is",
        "isnull",
        "join",
        "limit",
        "not",
        "nothing",
        "notnull",
        "null",
        "on",
        "or",
        "order",
        "primary",
        "references",
        "returning",
        "select",
        "set",
        "table",
        "then",
        "to",
        "transaction",
        "unique",
        "update",
        "using",
        "values",
        "when",
    ],
    // As a type: what the service's own code calls so.
    &[
        "err", "method", "none", "ok", "option", "problem", "request", "response", "result",
        "service", "some", "string", "vec",
    ],
];

impl Name {
    /// The name, if a service can be called so.
    ///
    /// Errors: text that is no id; a word that is something else in the code.
    pub(super) fn parse(id: &str) -> anyhow::Result<Self> {
        let is_word = |word: &str| {
            let is_fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            !word.is_empty() && word.bytes().all(is_fine)
        };
        let begins_well = id.starts_with(|first: char| first.is_ascii_lowercase());
        if !begins_well || !id.split('-').all(is_word) || id.len() > MAX_LENGTH {
            bail!(
                "`{id}` is no id of a service: it has up to {MAX_LENGTH} letters a-z and digits, \
                 begins with a letter, and has single dashes between its words, such as \
                 `product-reviews`"
            );
        }
        if RESERVED.iter().any(|words| words.contains(&id)) {
            bail!(
                "`{id}` is a word of Rust, SQL or the kit, and the service would be called so \
                 there: take two words, such as `shop-{id}`"
            );
        }
        Ok(Self(id.to_owned()))
    }

    /// `product-reviews`: id, crate, path, links, database.
    pub(super) fn kebab(&self) -> &str {
        &self.0
    }

    /// `product_reviews`: table, migration, and the file that is compiled.
    pub(super) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `ProductReviews`: the type, and schemas of the API.
    pub(super) fn pascal(&self) -> String {
        let mut name = String::new();
        for word in self.0.split('-') {
            let (first, rest) = word.split_at(1);
            name.push_str(&first.to_ascii_uppercase());
            name.push_str(rest);
        }
        name
    }

    /// A template with this name in the place of `new-service`.
    pub(super) fn fill(&self, template: &str) -> String {
        template
            .replace("new-service", self.kebab())
            .replace("new_service", &self.snake())
            .replace("NewService", &self.pascal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_each_place_wants_it() {
        let name = Name::parse("product-reviews-2").unwrap();
        assert_eq!(name.snake(), "product_reviews_2");
        assert_eq!(name.pascal(), "ProductReviews2");
        assert_eq!(
            name.fill("/new-service new_service NewService"),
            "/product-reviews-2 product_reviews_2 ProductReviews2"
        );
    }

    #[test]
    fn a_name_is_words_in_lower_case_joined_by_dashes() {
        let longest = "a".repeat(MAX_LENGTH);
        for good in ["a", "reviews", "product-reviews", "b2b", "a-1", &longest] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(MAX_LENGTH + 1);
        for bad in [
            "",
            "-",
            "Reviews",
            "reviews-",
            "-reviews",
            "a--b",
            "a_b",
            "a b",
            "a.b",
            "a/b",
            "../a",
            "2b",
            "é",
            "openapi.yaml",
            &long,
        ] {
            let error = Name::parse(bad).unwrap_err().to_string();
            assert!(error.contains("such as `product-reviews`"), "{error}");
        }
    }

    #[test]
    fn a_word_that_means_something_else_is_refused() {
        for word in ["match", "order", "result", "self", "std"] {
            let error = Name::parse(word).unwrap_err().to_string();
            assert!(error.contains(&format!("such as `shop-{word}`")), "{error}");
            assert!(Name::parse(&format!("shop-{word}")).is_ok());
        }
    }
}
