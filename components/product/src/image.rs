//! Images: addresses, and what to say in their place.

use http::Uri;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_kit::form::{self, Errors};
use stoa_kit::{Field, Form};

/// A picture of a product. The service neither stores nor fetches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Image {
    /// Absolute, http or https.
    url: String,
    /// The text for those who do not see it.
    alt: String,
}

/// At most twenty, in the order to show them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Images(Vec<Image>);

const MAX_IMAGES: usize = 20;
const MAX_URL_LENGTH: usize = 2048;
const MAX_ALT_LENGTH: usize = 300;

struct Url(String);

impl Field for Url {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let url = form::text(value, 1, MAX_URL_LENGTH, errors)?;
        if is_web_address(&url) {
            Some(Self(url))
        } else {
            errors.refuse(
                "format",
                "must be an absolute URL that begins with http:// or https://",
            )
        }
    }
}

/// Whether it is a URL as RFC 3986 writes it, ASCII only, with http or https
/// and a host, and without a user or password.
fn is_web_address(text: &str) -> bool {
    let is_url_character = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    text.bytes().all(is_url_character)
        && matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'))
}

struct Alt(String);

impl Field for Alt {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        form::text(value, 0, MAX_ALT_LENGTH, errors).map(Self)
    }
}

impl Field for Image {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        Form::nested(value, errors, |form| {
            let url = form.required::<Url>("url");
            let alt = form.or("alt", Alt(String::new()));
            Some(Self {
                url: url?.0,
                alt: alt?.0,
            })
        })
    }
}

impl Field for Images {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        form::list(value, MAX_IMAGES, errors).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(value: &Value) -> Option<&'static str> {
        let mut errors = Errors::default();
        let read = Images::read(value, &mut errors);
        let code = errors.into_list().first().map(|error| error.code);
        assert_eq!(read.is_none(), code.is_some());
        code
    }

    #[test]
    fn an_image_needs_a_web_address() {
        for url in [
            "https://example.com/a.png",
            "http://example.com:8080/a%20b.jpg?w=1&h=2#top",
            "HTTPS://EXAMPLE.COM",
            "http://[::1]/x",
        ] {
            assert_eq!(code(&json!([{ "url": url }])), None, "{url}");
        }
        for url in [
            "/a.png",
            "//example.com/a.png",
            "example.com/a.png",
            "ftp://example.com/a",
            "http://",
            "https:///a",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "https://e.com/a b",
            "https://e.com/ä",
            "https://me:secret@e.com/",
            "https://e.com/\"><script>",
        ] {
            assert_eq!(code(&json!([{ "url": url }])), Some("format"), "{url}");
        }
    }

    #[test]
    fn images_have_limits() {
        let url = |length: usize| format!("https://e.com/{}", "a".repeat(length - 14));
        let image = |url: &str, alt: usize| json!([{"url": url, "alt": "a".repeat(alt)}]);
        assert_eq!(code(&image(&url(2048), 300)), None);
        assert_eq!(code(&image(&url(2049), 300)), Some("length"));
        assert_eq!(code(&image(&url(2048), 301)), Some("length"));
        assert_eq!(
            code(&json!(vec![json!({"url": "https://e.com"}); 20])),
            None
        );
        assert_eq!(
            code(&json!(vec![json!({"url": "https://e.com"}); 21])),
            Some("length")
        );
        assert_eq!(code(&json!([{"alt": "a"}])), Some("required"));
        assert_eq!(
            code(&json!([{"url": "https://e.com", "width": 1}])),
            Some("unknown")
        );
        assert_eq!(code(&json!({})), Some("type"));
    }
}
