//! Argon2id (RFC 9106) in PHC strings.

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::Password;

/// Today's parameters: 19 MiB, 2 passes, 1 lane, a hash of 32 bytes. They are
/// the OWASP Password Storage Cheat Sheet's, and fit a component's memory.
const TODAY: Cost = Cost {
    memory: 19 * 1024,
    passes: 2,
    lanes: 1,
};

/// The most that a stored hash may ask for. What asks for more was not written
/// by any version of this crate.
const MOST: Cost = Cost {
    memory: 64 * 1024,
    passes: 10,
    lanes: 4,
};

const HASH_BYTES: usize = 32;

/// What a hash costs: KiB of memory, passes over it, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// What came of checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one that was hashed.
    Right,
    /// It is, but the hash was made with other parameters than today's: replace
    /// it by a new one.
    RightButOld,
    /// It is another.
    Wrong,
}

/// Why there is no hash or no verdict. Never says what the hash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The stored text is not a PHC string with salt and hash.
    #[error("the stored hash is not a PHC string")]
    Corrupt,
    /// It is not Argon2id, version 19, of 32 bytes, or asks for more than
    /// 64 MiB, 10 passes or 4 lanes.
    #[error("the stored hash is not one of ours")]
    Foreign,
    /// Argon2 itself gave up.
    #[error("the password could not be hashed")]
    Failed,
}

/// The hash of a password as a PHC string, 97 characters such as
/// `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. The salt comes from a
/// generator fit for secrets and is never used twice.
///
/// Errors: [`HashError::Failed`].
pub fn hash(password: &Password, salt: &[u8; 16]) -> Result<String, HashError> {
    Ok(work(password.as_bytes(), salt, TODAY)?.to_string())
}

/// Whether this is the password that was hashed. The comparison takes the same
/// time wherever the first difference is.
///
/// Errors: [`HashError`] for a stored text that is not a hash of ours.
pub fn check(password: &Password, phc: &str) -> Result<Verdict, HashError> {
    let stored = Stored::parse(phc)?;
    let made = work(password.as_bytes(), &stored.salt, stored.cost)?;
    Ok(if made.hash != Some(stored.hash) {
        Verdict::Wrong
    } else if stored.cost == TODAY {
        Verdict::Right
    } else {
        Verdict::RightButOld
    })
}

/// The work of [`check`] with today's parameters, for an account that is not
/// there, so that the time of an answer does not tell.
///
/// Errors: [`HashError::Failed`], as `check` would.
pub fn spend(password: &Password) -> Result<(), HashError> {
    let made = work(password.as_bytes(), &[0; 16], TODAY)?;
    std::hint::black_box(made);
    Ok(())
}

/// All that is expensive here, for real accounts and others.
fn work(password: &[u8], salt: &[u8], cost: Cost) -> Result<PasswordHash, HashError> {
    Params::new(cost.memory, cost.passes, cost.lanes, Some(HASH_BYTES))
        .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
        .ok()
        .and_then(|argon2| argon2.hash_password_with_salt(password, salt).ok())
        .ok_or(HashError::Failed)
}

/// A stored hash, taken apart.
struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    hash: Output,
}

impl Stored {
    fn parse(phc: &str) -> Result<Self, HashError> {
        let parsed = PasswordHash::new(phc).map_err(|_| HashError::Corrupt)?;
        let (Some(salt), Some(hash)) = (parsed.salt, parsed.hash) else {
            return Err(HashError::Corrupt);
        };
        if parsed.algorithm != Algorithm::Argon2id.ident()
            || parsed.version != Some(Version::V0x13.into())
            || hash.len() != HASH_BYTES
        {
            return Err(HashError::Foreign);
        }
        let params = Params::try_from(&parsed).map_err(|_| HashError::Corrupt)?;
        let cost = Cost {
            memory: params.m_cost(),
            passes: params.t_cost(),
            lanes: params.p_cost(),
        };
        let Cost {
            memory,
            passes,
            lanes,
        } = cost;
        // Without one of the three, with one twice or with a fourth it is not
        // ours, whatever the others are.
        let is_plain = parsed.params.as_str() == format!("m={memory},t={passes},p={lanes}");
        let is_affordable = memory <= MOST.memory && passes <= MOST.passes && lanes <= MOST.lanes;
        if !is_plain || !is_affordable {
            return Err(HashError::Foreign);
        }
        Ok(Self {
            cost,
            salt: salt.to_vec(),
            hash,
        })
    }
}

#[cfg(test)]
mod tests {
    use argon2::{AssociatedData, ParamsBuilder};

    use super::*;

    fn password(text: &str) -> Password {
        Password::entered(text).unwrap()
    }

    fn stored(text: &str) -> String {
        hash(&password(text), b"sixteen bytes of").unwrap()
    }

    #[test]
    fn the_right_password_is_right_and_any_other_wrong() {
        let phc = stored("correct horse");
        assert_eq!(check(&password("correct horse"), &phc), Ok(Verdict::Right));
        for wrong in ["", "Correct horse", "correct horse ", "battery staple"] {
            assert_eq!(check(&password(wrong), &phc), Ok(Verdict::Wrong), "{wrong}");
        }
    }

    #[test]
    fn a_hash_says_how_it_was_made() {
        let phc = stored("correct horse");
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlcyBvZg$"));
        assert_eq!(phc.len(), 97);
        let other = hash(&password("correct horse"), &[9; 16]).unwrap();
        assert_ne!(phc, other);
    }

    #[test]
    fn a_hash_of_other_parameters_is_old() {
        // From the tests of the reference implementation: 64 MiB, 2 passes,
        // and a salt of 8 bytes.
        let old = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                   $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert_eq!(check(&password("password"), old), Ok(Verdict::RightButOld));
        assert_eq!(check(&password("sassword"), old), Ok(Verdict::Wrong));
        for (memory, passes, lanes) in [(19_455, 2, 1), (19_456, 3, 1), (19_456, 1, 1), (64, 1, 2)]
        {
            let cost = Cost {
                memory,
                passes,
                lanes,
            };
            let old = work(b"password", &[1; 16], cost).unwrap().to_string();
            assert_eq!(check(&password("password"), &old), Ok(Verdict::RightButOld));
        }
    }

    #[test]
    fn every_change_of_a_stored_hash_is_noticed() {
        let phc = stored("correct horse");
        let hash_at = phc.rfind('$').unwrap() + 1;
        for (at, _) in phc.char_indices().skip(hash_at).step_by(11) {
            let mut changed = phc.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(
                check(&password("correct horse"), &changed),
                Ok(Verdict::Wrong)
            );
        }
    }

    #[test]
    fn a_corrupt_hash_is_an_error() {
        let phc = stored("correct horse");
        let cut = phc.rfind('$').unwrap();
        for bad in [
            "",
            "$",
            "correct horse",
            "$argon2id$v=19$m=19456,t=2,p=1",
            &phc[1..],
            &phc[..cut],
            &phc[..=cut],
            &format!("{phc}$"),
            &format!("{phc}="),
            &format!("{phc}\n"),
            &format!(" {phc}"),
            &phc.replace("m=19456", "m=x"),
            &phc.replace("m=19456", "m=-1"),
            &phc.replace("m=19456", "m=99999999999"),
            &phc.replace("m=19456", "m=0"),
            &phc.replace("t=2", "t=0"),
            &phc.replace("p=1", "p=0"),
            &phc.replace("t=2", "m=64"),
            &phc.replace("t=2,", ""),
            &phc.replace("t=2", "t=02"),
            &phc.replace("t=2", "q=2"),
            "$argon2id$v=19$m=19456,t=2,p=1$é$é",
        ] {
            let checked = check(&password("correct horse"), bad);
            assert!(checked.is_err(), "{bad}: {checked:?}");
        }
        for at in 0..phc.len() {
            let _ = Stored::parse(&phc[..at]);
            let _ = Stored::parse(&phc[at..]);
        }
    }

    #[test]
    fn a_hash_that_is_not_ours_is_an_error() {
        let phc = stored("correct horse");
        let salt = "$m=19456,t=2,p=1$c2l4dGVlbiBieXRlcyBvZg$";
        for bad in [
            phc.replace("argon2id", "argon2i"),
            phc.replace("argon2id", "argon2d"),
            phc.replace("argon2id", "pbkdf2-sha256"),
            phc.replace("v=19", "v=16"),
            phc.replace("$v=19", ""),
            phc.replace("p=1", "p=1,keyid=8PDw8A"),
            phc.replace("p=1", "p=1,data=Dw8PDw8P"),
            phc.replace("m=19456", "m=65537"),
            phc.replace("m=19456", "m=4294967295"),
            phc.replace("t=2", "t=11"),
            phc.replace("p=1", "p=5"),
            format!("$argon2id$v=19{salt}AAAAAAAAAAAAAAAAAAAAAA"),
        ] {
            let checked = check(&password("correct horse"), &bad);
            assert_eq!(checked, Err(HashError::Foreign), "{bad}");
        }
    }

    #[test]
    fn an_unknown_account_costs_what_a_wrong_password_does() {
        // Both are one call of `work`, with the same parameters.
        let stored = Stored::parse(&stored("correct horse")).unwrap();
        assert_eq!(stored.cost, TODAY);
        assert_eq!(stored.salt.len(), 16);
        assert_eq!(spend(&password("correct horse")), Ok(()));
    }

    #[test]
    fn argon2id_is_that_of_rfc_9106() {
        // RFC 9106, section 5.3.
        let params = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let secret = [3; 8];
        let argon2 =
            Argon2::new_with_secret(&secret, Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        argon2
            .hash_password_into(&[1; 32], &[2; 16], &mut tag)
            .unwrap();
        assert_eq!(
            tag,
            [
                0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b,
                0x53, 0xc9, 0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9,
                0x6b, 0x01, 0xe6, 0x59,
            ]
        );
    }
}
