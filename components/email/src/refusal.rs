//! Whom a server's refusal is about: the address, or only this mail.

use crate::peers::Refusal;

/// Enhanced status codes (RFC 3463, RFC 7505) of an address that does not take
/// mail, now and later: no such mailbox, no such host, bad syntax, moved
/// without trace, a host that takes no mail, a mailbox that is disabled.
const ADDRESS: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];

/// Codes (RFC 5321, section 4.2.3) that say it where there is no enhanced one:
/// mailbox unavailable, user not local, mailbox name not allowed.
const BARE: [u16; 3] = [550, 551, 553];

/// Whether no other mail would do better at this address. What is about size,
/// content, policy, the sender or a full mailbox says nothing about the next
/// mail.
pub(crate) fn is_about_address(refusal: &Refusal) -> bool {
    match (&refusal.status, refusal.code) {
        (Some(status), _) => ADDRESS.contains(&status.as_str()),
        (None, Some(code)) => BARE.contains(&code),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about_address(code: Option<u16>, status: Option<&str>) -> bool {
        is_about_address(&Refusal {
            code,
            status: status.map(str::to_owned),
            reason: String::new(),
        })
    }

    #[test]
    fn an_address_that_takes_no_mail_is_known_by_its_codes() {
        for status in ADDRESS {
            assert!(about_address(Some(550), Some(status)), "{status}");
        }
        for code in BARE {
            assert!(about_address(Some(code), None), "{code}");
        }
    }

    #[test]
    fn what_is_about_one_mail_suppresses_nobody() {
        for (code, status) in [
            (552, Some("5.2.2")),
            (552, Some("5.3.4")),
            (552, None),
            (550, Some("5.7.1")),
            (550, Some("5.1.8")),
            (554, Some("5.6.0")),
            (554, None),
            (530, None),
        ] {
            assert!(!about_address(Some(code), status), "{code} {status:?}");
        }
        assert!(!about_address(None, None), "no server has seen it");
    }
}
