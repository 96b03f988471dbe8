//! `GET /mailbox`: the last mails with their links, for development. Whoever can
//! read it can confirm every address and set every password, so it is only there
//! where the configuration says so.

use serde_json::{Value, json};
use stoa_kit::{Problem, Request, Response};

use crate::mail::Stored;
use crate::queries::mails;
use crate::settings::Settings;
use crate::{peers, render};

/// The page loads nothing, runs nothing, sends nothing, and is in no frame.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Stands where there is no token any more.
const GONE: &str = "(the token was used or has expired)";

/// Shows the last mails.
///
/// Errors: `no_route` (404) unless the configuration has `mailbox: on`;
/// `unavailable` (503) while auth does not answer.
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let settings = peers::settings().map_err(Problem::internal)?;
    if !settings.mailbox {
        return Err(Problem::no_route(request));
    }
    let stored = mails::last()?;
    let mails: Vec<_> = stored
        .iter()
        .map(|mail| show(mail, &settings))
        .collect::<Result<_, _>>()?;
    let response = Response {
        body: render::mailbox(&mails, &settings).map_err(Problem::internal)?,
        ..Response::empty(200)
    };
    Ok(response
        .header("content-type", "text/html; charset=utf-8")
        .header("content-security-policy", POLICY)
        .header("referrer-policy", "no-referrer")
        .header("cache-control", "no-store"))
}

/// What the page says of a mail.
fn show(stored: &Stored, settings: &Settings) -> Result<Value, Problem> {
    let Stored { mail, token, data } = stored;
    let token = match token {
        None => None,
        Some(id) => peers::token(id).map_err(|why| {
            Problem::unavailable("The one-time tokens are not there right now.", why)
        })?,
    };
    let link = mail
        .template
        .target()
        .map(|target| token.map_or_else(|| GONE.to_owned(), |token| settings.link(target, &token)));
    let letter = render::letter(mail.template, data, link.as_deref(), settings);
    let (subject, text) = letter.map_or_else(
        |_| (mail.template.name().to_owned(), String::new()),
        |letter| (letter.subject, letter.text),
    );
    Ok(json!({
        "subject": subject,
        "recipient": mail.recipient,
        "created": mail.created,
        "status": mail.status.name(),
        "text": pieces(&text),
    }))
}

/// A text with its addresses of pages apart, so that they can be links.
fn pieces(text: &str) -> Vec<Value> {
    let words = text.split_inclusive(char::is_whitespace);
    let pieces = words.flat_map(|word| {
        let (word, space) = word.split_at(word.trim_end().len());
        let is_link = ["http://", "https://"]
            .into_iter()
            .any(|scheme| word.starts_with(scheme));
        [(word, is_link), (space, false)]
    });
    let pieces = pieces.filter(|(text, _)| !text.is_empty());
    pieces
        .map(|(text, is_link)| json!({"text": text, "is_link": is_link}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_pages_become_links() {
        let text = "see https://a.example/x,\n\njavascript:x http://b";
        let links: Vec<_> = pieces(text)
            .into_iter()
            .filter(|piece| piece["is_link"] == true)
            .map(|piece| piece["text"].clone())
            .collect();
        assert_eq!(links, ["https://a.example/x,", "http://b"]);
        let whole = pieces(text);
        let whole: String = whole
            .iter()
            .filter_map(|piece| piece["text"].as_str())
            .collect();
        assert_eq!(whole, text);
    }
}
