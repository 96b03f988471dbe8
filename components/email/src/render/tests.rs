//! Every template with sample data, compared to the files in `tests/golden`.
//! `STOA_REWRITE_GOLDEN=1 cargo test -p email` writes them anew.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;

fn settings() -> Settings {
    Settings::read(|name| {
        let value = match name {
            "shop_name" => "Bits & Bolts",
            "shop_url" => "https://shop.example/",
            "verify_url" => "https://shop.example/verify#token={token}",
            "reset_url" => "https://shop.example/reset#token={token}",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .unwrap()
}

/// What the events of a template lead to.
fn sample(template: Template) -> Value {
    match template {
        Template::Receipt | Template::Refund => {
            json!({"name": "", "reference": "Order <42>", "amount": "19.99 EUR", "explanation": null})
        }
        Template::PaymentFailed => {
            json!({"name": "", "reference": "Order <42>", "amount": "500 JPY",
            "explanation": "The card has expired."})
        }
        Template::AccountDeleted | Template::AddressChanged => json!({"name": ""}),
        Template::PasswordChanged => json!({"name": "Ann O'Neil"}),
        _ => json!({"name": "Ann O'Neil", "replaces_password": false}),
    }
}

fn rendered(template: Template, data: &Value) -> Letter {
    let settings = settings();
    let link = template
        .target()
        .map(|target| settings.link(target, "TOKEN"));
    letter(template, data, link.as_deref(), &settings).unwrap()
}

fn golden(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(name)
}

fn compare(name: &str, text: &str) {
    let file = golden(name);
    if std::env::var_os("STOA_REWRITE_GOLDEN").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, expected, "{name}");
}

#[test]
fn every_mail_reads_as_it_should() {
    for template in Template::ALL {
        let Letter {
            subject,
            text,
            html,
        } = rendered(template, &sample(template));
        compare(
            &format!("{}.txt", template.name()),
            &format!("Subject: {subject}\n\n{text}"),
        );
        compare(&format!("{}.html", template.name()), &html);
    }
}

#[test]
fn no_mail_loads_anything_or_runs_anything() {
    for template in Template::ALL {
        let html = rendered(template, &sample(template)).html;
        for bad in [
            "<img", "<script", "<link", "src=", "url(", "<form", "@import",
        ] {
            assert!(!html.contains(bad), "{}: {bad}", template.name());
        }
        for good in ["<!doctype html>", "lang=\"en\"", "<title>", "<main"] {
            assert!(html.contains(good), "{}: {good}", template.name());
        }
    }
}

#[test]
fn what_is_filled_in_is_escaped_in_html_and_only_there() {
    let letter = rendered(Template::Receipt, &sample(Template::Receipt));
    assert!(letter.html.contains("Order &lt;42&gt;"));
    assert!(letter.html.contains("Bits &amp; Bolts"));
    assert!(!letter.html.contains("Order <42>"));
    assert!(letter.text.contains("Order <42>"));
    assert_eq!(
        letter.subject,
        "Bits & Bolts: we have received your payment for Order <42>"
    );
}

#[test]
fn what_is_missing_is_an_error_and_not_a_gap() {
    for template in Template::ALL {
        let problem = letter(template, &json!({}), None, &settings()).unwrap_err();
        assert!(problem.starts_with(template.name()), "{problem}");
    }
}

#[test]
fn a_subject_is_one_line() {
    let data = json!({"name": "", "reference": "a\r\nBcc: all@example.com", "amount": "1 JPY",
        "explanation": null});
    let subject = rendered(Template::Receipt, &data).subject;
    assert_eq!(
        subject,
        "Bits & Bolts: we have received your payment for a Bcc: all@example.com"
    );
}

#[test]
fn whoever_is_to_confirm_anothers_sign_up_is_warned() {
    let data = json!({"name": "", "replaces_password": true});
    let letter = rendered(Template::Verify, &data);
    for text in [&letter.text, &letter.html] {
        let words: Vec<_> = text.split_whitespace().collect();
        assert!(
            words.join(" ").contains("Do not open it if it was not you"),
            "{text}"
        );
    }
}
