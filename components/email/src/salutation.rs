//! What a mail calls people.
//!
//! Anybody can sign up with another's address and a name of his choice, so a
//! name must not make a mail of ours carry his message.

/// The longest name that is used, in characters.
const LONGEST: usize = 60;

/// The name, if it is one: short, in one line, without what could be an
/// address. Else nothing, and the mail greets without a name.
pub(crate) fn of(name: &str) -> &str {
    let name = name.trim();
    let is_plain = name.chars().count() <= LONGEST
        && !name
            .chars()
            .any(|c| c.is_control() || matches!(c, '/' | '\\' | ':' | '@' | '<' | '>' | '['));
    // `Dr. Ann` is a name, `evil.example` is where somebody wants people to go.
    let mut parts = name.split('.').skip(1);
    let has_host = parts.any(|part| part.starts_with(|c: char| !c.is_whitespace()));
    if is_plain && !has_host { name } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_called_by_their_names() {
        for name in [
            "Ann",
            "Dr. Ann O'Neil-Smith",
            "María José",
            "李小龍",
            "Ann B.",
            "J. R. Ewing",
        ] {
            assert_eq!(of(name), name);
        }
        assert_eq!(of("  Ann "), "Ann");
    }

    #[test]
    fn what_is_more_than_a_name_is_left_out() {
        for name in [
            "You won! Go to evil.example",
            "https://evil.example",
            "ann@example.com",
            "Ann\r\nBcc: all",
            "[click](here)",
            "<b>Ann</b>",
            &"a".repeat(61),
            "",
        ] {
            assert_eq!(of(name), "", "{name}");
        }
    }
}
