//! Where an instance is: on the lattice or at a URL.

use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_kit::form::{Errors, Field, wrong_type};

use crate::InstanceName;

const MAX_LENGTH: usize = 2048;

const RULE: &str = "must be lattice://<lattice>/<component id>, or an http:// or https:// URL \
     without credentials, query and fragment, of at most 2048 characters";

/// A location; JSON and [`Display`](std::fmt::Display) are its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Location {
    /// `lattice://<lattice>/<component id>`: a component on a lattice.
    Lattice {
        /// The lattice's name.
        lattice: String,
        /// The component's id.
        component: String,
    },
    /// The base URL of a service outside the lattice.
    Http {
        /// How it is spoken to.
        scheme: Scheme,
        /// Host and port, such as `10.0.0.7:8080` or `[::1]:80`.
        authority: String,
        /// The path that requests' paths are appended to: empty, or with a
        /// slash at its start and none at its end.
        path: String,
    },
}

/// A URL's scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Location {
    /// Reads a location. Of URLs (RFC 3986) it takes what a base URL needs: an
    /// absolute path without `.` and `..`, and neither credentials, query nor
    /// fragment.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        match scheme {
            "lattice" => parse_lattice(rest),
            "http" => parse_http(Scheme::Http, rest),
            "https" => parse_http(Scheme::Https, rest),
            _ => None,
        }
    }

    /// Whether this is the component `id` of some lattice.
    pub fn is_component(&self, id: &str) -> bool {
        matches!(self, Self::Lattice { component, .. } if component == id)
    }
}

fn parse_lattice(rest: &str) -> Option<Location> {
    let (lattice, component) = rest.split_once('/')?;
    Some(Location::Lattice {
        lattice: InstanceName::parse(lattice)?.into(),
        component: InstanceName::parse(component)?.into(),
    })
}

fn parse_http(scheme: Scheme, rest: &str) -> Option<Location> {
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = path.strip_suffix('/').unwrap_or(path);
    (is_authority(authority) && is_path(path)).then(|| Location::Http {
        scheme,
        authority: authority.to_owned(),
        path: path.to_owned(),
    })
}

fn is_authority(text: &str) -> bool {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        if address.parse::<Ipv6Addr>().is_err() {
            return false;
        }
        ("", port)
    } else {
        let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        let is_name = host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if host.is_empty() || !is_name {
            return false;
        }
        (host, port)
    };
    let port_is_fine = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<u16>().is_ok_and(|port| port > 0)
        }
    };
    host.len() <= 253 && port_is_fine
}

fn is_path(path: &str) -> bool {
    path.split('/')
        .all(|segment| !matches!(segment, "." | ".."))
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:@".contains(&byte))
}

impl std::fmt::Display for Location {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lattice { lattice, component } => {
                write!(formatter, "lattice://{lattice}/{component}")
            }
            Self::Http {
                scheme,
                authority,
                path,
            } => {
                let scheme = match scheme {
                    Scheme::Http => "http",
                    Scheme::Https => "https",
                };
                write!(formatter, "{scheme}://{authority}{path}")
            }
        }
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        location.to_string()
    }
}

impl TryFrom<String> for Location {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(RULE)
    }
}

impl Field for Location {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return wrong_type(value, "a string", errors);
        };
        Self::parse(text).or_else(|| errors.refuse("format", RULE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_component_or_a_base_url() {
        for good in [
            "lattice://default/product",
            "lattice://eu.west_1/Product_2",
            "http://localhost",
            "http://10.0.0.7:8080",
            "https://[2001:db8::1]:8443/shop/v1",
            "https://tax.example.com/a%20b",
        ] {
            assert_eq!(Location::parse(good).unwrap().to_string(), good);
        }
    }

    #[test]
    fn a_location_carries_no_credentials_query_or_fragment() {
        let long = format!("http://localhost/{}", "a".repeat(MAX_LENGTH));
        for bad in [
            "",
            "product",
            "lattice://default",
            "lattice://default/",
            "lattice:///product",
            "lattice://default/product/more",
            "ftp://localhost",
            "//localhost",
            "http://",
            "http:///path",
            "http://user:secret@localhost",
            "http://user@localhost",
            "http://localhost?a=b",
            "http://localhost/#top",
            "http://localhost:0",
            "http://localhost:65536",
            "http://localhost:+80",
            "http://localhost:",
            "http://[::1",
            "http://[zz]",
            "http://local host",
            "http://localhost/../admin",
            "http://localhost/a\r\nb",
            "http://bücher.example",
            &long,
        ] {
            assert_eq!(Location::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_slash_at_the_end_of_a_base_url_means_nothing() {
        assert_eq!(
            Location::parse("https://example.com/v1/"),
            Location::parse("https://example.com/v1")
        );
    }
}
