//! The others: the directory of accounts, the hasher, the key-value bucket that
//! the gateway reads, the configuration and the clock. In tests they are what
//! `fixtures` has for them.

use stoa_kit::Problem;

use crate::bindings::exports::stoa::auth::sessions::Error as Unavailable;
pub(crate) use crate::bindings::stoa::accounts::types::Account;
pub(crate) use crate::bindings::stoa::passwords::hasher::Verdict;

#[cfg(test)]
pub(crate) use crate::fixtures::{directory, hasher, now, realm, records};
#[cfg(not(test))]
pub(crate) use host::{directory, hasher, now, realm, records};

/// Why the directory did not do it.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another account has the address.
    EmailTaken,
    /// Anything else.
    #[cfg_attr(
        test,
        expect(dead_code, reason = "the directory of tests is always there")
    )]
    Problem(Problem),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::EmailTaken => {
                Self::conflict_at("email_taken", "/email", "Another account has this address.")
            }
            Refused::Problem(problem) => problem,
        }
    }
}

/// A problem as other services are told of it.
pub(crate) fn unavailable(problem: &Problem) -> Unavailable {
    problem.log("call");
    Unavailable::Unavailable(problem.detail().to_owned())
}

#[cfg(not(test))]
mod host {
    /// The wall clock's time.
    pub(crate) fn now() -> stoa_kit::Timestamp {
        stoa_kit::Timestamp::now()
    }

    /// Who issues access tokens: the configuration's.
    pub(crate) fn realm() -> stoa_tokens::Realm {
        stoa_tokens::Realm::from_config()
    }

    /// The accounts; see `wit/stoa-accounts`.
    pub(crate) mod directory {
        use stoa_domain::{Email, Name};
        use stoa_kit::{Id, Problem, Role};

        use crate::bindings::stoa::accounts::directory as host;
        use crate::bindings::stoa::accounts::types::{Account, Error};
        use crate::peers::Refused;

        pub(crate) fn create(id: Id, email: &Email, name: &Name) -> Result<Account, Refused> {
            settle(host::create(&id.to_string(), email.as_str(), &name.0))
        }

        pub(crate) fn find(id: &str) -> Result<Option<Account>, Problem> {
            Ok(settle(host::find(id))?)
        }

        pub(crate) fn find_by_email(email: &Email) -> Result<Option<Account>, Problem> {
            Ok(settle(host::find_by_email(email.as_str()))?)
        }

        pub(crate) fn verify_email(id: &str, email: &str) -> Result<Option<Account>, Problem> {
            Ok(settle(host::verify_email(id, email))?)
        }

        pub(crate) fn change_email(id: &str, email: &str) -> Result<Option<Account>, Refused> {
            settle(host::change_email(id, email))
        }

        pub(crate) fn grant(id: &str, role: Role) -> Result<Option<Account>, Problem> {
            Ok(settle(host::grant(id, role))?)
        }

        fn settle<T>(answer: Result<Result<T, Error>, host::RpcError>) -> Result<T, Refused> {
            let cause = match answer {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(Error::EmailTaken)) => return Err(Refused::EmailTaken),
                Ok(Err(Error::Invalid(what))) => {
                    let problem = Problem::internal(format!("the directory refuses {what}"));
                    return Err(Refused::Problem(problem));
                }
                Ok(Err(Error::Unavailable(why))) => why,
                Err(error) => error.to_debug_string(),
            };
            Err(Refused::Problem(Problem::unavailable(
                "The accounts are not there right now. Try again.",
                cause,
            )))
        }
    }

    /// Password hashes; see `wit/stoa-passwords`.
    pub(crate) mod hasher {
        use stoa_kit::Problem;

        use crate::bindings::stoa::passwords::hasher as host;
        use crate::peers::Verdict;

        pub(crate) fn hash(password: &str) -> Result<String, Problem> {
            settle(host::hash(password))
        }

        pub(crate) fn check(password: &str, hash: Option<&str>) -> Result<Verdict, Problem> {
            settle(host::check(password, hash))
        }

        fn settle<T>(answer: Result<Result<T, host::Error>, host::RpcError>) -> Result<T, Problem> {
            match answer {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(host::Error::Invalid(why) | host::Error::Failed(why))) => {
                    Err(Problem::internal(format!("hasher: {why}")))
                }
                Err(error) => Err(Problem::unavailable(
                    "Too many people sign in right now. Try again.",
                    error.to_debug_string(),
                )),
            }
        }
    }

    /// The bucket that the gateway reads.
    pub(crate) mod records {
        use stoa_kit::Problem;
        use stoa_kit::keyvalue::{self, Entry};

        pub(crate) fn list(prefix: &str) -> Result<Vec<Entry>, Problem> {
            Ok(keyvalue::list(prefix)?)
        }

        pub(crate) fn put(key: &str, value: &str) -> Result<(), Problem> {
            keyvalue::put(key, value, None)?;
            Ok(())
        }
    }
}
