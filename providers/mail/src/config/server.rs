//! An SMTP server, as the config of a link describes it.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use url::{Host, Url};
use wasmcloud_provider_sdk::core::secrets::SecretValue;

use super::{Config, ConfigError, setting};
use crate::address;

const CONNECTIONS: RangeInclusive<usize> = 1..=64;
const TIMES_MS: RangeInclusive<u64> = 100..=600_000;

/// A server and how to talk to it. Has no `Debug`: it knows a password.
pub(crate) struct Server {
    /// A host name, or an IP address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) login: Option<Credentials>,
    /// `hello`: what this side calls itself.
    pub(crate) hello: ClientId,
    /// `connections`: how many there are at most, which is how many mails are
    /// on their way at the same time. 4 where it is left out.
    pub(crate) connections: usize,
    /// `connect_timeout_ms`: for the connection and its encryption. 10 s where
    /// it is left out.
    pub(crate) connect_time: Duration,
    /// `command_timeout_ms`: for the answer to a command. 60 s where it is left
    /// out.
    pub(crate) command_time: Duration,
    /// `data_timeout_ms`: for the answer to a message. 10 minutes where it is
    /// left out, as RFC 5321 wants it (section 4.5.3.2.6): whoever waits for
    /// less sends more messages twice.
    pub(crate) data_time: Duration,
}

/// How a connection is protected.
pub(crate) enum Security {
    /// From the start (RFC 8314, section 3.3).
    Tls(TlsParameters),
    /// After STARTTLS (RFC 3207). A server that does not offer it is not
    /// talked to.
    StartTls(TlsParameters),
    /// Not at all: `tls` is `none`, and the provider allows it.
    Plaintext,
}

enum Scheme {
    Tls,
    StartTls,
}

impl Server {
    /// Parses `url` and what belongs to it.
    pub(super) fn parse(
        url: &str,
        link: &HashMap<String, String>,
        secrets: &HashMap<String, SecretValue>,
        provider: &Config,
    ) -> Result<Self, ConfigError> {
        let wrong = |problem: &str| ConfigError::new("url", problem);
        let url = Url::parse(url).map_err(|_| wrong("is no URL"))?;
        let (scheme, default_port) = match url.scheme() {
            "smtps" => (Scheme::Tls, 465),
            "smtp" | "smtp+starttls" => (Scheme::StartTls, 587),
            _ => return Err(wrong("is not smtp://, smtps:// or smtp+starttls://")),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has more than user, password, host and port"));
        }
        let host = match url.host() {
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            Some(Host::Domain(name)) => {
                host_or_ip(name).ok_or_else(|| wrong("has no good host"))?
            }
            None => return Err(wrong("has no host")),
        };
        let security = match (setting(link, "tls"), scheme) {
            (None, Scheme::Tls) => Security::Tls(tls(&host, link)?),
            (None, Scheme::StartTls) => Security::StartTls(tls(&host, link)?),
            (Some("none"), Scheme::StartTls) if url.scheme() == "smtp" => {
                if !provider.allow_plaintext {
                    let problem =
                        "`none` takes `allow_plaintext: \"true\"` in the provider's config";
                    return Err(ConfigError::new("tls", problem));
                }
                Security::Plaintext
            }
            (Some(_), _) => {
                return Err(ConfigError::new("tls", "is not `none` with a smtp:// URL"));
            }
        };
        Ok(Self {
            security,
            login: login(&url, secrets)?,
            hello: hello(link)?,
            connections: number(link, "connections", CONNECTIONS, 4)?,
            connect_time: time(link, "connect_timeout_ms", 10_000)?,
            command_time: time(link, "command_timeout_ms", 60_000)?,
            data_time: time(link, "data_timeout_ms", 600_000)?,
            port: url.port().unwrap_or(default_port),
            host,
        })
    }
}

/// The host of a URL whose scheme the URL standard has no rules for.
fn host_or_ip(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    match text.parse::<std::net::Ipv4Addr>() {
        Ok(ip) => Some(ip.to_string()),
        Err(_) => address::host(&text),
    }
}

/// Certificates are checked against the authorities that browsers trust, or
/// against those in `ca_file` (PEM) and no others.
fn tls(host: &str, link: &HashMap<String, String>) -> Result<TlsParameters, ConfigError> {
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(file) = setting(link, "ca_file") {
        let wrong = |problem: String| ConfigError::new("ca_file", problem);
        let pem = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        let certificates = Certificate::from_pem(pem.as_bytes())
            .ok()
            .filter(|_| pem.contains("-----BEGIN CERTIFICATE-----"))
            .ok_or_else(|| wrong("has no certificates".to_owned()))?;
        tls = tls
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificates);
    }
    tls.build()
        .map_err(|error| ConfigError::new("ca_file", error.to_string()))
}

/// The secrets `smtp_user` and `smtp_password`, or else what the URL has.
fn login(
    url: &Url,
    secrets: &HashMap<String, SecretValue>,
) -> Result<Option<Credentials>, ConfigError> {
    let in_url = |text: &str| -> Result<String, ConfigError> {
        let text = percent_decode_str(text).decode_utf8();
        let text =
            text.map_err(|_| ConfigError::new("url", "has credentials that are not UTF-8"))?;
        Ok(text.into_owned())
    };
    let secret = |key: &'static str| match secrets.get(key).map(SecretValue::as_string) {
        None => Ok(None),
        Some(Some(text)) => Ok(Some(text.to_owned())),
        Some(None) => Err(ConfigError::new(key, "is not a text")),
    };
    let user = match (secret("smtp_user")?, url.username()) {
        (Some(user), _) => Some(user),
        (None, "") => None,
        (None, user) => Some(in_url(user)?),
    };
    let password = match (secret("smtp_password")?, url.password()) {
        (Some(password), _) => Some(password),
        (None, None) => None,
        (None, Some(password)) => Some(in_url(password)?),
    };
    // AUTH PLAIN (RFC 4616) separates the two by NUL.
    let clean = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    match (user, password) {
        (None, None) => Ok(None),
        (Some(user), Some(password)) if clean(&user) && clean(&password) => {
            Ok(Some(Credentials::new(user, password)))
        }
        (Some(_), Some(_)) => Err(ConfigError::new("url", "has credentials that cannot be")),
        _ => Err(ConfigError::new(
            "url",
            "has a user or a password, but not both",
        )),
    }
}

/// A host name, or the address literal that RFC 5321 (section 4.1.4) has for
/// who has no name.
fn hello(link: &HashMap<String, String>) -> Result<ClientId, ConfigError> {
    match setting(link, "hello").map(address::host) {
        None => Ok(ClientId::default()),
        Some(Some(name)) => Ok(ClientId::Domain(name)),
        Some(None) => Err(ConfigError::new("hello", "is no host name")),
    }
}

fn time(
    link: &HashMap<String, String>,
    key: &'static str,
    default: u64,
) -> Result<Duration, ConfigError> {
    number(link, key, TIMES_MS, default).map(Duration::from_millis)
}

fn number<N: std::str::FromStr + PartialOrd + std::fmt::Display>(
    link: &HashMap<String, String>,
    key: &'static str,
    range: RangeInclusive<N>,
    default: N,
) -> Result<N, ConfigError> {
    match setting(link, key).map(str::parse) {
        None => Ok(default),
        Some(Ok(number)) if range.contains(&number) => Ok(number),
        Some(_) => {
            let (from, to) = range.into_inner();
            Err(ConfigError::new(
                key,
                format!("is not a number from {from} to {to}"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::map;

    fn server(url: &str, link: &[(&str, &str)]) -> Result<Server, ConfigError> {
        Server::parse(url, &map(link), &HashMap::new(), &Config::new("unused"))
    }

    fn with_secrets(url: &str, secrets: &[(&str, &str)]) -> Option<Credentials> {
        let text = |(key, value)| (key, SecretValue::String(value));
        let secrets = map(secrets).into_iter().map(text).collect();
        let server = Server::parse(url, &HashMap::new(), &secrets, &Config::new("unused"));
        server.unwrap().login
    }

    fn login(user: &str, password: &str) -> Credentials {
        Credentials::new(user.to_owned(), password.to_owned())
    }

    /// The key that is wrong.
    fn wrong(url: &str, link: &[(&str, &str)]) -> &'static str {
        server(url, link).err().unwrap().key
    }

    #[test]
    fn the_scheme_is_the_protection_and_the_port() {
        let tls = server("smtps://mx.example.com", &[]).unwrap();
        assert!(matches!(tls.security, Security::Tls(_)));
        assert_eq!((tls.host.as_str(), tls.port), ("mx.example.com", 465));
        for url in ["smtp://mx.example.com", "smtp+starttls://mx.example.com/"] {
            let starttls = server(url, &[]).unwrap();
            assert!(matches!(starttls.security, Security::StartTls(_)));
            assert_eq!(starttls.port, 587);
        }
        assert_eq!(server("smtp://mx.example.com:25", &[]).unwrap().port, 25);
    }

    #[test]
    fn plaintext_takes_the_link_and_the_provider() {
        let url = "smtp://mx.example.com";
        let none = [("tls", "none")];
        assert_eq!(wrong(url, &none), "tls");
        let allowed = Config {
            allow_plaintext: true,
            ..Config::new("unused")
        };
        let parse = |url, link: &[_]| Server::parse(url, &map(link), &HashMap::new(), &allowed);
        assert!(matches!(
            parse(url, &none).unwrap().security,
            Security::Plaintext
        ));
        assert!(matches!(
            parse(url, &[]).unwrap().security,
            Security::StartTls(_)
        ));
        for url in ["smtps://mx.example.com", "smtp+starttls://mx.example.com"] {
            assert_eq!(parse(url, &none).err().unwrap().key, "tls");
        }
        assert_eq!(parse(url, &[("tls", "maybe")]).err().unwrap().key, "tls");
    }

    #[test]
    fn a_url_is_a_server_and_nothing_else() {
        for url in [
            "mx.example.com",
            "http://mx.example.com",
            "smtp:mx.example.com",
            "smtp://",
            "smtp://mx.example.com/path",
            "smtp://mx.example.com?tls=none",
            "smtp://mx.example.com#x",
            "smtp://mx.example.com:99999",
            "smtp://mx_1.example.com",
            "smtp://mx%0d%0a.example.com",
        ] {
            assert_eq!(wrong(url, &[]), "url", "{url}");
        }
    }

    #[test]
    fn a_host_may_be_an_ip_address_or_have_letters() {
        let host = |url| server(url, &[]).unwrap().host;
        assert_eq!(host("smtp://127.0.0.1:25"), "127.0.0.1");
        assert_eq!(host("smtp://[::1]:25"), "::1");
        assert_eq!(host("smtp://bücher.example"), "xn--bcher-kva.example");
    }

    #[test]
    fn credentials_are_the_secrets_or_else_the_urls() {
        let url = "smtp://ann%40example.com:p%3A%2F%40%C3%A9@mx.example.com";
        assert!(
            server("smtp://mx.example.com", &[])
                .unwrap()
                .login
                .is_none()
        );
        assert!(server(url, &[]).unwrap().login == Some(login("ann@example.com", "p:/@é")));
        let secret = ("smtp_password", "secret");
        assert!(with_secrets(url, &[secret]) == Some(login("ann@example.com", "secret")));
        let user = ("smtp_user", "bob");
        assert!(
            with_secrets("smtp://mx.example.com", &[user, secret]) == Some(login("bob", "secret"))
        );
        for url in [
            "smtp://ann@mx.example.com",
            "smtp://:p@mx.example.com",
            "smtp://a:p%00@mx.example.com",
        ] {
            assert_eq!(wrong(url, &[]), "url");
        }
    }

    #[test]
    fn an_error_does_not_tell_the_password() {
        for url in [
            "smtp://ann:hunter2@",
            "smtp://ann:hunter2@mx_1",
            "xmtp://ann:hunter2@mx",
            "smtp://ann:hunter2%01@mx",
        ] {
            let error = server(url, &[]).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn numbers_have_bounds_and_defaults() {
        let url = "smtp://mx.example.com";
        let defaults = server(url, &[]).unwrap();
        assert_eq!(defaults.connections, 4);
        assert_eq!(defaults.connect_time, Duration::from_secs(10));
        assert_eq!(defaults.command_time, Duration::from_mins(1));
        assert_eq!(defaults.data_time, Duration::from_mins(10));
        assert_eq!(defaults.hello, ClientId::default());
        assert_eq!(
            server(url, &[("connections", "64")]).unwrap().connections,
            64
        );
        for key in [
            "connections",
            "connect_timeout_ms",
            "command_timeout_ms",
            "data_timeout_ms",
        ] {
            for value in ["0", "-1", "600001", "ten"] {
                assert_eq!(wrong(url, &[(key, value)]), key, "{value}");
            }
        }
    }

    #[test]
    fn the_name_to_say_hello_with_is_a_host_name() {
        let url = "smtp://mx.example.com";
        let server = server(url, &[("hello", "shop.example.com")]).unwrap();
        assert_eq!(
            server.hello,
            ClientId::Domain("shop.example.com".to_owned())
        );
        assert_eq!(wrong(url, &[("hello", "shop\r\nMAIL")]), "hello");
    }

    #[test]
    fn a_file_of_certificates_must_be_one() {
        let url = "smtp://mx.example.com";
        assert_eq!(wrong(url, &[("ca_file", "/nowhere/ca.pem")]), "ca_file");
        assert_eq!(wrong(url, &[("ca_file", "Cargo.toml")]), "ca_file");
    }
}
