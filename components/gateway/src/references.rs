//! References in the answers of services outside the lattice. They may point
//! into the service's own address, which is nobody else's business: such a
//! reference becomes a path of this API, and any other absolute one is not
//! passed on.

use crate::outside::Base;

/// A `Location` as clients may see it: a path, or nothing.
pub fn location(reference: &str, base: &Base<'_>) -> Option<String> {
    let path = match reference.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(base.scheme()) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            if !authority.eq_ignore_ascii_case(base.authority) {
                return None;
            }
            path
        }
        _ => reference,
    };
    let path = path.strip_prefix(base.path)?;
    // `//host` and `/\host` are other hosts to a browser.
    let is_path = path.starts_with('/') && !path[1..].starts_with(['/', '\\']);
    (is_path && !path.chars().any(char::is_control)).then(|| path.to_owned())
}

/// A `Link` (RFC 8288) with every target made a path, or nothing when one of
/// them cannot be.
pub fn link(value: &str, base: &Base<'_>) -> Option<String> {
    let mut pieces = value.split('<');
    let mut link = pieces.next()?.to_owned();
    for piece in pieces {
        let (target, rest) = piece.split_once('>')?;
        link.push('<');
        link.push_str(&location(target, base)?);
        link.push('>');
        link.push_str(rest);
    }
    Some(link)
}

#[cfg(test)]
mod tests {
    use stoa_services::Scheme;

    use super::*;

    const BASE: Base<'_> = Base {
        scheme: Scheme::Http,
        authority: "10.0.0.7:8080",
        path: "/api",
    };

    fn seen(reference: &str) -> Option<String> {
        location(reference, &BASE)
    }

    #[test]
    fn a_location_at_the_service_becomes_a_path() {
        for (internal, public) in [
            ("http://10.0.0.7:8080/api/reviews/1", "/reviews/1"),
            ("HTTP://10.0.0.7:8080/api/reviews?a=b", "/reviews?a=b"),
            ("/api/reviews/1#top", "/reviews/1#top"),
        ] {
            assert_eq!(seen(internal).as_deref(), Some(public));
        }
        let bare = Base { path: "", ..BASE };
        assert_eq!(
            location("http://10.0.0.7:8080/a", &bare).as_deref(),
            Some("/a")
        );
    }

    #[test]
    fn a_location_anywhere_else_is_not_passed_on() {
        for bad in [
            "http://10.0.0.7:80801/api/a",
            "http://10.0.0.7:8080.evil/api/a",
            "https://10.0.0.7:8080/api/a",
            "http://10.0.0.8/api/a",
            "http://10.0.0.7:8080",
            "http://10.0.0.7:8080/admin",
            "http://10.0.0.7:8080/apiary/a",
            "//10.0.0.7:8080/api/a",
            "/api//evil.example",
            "/api/\\evil.example",
            "/other",
            "/api",
            "api/a",
            "a",
            "",
            "javascript:alert(1)",
            "/api/a\r\nb: c",
            "http://user@10.0.0.7:8080/api/a",
        ] {
            assert_eq!(seen(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_target_of_a_link_is_a_path_or_the_link_is_dropped() {
        let value = r#"<http://10.0.0.7:8080/api/r?c=2>; rel="next", </api/r>; rel="first""#;
        let public = r#"</r?c=2>; rel="next", </r>; rel="first""#;
        assert_eq!(link(value, &BASE).as_deref(), Some(public));
        assert_eq!(
            link(
                r#"</api/r>; rel="first", <http://10.0.0.8/>; rel="up""#,
                &BASE
            ),
            None
        );
        assert_eq!(link("<http://10.0.0.7:8080/api/r", &BASE), None);
    }
}
