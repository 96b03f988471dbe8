//! The component's configuration: the shop, and the addresses of its pages that
//! take the token of a mail.

use crate::template::Target;

/// Where the token goes in the address of a page.
const PLACE: &str = "{token}";

/// What the manifest says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// What the shop is called in mails. `shop_name`, default `Stoa`.
    pub(crate) shop_name: String,
    /// The shop's address. `shop_url`, default `http://localhost:3000/`.
    pub(crate) shop_url: String,
    /// `verify_url`, default `http://localhost:3000/verify#token={token}`: the
    /// fragment of an address is sent to no server, and is in no log.
    verify_url: Page,
    /// `reset_url`, default `http://localhost:3000/reset#token={token}`.
    reset_url: Page,
    /// Whether everybody may read the last mails at `/mailbox`: only where
    /// `mailbox` is `on`, for development.
    pub(crate) mailbox: bool,
}

/// The address of a page that takes a token: what is before and behind it.
#[derive(Clone, Debug, PartialEq)]
struct Page {
    before: String,
    behind: String,
}

impl Settings {
    /// Reads the configuration by `get`.
    ///
    /// Errors: for people, which value is not what it must be.
    pub(crate) fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let shop_url = get("shop_url").unwrap_or_else(|| "http://localhost:3000/".to_owned());
        if !is_web(&shop_url) {
            return Err("shop_url: must begin with https:// or http://".to_owned());
        }
        let page = |name: &str, default: &str| {
            let text = get(name).unwrap_or_else(|| default.to_owned());
            Page::parse(&text).ok_or_else(|| {
                format!("{name}: must begin with https:// or http://, and have {PLACE} once")
            })
        };
        Ok(Self {
            shop_name: get("shop_name").unwrap_or_else(|| "Stoa".to_owned()),
            shop_url,
            verify_url: page("verify_url", "http://localhost:3000/verify#token={token}")?,
            reset_url: page("reset_url", "http://localhost:3000/reset#token={token}")?,
            mailbox: get("mailbox").as_deref() == Some("on"),
        })
    }

    /// The link with a token: base64url, which an address can have anywhere.
    pub(crate) fn link(&self, target: Target, token: &str) -> String {
        let page = match target {
            Target::Verify => &self.verify_url,
            Target::Reset => &self.reset_url,
        };
        format!("{}{token}{}", page.before, page.behind)
    }
}

impl Page {
    fn parse(text: &str) -> Option<Self> {
        let (before, behind) = text.split_once(PLACE)?;
        (is_web(before) && !behind.contains(PLACE)).then(|| Self {
            before: before.to_owned(),
            behind: behind.to_owned(),
        })
    }
}

fn is_web(address: &str) -> bool {
    ["https://", "http://"]
        .into_iter()
        .any(|scheme| address.starts_with(scheme))
        && !address.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(|name| {
            let value = values.iter().find(|(key, _)| *key == name);
            value.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_configuration_it_is_a_shop_on_this_machine() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.shop_name, "Stoa");
        assert_eq!(settings.shop_url, "http://localhost:3000/");
        assert_eq!(
            settings.link(Target::Verify, "T"),
            "http://localhost:3000/verify#token=T"
        );
        assert_eq!(
            settings.link(Target::Reset, "T"),
            "http://localhost:3000/reset#token=T"
        );
        assert!(!settings.mailbox);
    }

    #[test]
    fn the_token_goes_where_the_address_says() {
        let url = "https://shop.example/v?t={token}&from=mail";
        let settings = read(&[("verify_url", url)]).unwrap();
        assert_eq!(
            settings.link(Target::Verify, "T"),
            "https://shop.example/v?t=T&from=mail"
        );
    }

    #[test]
    fn an_address_that_takes_no_token_is_refused_by_name() {
        for bad in [
            "https://shop.example/verify",
            "shop.example/{token}",
            "javascript:alert({token})",
            "https://shop.example/{token}/{token}",
            "https://shop.example/ {token}",
        ] {
            let problem = read(&[("reset_url", bad)]).unwrap_err();
            assert!(problem.starts_with("reset_url: "), "{bad}");
        }
        assert!(read(&[("shop_url", "ftp://shop.example")]).is_err());
    }

    #[test]
    fn the_mailbox_is_open_only_where_it_is_on() {
        for (value, open) in [("on", true), ("off", false), ("true", false), ("ON", false)] {
            assert_eq!(read(&[("mailbox", value)]).unwrap().mailbox, open);
        }
    }
}
