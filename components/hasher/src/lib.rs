//! The hasher: passwords in, verdicts out.
//!
//! It has no data, no configuration and no way to anything else. Which
//! passwords may be chosen is checked before, by auth; why hashing is a
//! component of its own is in `wit/stoa-passwords`.

use bindings::exports::stoa::passwords::hasher::{Error, Guest, RpcError, Verdict};
use stoa_passwords::{HashError, Password, check, hash, spend};

/// The export, as generated.
#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; documented in wit/"
)]
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../wit/deps/wasi-io",
            "../../wit/deps/wrpc-rpc",
            "../../wit/stoa-passwords",
            "wit",
        ],
        world: "stoa:hasher/hasher",
        additional_derives: [PartialEq],
        generate_all,
    });

    #[cfg(target_family = "wasm")]
    export!(Hasher with_types_in self);
    #[cfg(target_family = "wasm")]
    use super::Hasher;
}

/// The component.
#[derive(Debug)]
pub struct Hasher;

impl Guest for Hasher {
    fn hash(password: String) -> Result<Result<String, Error>, RpcError> {
        Ok(hashed(&password))
    }

    fn check(password: String, hash: Option<String>) -> Result<Result<Verdict, Error>, RpcError> {
        Ok(checked(&password, hash.as_deref()))
    }
}

fn hashed(password: &str) -> Result<String, Error> {
    let password = entered(password)?;
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| Error::Failed(error.to_string()))?;
    Ok(hash(&password, &salt)?)
}

fn checked(password: &str, hash: Option<&str>) -> Result<Verdict, Error> {
    let password = entered(password)?;
    let Some(hash) = hash else {
        spend(&password)?;
        return Ok(Verdict::Wrong);
    };
    Ok(check(&password, hash)?.into())
}

fn entered(password: &str) -> Result<Password, Error> {
    Password::entered(password).map_err(|refusal| Error::Invalid(format!("password: {refusal}")))
}

impl From<stoa_passwords::Verdict> for Verdict {
    fn from(verdict: stoa_passwords::Verdict) -> Self {
        match verdict {
            stoa_passwords::Verdict::Right => Self::Right,
            stoa_passwords::Verdict::RightButOld => Self::RightButOld,
            stoa_passwords::Verdict::Wrong => Self::Wrong,
        }
    }
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Corrupt | HashError::Foreign => Self::Invalid(format!("hash: {error}")),
            HashError::Failed => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_password_and_of_no_other() {
        let hash = hashed("correct horse").unwrap();
        assert_ne!(hash, hashed("correct horse").unwrap(), "a salt of its own");
        let verdict = |password, hash: &str| checked(password, Some(hash));
        assert_eq!(verdict("correct horse", &hash), Ok(Verdict::Right));
        assert_eq!(verdict("correct house", &hash), Ok(Verdict::Wrong));
        assert_eq!(checked("correct horse", None), Ok(Verdict::Wrong));
    }

    #[test]
    fn what_cannot_be_checked_is_said_without_repeating_it() {
        let long = "k".repeat(300);
        let Err(Error::Invalid(said)) = hashed(&long) else {
            panic!("hashed");
        };
        assert!(
            said.starts_with("password: ") && !said.contains("kkk"),
            "{said}"
        );
        let Err(Error::Invalid(said)) = checked("correct horse", Some("$argon2id$secret")) else {
            panic!("checked");
        };
        assert!(
            said.starts_with("hash: ") && !said.contains("secret"),
            "{said}"
        );
    }
}
