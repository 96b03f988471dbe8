//! How often something may be tried.
//!
//! A password is counted before it is checked, so that many at once do not slip
//! by, and taken back when it was a good one. A token that nobody can guess is
//! counted when it was none. The counts are in the database: a
//! restart forgets nothing. Whom an attempt was about is in the name of its
//! rule as a digest, since what people type is not always their own address.

use std::net::IpAddr;

use stoa_kit::sql::Outcome;
use stoa_kit::{Problem, Statement, Timestamp};

use crate::queries::{self, DATABASE};
use crate::secret::digest;

/// The longest wait, in milliseconds: 1 hour.
pub(crate) const LONGEST: i64 = 60 * 60 * 1_000;
/// How long a count is kept after the last try, in milliseconds: 2 hours.
pub(crate) const MEMORY: i64 = 2 * LONGEST;

/// How many tries are free, after how many more the wait doubles, and after
/// how many milliseconds one is forgotten. The first wait is a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    name: &'static str,
    pub(crate) free: i64,
    pub(crate) step: i64,
    pub(crate) forget: i64,
}

const MINUTE: i64 = 60 * 1_000;

/// Wrong passwords for one account from one address.
pub(crate) const PASSWORDS: Policy = Policy {
    name: "password",
    free: 3,
    step: 1,
    forget: LONGEST,
};
/// Wrong passwords from one address, whoever's they are.
pub(crate) const SIGN_INS: Policy = Policy {
    name: "sign-in",
    free: 20,
    step: 10,
    forget: MINUTE,
};
/// Sign-ups from one address.
pub(crate) const SIGN_UPS: Policy = Policy {
    name: "sign-up",
    free: 20,
    step: 5,
    forget: 6 * MINUTE,
};
/// Requests for mail from one address.
pub(crate) const MAILS: Policy = Policy {
    name: "mail",
    free: 20,
    step: 5,
    forget: 6 * MINUTE,
};
/// Tokens that are none, from one address.
pub(crate) const TOKENS: Policy = Policy {
    name: "token",
    free: 50,
    step: 10,
    forget: MINUTE,
};

/// A policy for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) policy: Policy,
    pub(crate) name: String,
}

impl Policy {
    /// For an address.
    pub(crate) fn at(self, client: &str) -> Rule {
        Rule {
            policy: self,
            name: format!("{} {}", self.name, network(client)),
        }
    }

    /// For an address and whom it is about.
    pub(crate) fn about(self, client: &str, whom: &str) -> Rule {
        let digest = digest(whom.as_bytes());
        Rule {
            policy: self,
            name: format!("{} {} {digest}", self.name, network(client)),
        }
    }
}

/// An IPv4 address, or the network that one customer has of IPv6 (RFC 6177).
fn network(client: &str) -> String {
    match client.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

/// Counts a try by all rules, and does something more in the same transaction,
/// whose outcomes it returns.
///
/// Errors: `too_many_requests` (429) when it is not time yet; then nothing is
/// counted.
pub(crate) fn count(
    rules: &[Rule],
    now: Timestamp,
    more: impl IntoIterator<Item = Statement>,
) -> Result<Vec<Outcome>, Problem> {
    let mut statements = vec![queries::throttle::blocked(rules, now)];
    statements.extend(rules.iter().map(|rule| queries::throttle::count(rule, now)));
    let counted = statements.len();
    statements.extend(more);
    let Some(mut outcomes) = queries::unless_too_late(0, &statements)? else {
        let until = queries::throttle::until(rules, now)?;
        return Err(too_many(until.unwrap_or(now), now));
    };
    Ok(outcomes.split_off(counted))
}

/// Takes a try back that could not be made, as well as can be.
pub(crate) fn take_back(rules: &[Rule]) {
    let forgive: Vec<_> = rules.iter().map(queries::throttle::forgive).collect();
    if let Err(error) = DATABASE.transact(&forgive) {
        Problem::from(error).log("throttle");
    }
}

fn too_many(until: Timestamp, now: Timestamp) -> Problem {
    let seconds = (until.0 - now.0).max(0) / 1_000 + 1;
    Problem::too_many_requests(u32::try_from(seconds).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use stoa_kit::sql::Value as Column;

    use super::*;
    use crate::memory;

    const NOW: Timestamp = Timestamp(1_772_366_400_000);

    /// The wait in seconds that a try at this time has to keep; 0 when it is
    /// counted.
    fn wait(rule: &Rule, now: Timestamp) -> u32 {
        match count(std::slice::from_ref(rule), now, []) {
            Ok(_) => 0,
            Err(problem) => {
                let response = problem.into_response("r");
                assert_eq!(response.status, 429);
                response.get_header("retry-after").unwrap().parse().unwrap()
            }
        }
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        memory::open();
        let rule = PASSWORDS.about("192.0.2.1", "ann@example.com");
        let mut now = NOW;
        let mut waits = Vec::new();
        for _ in 0..20 {
            let seconds = wait(&rule, now);
            if seconds > 0 {
                waits.push(seconds);
                now = now.plus(i64::from(seconds) * 1_000);
                assert_eq!(wait(&rule, now), 0);
            }
        }
        // Each is told with the second that has begun.
        let expected = [
            2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 1025, 2049, 2049, 3601, 3601,
        ];
        assert_eq!(waits[..expected.len()], expected);
    }

    #[test]
    fn a_wait_doubles_after_as_many_tries_as_the_policy_says() {
        memory::open();
        let rule = SIGN_INS.at("192.0.2.1");
        let mut now = NOW;
        let mut waits = vec![];
        for _ in 0..60 {
            let mut waited = 0;
            while wait(&rule, now) > 0 {
                waited += 1;
                now = now.plus(1_000);
            }
            waits.push(waited);
        }
        assert!(waits[..21].iter().all(|wait| *wait == 0), "{waits:?}");
        assert_eq!(waits[21..31], [1; 10]);
        assert_eq!(waits[31..41], [2; 10]);
        assert_eq!(waits[41..51], [4; 10]);
    }

    #[test]
    fn tries_are_forgotten_after_two_hours() {
        memory::open();
        let rule = PASSWORDS.about("192.0.2.1", "ann");
        for _ in 0..4 {
            assert_eq!(wait(&rule, NOW), 0);
        }
        assert_eq!(wait(&rule, NOW), 2);
        let later = NOW.plus(MEMORY);
        for _ in 0..4 {
            assert_eq!(wait(&rule, later), 0);
        }
        assert_eq!(wait(&rule, later), 2);
    }

    #[test]
    fn tries_are_forgotten_one_by_one() {
        memory::open();
        let rule = SIGN_INS.at("192.0.2.1");
        let tries = || match memory::rows("SELECT tries FROM throttle")[0][0] {
            Column::Integer(tries) => tries,
            _ => panic!("no number"),
        };
        // One a minute is what many people behind one address may come to.
        for minute in 0..500 {
            assert_eq!(wait(&rule, NOW.plus(minute * MINUTE)), 0);
        }
        assert_eq!(tries(), 1);
        // Two a minute are more than that, however they are spread.
        for half in 0..60 {
            assert_eq!(wait(&rule, NOW.plus(500 * MINUTE + half * MINUTE / 2)), 0);
        }
        assert_eq!(tries(), 31);
        // A clock that goes back forgets nothing and counts nothing twice.
        assert_eq!(wait(&rule, NOW), 0);
        assert_eq!(tries(), 32);
    }

    #[test]
    fn a_try_that_was_a_good_one_is_taken_back() {
        memory::open();
        let rules = [SIGN_INS.at("192.0.2.1")];
        for _ in 0..100 {
            count(&rules, NOW, []).unwrap();
            take_back(&rules);
        }
        assert_eq!(wait(&rules[0], NOW), 0);
    }

    #[test]
    fn one_waits_for_nobody_else() {
        memory::open();
        for _ in 0..5 {
            wait(&PASSWORDS.about("192.0.2.1", "ann"), NOW);
        }
        assert_eq!(wait(&PASSWORDS.about("192.0.2.1", "ann"), NOW), 2);
        assert_eq!(wait(&PASSWORDS.about("192.0.2.1", "bob"), NOW), 0);
        assert_eq!(wait(&PASSWORDS.about("192.0.2.2", "ann"), NOW), 0);
    }

    #[test]
    fn the_longest_wait_of_several_rules_counts() {
        memory::open();
        let rules = [
            SIGN_INS.at("192.0.2.1"),
            PASSWORDS.about("192.0.2.1", "ann"),
        ];
        for _ in 0..4 {
            count(&rules, NOW, []).unwrap();
        }
        assert_eq!(count(&rules, NOW, []).unwrap_err().status(), 429);
        let tries = memory::rows("SELECT tries FROM throttle ORDER BY name");
        assert_eq!(
            tries,
            [[4.into()], [4.into()]],
            "what is refused is not counted"
        );
    }

    #[test]
    fn an_address_is_what_a_customer_has() {
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(
            network("2001:db8:1:2:3:4:5:6"),
            network("2001:db8:1:2:ffff::1")
        );
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network(""), "unknown");
    }

    #[test]
    fn what_people_type_is_not_kept() {
        memory::open();
        wait(&PASSWORDS.about("192.0.2.1", "ann@example.com"), NOW);
        let names = format!("{:?}", memory::rows("SELECT name FROM throttle"));
        assert!(!names.contains("ann"), "{names}");
    }
}
