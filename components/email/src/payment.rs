//! How payments are told to people.

/// The longest reference that a mail shows, in characters.
const LONGEST: usize = 100;

/// A reference as a mail shows it: in one line, and not endless.
pub(crate) fn reference(text: &str) -> String {
    let line = text.split(|c: char| c.is_control() || c.is_whitespace());
    let words: Vec<_> = line.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

/// What a processor's code means for whoever pays; `None` for a code of which
/// nothing can be said that helps.
pub(crate) fn explain(code: &str) -> Option<&'static str> {
    Some(match code {
        "card_declined" => "The bank declined the card.",
        "insufficient_funds" => "There was not enough money on the card.",
        "expired_card" => "The card has expired.",
        "incorrect_cvc" => "The security code of the card was not right.",
        "authentication_failed" => "The payment was not confirmed with the bank.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_one_line_of_some_length() {
        assert_eq!(reference("Order 42"), "Order 42");
        assert_eq!(reference(" Order\r\n 42\t"), "Order 42");
        assert_eq!(reference(&"é".repeat(300)).chars().count(), 100);
    }

    #[test]
    fn a_code_that_nobody_knows_is_not_shown() {
        assert_eq!(explain("expired_card"), Some("The card has expired."));
        assert_eq!(explain("fraud_suspected"), None);
    }
}
