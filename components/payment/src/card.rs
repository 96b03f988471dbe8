//! Card numbers, which must never come here: only a processor's tokens do.
//!
//! A number that looks like one is refused wherever it stands, and not
//! repeated anywhere: neither in the answer nor in the log.

use serde_json::Value;
use stoa_kit::Problem;
use stoa_kit::form::Errors;
use stoa_kit::problem::Place;

/// Refuses a body that carries something like a card number.
///
/// Errors: `card_number` (422), with the first field that does.
pub(crate) fn refuse(body: &Value) -> Result<(), Problem> {
    let mut errors = Errors::default();
    look(body, &mut errors);
    let Some(error) = errors.into_list().into_iter().next() else {
        return Ok(());
    };
    let pointer = match &error.place {
        Place::Pointer(pointer) => pointer.as_str(),
        _ => "",
    };
    Err(Problem::unprocessable_at(
        "card_number",
        pointer,
        error.message,
    ))
}

fn look(value: &Value, errors: &mut Errors) {
    let found = match value {
        Value::String(text) => has_card_number(text),
        Value::Number(number) => has_card_number(&number.to_string()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                errors.at(&index.to_string(), |errors| look(item, errors));
            }
            false
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                // A pointer with the name in it would repeat the number.
                if has_card_number(name) {
                    note(errors);
                } else {
                    errors.at(name, |errors| look(value, errors));
                }
            }
            false
        }
        Value::Null | Value::Bool(_) => false,
    };
    if found {
        note(errors);
    }
}

fn note(errors: &mut Errors) {
    errors.refuse::<()>(
        "card_number",
        "looks like a card number: card data is for the processor only, send its token here",
    );
}

/// The most digits of a card.
const LONGEST: usize = 19;

/// Whether a text has 13 to 19 digits that pass the check of ISO/IEC 7812
/// (Luhn), alone or in groups with spaces, dashes, dots, slashes or underscores
/// between them.
fn has_card_number(text: &str) -> bool {
    runs(&without_uuids(text))
        .iter()
        .any(|groups| (0..groups.len()).any(|first| starts_card(&groups[first..])))
}

/// Whether the first so many groups together are a card number.
fn starts_card(groups: &[String]) -> bool {
    let mut digits = String::new();
    for group in groups {
        digits.push_str(group);
        if is_card_number(&digits) {
            return true;
        }
        // No card has more, and a text may have any number of groups.
        if digits.len() > LONGEST {
            return false;
        }
    }
    false
}

fn is_card_number(digits: &str) -> bool {
    (13..=LONGEST).contains(&digits.len()) && !digits.starts_with('0') && luhn(digits)
}

fn luhn(digits: &str) -> bool {
    let digits = digits.chars().rev().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => 2 * digit - 9,
            (_, digit) => 2 * digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The digits of a text: groups of them, and runs of groups with nothing but
/// spaces, dashes, dots, slashes and underscores between.
fn runs(text: &str) -> Vec<Vec<String>> {
    let mut runs = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let mut is_inside = false;
    for char in text.chars() {
        if char.is_ascii_digit() {
            match groups.last_mut().filter(|_| is_inside) {
                Some(group) => group.push(char),
                None => groups.push(char.to_string()),
            }
            is_inside = true;
        } else {
            is_inside = false;
            let joins = char.is_whitespace()
                || matches!(char, '-' | '.' | '/' | '_' | '\u{2010}'..='\u{2015}');
            if !joins && !groups.is_empty() {
                runs.push(std::mem::take(&mut groups));
            }
        }
    }
    runs.push(groups);
    runs
}

/// Ids of orders are in references, and some of them have many digits.
fn without_uuids(text: &str) -> String {
    let ends = |char: char| !char.is_ascii_alphanumeric() && char != '-';
    let parts = text.split_inclusive(ends).map(|part| {
        let word = part.trim_end_matches(ends);
        if stoa_kit::Id::parse(word, "word").is_ok() {
            part.replace(word, "/")
        } else {
            part.to_owned()
        }
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn card_numbers_are_found_however_they_are_written() {
        for card in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "4242 - 4242 - 4242 - 4242",
            "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
            "378282246310005",
            "4222222222222",
            "6304000000000000000",
            "order 12, card 4242 4242 4242 4242 12/29 123",
            "no. 7 4242424242424242",
            "x4242424242424242y",
            "4242\u{2011}4242\u{2011}4242\u{2011}4242",
            "4242\n4242\t4242\u{a0}4242",
            "4242.4242.4242.4242",
            "4242_4242_4242_4242",
            "4242/4242/4242/4242",
        ] {
            assert!(has_card_number(card), "{card}");
        }
    }

    #[test]
    fn other_numbers_are_not() {
        for text in [
            "",
            "tok_approved",
            "4242424242424241",
            "424242424242",
            "42424242424242424242",
            "2026-11-23",
            "2026-11-23 10:11:12",
            "+49 30 123456",
            "0000000000000000",
            "01890000-1234-7123-8123-123456789012",
            "order 81234242-4242-4242-4242-424242424242",
            "pm_1NG8Du2eZvKYlo2CUI79vXWy",
        ] {
            assert!(!has_card_number(text), "{text}");
        }
    }

    #[test]
    fn a_text_of_many_groups_is_looked_through_quickly() {
        let began = std::time::Instant::now();
        assert!(!has_card_number(&"0 ".repeat(500_000)));
        // A second on a slow machine: one group after the other. All that begin
        // at each would take an hour.
        assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    }

    #[test]
    fn the_field_is_named_and_the_number_is_not_repeated() {
        let number = "4242 4242 4242 4242";
        for (body, pointer) in [
            (json!({"reference": number}), "/reference"),
            (
                json!({"metadata": {"a": [1, {"b": number}]}}),
                "/metadata/a/1/b",
            ),
            (json!({"metadata": {number: 1}}), "/metadata"),
            (
                json!({"metadata": {"n": 4_242_424_242_424_242_i64}}),
                "/metadata/n",
            ),
        ] {
            let problem = refuse(&body).unwrap_err();
            assert_eq!(problem.errors()[0].place, Place::Pointer(pointer.into()));
            let response = problem.into_response("r");
            assert_eq!(response.status, 422);
            assert!(response.body.contains("\"card_number\""));
            assert!(!response.body.contains("4242"), "{}", response.body);
        }
        assert!(refuse(&json!({"amount": {"amount": 1999}})).is_ok());
    }
}
