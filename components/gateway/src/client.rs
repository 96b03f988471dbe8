//! Whom a request comes from: the client's IP address.
//!
//! The engine's HTTP server adds its peer's address to `x-forwarded-for`, as
//! proxies do. What a client writes there itself stands before that, so it is
//! counted from the end. Configuration: `trusted_proxies`, how many proxies
//! stand in front (0).

use std::net::{IpAddr, SocketAddr};

use stoa_kit::{config, log};

use crate::headers::Headers;

/// The client's address in its usual form (RFC 5952), empty where it is not
/// known.
pub fn address(headers: &Headers) -> String {
    let proxies = config::get("trusted_proxies").map_or(Some(0), |text| text.trim().parse().ok());
    if proxies.is_none() {
        log::error("client", "trusted_proxies is not a number");
    }
    behind(proxies.unwrap_or(0), headers).map_or_else(String::new, |client| client.to_string())
}

/// The address that the outermost of these proxies has seen, or the first one
/// where there are fewer.
fn behind(proxies: usize, headers: &Headers) -> Option<IpAddr> {
    let entries: Vec<_> = headers
        .all("x-forwarded-for")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .collect();
    let client = entries.iter().rev().nth(proxies).or(entries.first())?;
    parse(str::from_utf8(client).ok()?.trim())
}

/// An address as proxies write it: alone, with a port, in brackets, or both.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|entry| entry.strip_suffix(']'));
    let address = match bare {
        Some(address) => IpAddr::V6(address.parse().ok()?),
        None => entry
            .parse()
            .or_else(|_| entry.parse().map(|socket: SocketAddr| socket.ip()))
            .ok()?,
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: usize, values: &[&str]) -> String {
        let entry = |value: &&str| ("X-Forwarded-For".to_owned(), value.as_bytes().to_vec());
        let headers = Headers::new(values.iter().map(entry).collect());
        behind(proxies, &headers).map_or_else(String::new, |client| client.to_string())
    }

    #[test]
    fn the_client_is_as_many_entries_before_the_last_as_there_are_proxies() {
        for values in [
            &["10.0.0.1, 10.0.0.2,10.0.0.3"][..],
            &["10.0.0.1", "10.0.0.2", "10.0.0.3"],
            &["10.0.0.1,10.0.0.2", "10.0.0.3"],
        ] {
            assert_eq!(client(0, values), "10.0.0.3");
            assert_eq!(client(1, values), "10.0.0.2");
            assert_eq!(client(2, values), "10.0.0.1");
            assert_eq!(client(3, values), "10.0.0.1");
            assert_eq!(client(usize::MAX, values), "10.0.0.1");
        }
    }

    #[test]
    fn what_a_client_claims_does_not_count() {
        assert_eq!(client(0, &["127.0.0.1", "10.0.0.3"]), "10.0.0.3");
        assert_eq!(client(0, &["x,,\u{e9}", "10.0.0.3"]), "10.0.0.3");
        assert_eq!(client(1, &["127.0.0.1, 10.0.0.2", "10.0.0.3"]), "10.0.0.2");
    }

    #[test]
    fn an_address_is_read_as_proxies_write_it_and_written_in_one_form() {
        for (entry, address) in [
            ("192.0.2.1", "192.0.2.1"),
            ("\t192.0.2.1 ", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
        ] {
            assert_eq!(client(0, &[entry]), address, "{entry}");
        }
    }

    #[test]
    fn what_is_no_address_is_nobodys() {
        for entry in [
            "",
            "unknown",
            "_hidden",
            "localhost",
            "192.0.2",
            "192.0.2.1.",
            "192.0.2.1:",
            "192.0.2.1:99999",
            "192.0.2.01",
            "[192.0.2.1]",
            "[2001:db8::1",
            "2001:db8::1]",
            "fe80::1%eth0",
            "\"192.0.2.1\"",
            "for=192.0.2.1",
        ] {
            assert_eq!(client(0, &[entry]), "", "{entry}");
        }
        assert_eq!(client(0, &[]), "");
        assert_eq!(client(1, &["x", "192.0.2.1"]), "");
        let bytes = Headers::new(vec![("x-forwarded-for".into(), vec![0xff])]);
        assert_eq!(behind(0, &bytes), None);
    }
}
