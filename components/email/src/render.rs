//! Filling in the templates. A variable that is not there is an error, and what
//! is filled into HTML is escaped.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde_json::Value;

use crate::settings::Settings;
use crate::template::Template;

/// A mail as it goes out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Letter {
    /// One line.
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// Fills in a template with the data of a mail and, where it has one, the link
/// with its token.
///
/// Errors: what is wrong with the template or the data, for the log.
pub(crate) fn letter(
    template: Template,
    data: &Value,
    link: Option<&str>,
    settings: &Settings,
) -> Result<Letter, String> {
    let sources = template.sources();
    let mut templates = environment();
    let fill = |templates: &Environment<'_>, name: &str, subject: &str| {
        let Settings {
            shop_name,
            shop_url,
            ..
        } = settings;
        templates
            .get_template(name)
            .and_then(|found| found.render(context! { data, link, shop_name, shop_url, subject }))
            .map_err(|error| format!("{}, {name}: {error}", template.name()))
    };
    for (name, source) in [
        ("layout.txt", include_str!("../templates/layout.txt")),
        ("layout.html", include_str!("../templates/layout.html")),
        ("subject.txt", sources.subject),
        ("text.txt", sources.text),
        ("html.html", sources.html),
    ] {
        let added = templates.add_template(name, source);
        added.map_err(|error| format!("{}, {name}: {error}", template.name()))?;
    }
    let subject = one_line(&fill(&templates, "subject.txt", "")?);
    Ok(Letter {
        text: fill(&templates, "text.txt", &subject)?,
        html: fill(&templates, "html.html", &subject)?,
        subject,
    })
}

/// Fills in the page at `/mailbox`.
pub(crate) fn mailbox(mails: &[Value], settings: &Settings) -> Result<String, String> {
    let shop_name = &settings.shop_name;
    environment()
        .render_named_str(
            "mailbox.html",
            include_str!("../templates/mailbox.html"),
            context! { mails, shop_name },
        )
        .map_err(|error| format!("mailbox.html: {error}"))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(true);
    environment.set_auto_escape_callback(|name| {
        if name.rsplit('.').next() == Some("html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    environment
}

/// Words with single spaces between them: a line break in a subject would end
/// it.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
