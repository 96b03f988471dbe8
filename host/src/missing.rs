//! What a lattice that starts still waits for: in a few words for the terminal,
//! and at more length for the error when the time is over.

use std::fmt::{self, Display, Formatter};

/// How many parts are named in a few words.
const FEW: usize = 3;
/// How many are named at length, and with how much of a name and of a reason,
/// in characters.
const MANY: usize = 20;
const NAME: usize = 60;
const REASON: usize = 100;

/// Parts of a lattice that are not there yet, in the order of their finding,
/// each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Missing(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
struct Part {
    name: String,
    /// Why, if that was said.
    reason: String,
}

impl Missing {
    /// One part, and why it is not there.
    pub fn one(name: &str, reason: &str) -> Self {
        let mut missing = Self::default();
        missing.add(name, reason);
        missing
    }

    /// Adds a part, unless it is named already; then its reason may be new.
    pub fn add(&mut self, name: &str, reason: &str) {
        let (name, reason) = (cut(name, NAME), cut(reason, REASON));
        match self.0.iter_mut().find(|part| part.name == name) {
            Some(part) if part.reason.is_empty() => part.reason = reason,
            Some(_) => {}
            None => self.0.push(Part { name, reason }),
        }
    }

    /// Both, these first.
    pub fn and(mut self, others: Self) -> Self {
        for part in others.0 {
            self.add(&part.name, &part.reason);
        }
        self
    }

    /// The first of them and how many more, in one short line:
    /// `product, account, sql and 14 more`.
    pub fn briefly(&self) -> String {
        let few = &self.0[..self.0.len().min(FEW)];
        names(few) + &more(self.0.len() - few.len())
    }
}

/// At length, each reason once: `product; sql, mail (Scaling provider) and 3 more`.
impl Display for Missing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let many = &self.0[..self.0.len().min(MANY)];
        let mut reasons: Vec<&str> = many.iter().map(|part| part.reason.as_str()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        let told = reasons.into_iter().map(|reason| {
            let names = names(many.iter().filter(|part| part.reason == reason));
            if reason.is_empty() {
                names
            } else {
                format!("{names} ({reason})")
            }
        });
        f.write_str(&told.collect::<Vec<_>>().join("; "))?;
        f.write_str(&more(self.0.len() - many.len()))
    }
}

fn names<'a>(parts: impl IntoIterator<Item = &'a Part>) -> String {
    let names: Vec<_> = parts.into_iter().map(|part| part.name.as_str()).collect();
    names.join(", ")
}

fn more(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(" and {count} more"),
    }
}

/// The beginning of a text that goes on one line.
fn cut(text: &str, most: usize) -> String {
    let line: Vec<_> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(parts: &[(&str, &str)]) -> Missing {
        let mut missing = Missing::default();
        for (name, reason) in parts {
            missing.add(name, reason);
        }
        missing
    }

    #[test]
    fn the_first_three_are_named_and_the_others_counted() {
        let scaling = "Scaling provider on 1 host(s)";
        let all = [
            ("product", ""),
            ("account", ""),
            ("sql", scaling),
            ("mail", scaling),
        ];
        for (count, line) in [
            (1, "product"),
            (2, "product, account"),
            (3, "product, account, sql"),
            (4, "product, account, sql and 1 more"),
        ] {
            assert_eq!(missing(&all[..count]).briefly(), line);
        }
        let names: Vec<_> = (0..17).map(|number| format!("part-{number}")).collect();
        let parts: Vec<_> = names.iter().map(|name| (name.as_str(), scaling)).collect();
        assert_eq!(
            missing(&parts).briefly(),
            "part-0, part-1, part-2 and 14 more"
        );
    }

    #[test]
    fn a_part_that_is_found_twice_is_named_once() {
        let api = missing(&[("product", ""), ("auth", "")]);
        let wadm = missing(&[
            ("product", "Scaling component"),
            ("sql", "Scaling provider"),
        ]);
        let both = api.and(wadm);
        assert_eq!(both.briefly(), "product, auth, sql");
        let told = "auth; product (Scaling component); sql (Scaling provider)";
        assert_eq!(both.to_string(), told);
    }

    #[test]
    fn at_length_a_reason_is_told_once() {
        let scaling = "Scaling provider on 1 host(s)";
        let found = missing(&[("product", ""), ("sql", scaling), ("mail", scaling)]);
        let told = "product; sql, mail (Scaling provider on 1 host(s))";
        assert_eq!(found.to_string(), told);
    }

    #[test]
    fn however_much_is_missing_the_line_has_an_end() {
        let long = "long ".repeat(1_000);
        let names: Vec<_> = (0..300).map(|number| format!("{number}-{long}")).collect();
        let parts: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), name.as_str()))
            .collect();
        let found = missing(&parts);
        assert!(found.briefly().chars().count() < 250, "{}", found.briefly());
        assert!(found.briefly().ends_with("... and 297 more"));
        let told = found.to_string();
        assert!(told.chars().count() < 3_600, "{told}");
        assert!(told.ends_with(" and 280 more"), "{told}");
    }

    #[test]
    fn a_text_of_several_lines_is_one() {
        assert_eq!(missing(&[("a\nb", "c\r\n d")]).to_string(), "a b (c d)");
        assert_eq!(cut("größer", 3), "grö...");
    }
}
