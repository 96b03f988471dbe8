//! Refresh tokens: each is good for one exchange, and the ones of a session
//! follow from each other.
//!
//! The first is random; each later one is an HMAC of the one before. Only the
//! SHA-256 of the one in force is stored. So nobody can make the next one
//! without the service's secret, and still, whoever shows an older one can be
//! told from somebody who shows just anything: by walking from it to the one in
//! force. No list of used tokens is needed, and no stored token can be sent
//! twice to a client that lost an answer: it is made once more.

use stoa_kit::{Id, Problem};
use zeroize::Zeroizing;

use crate::secret::{Secret, decode, digest, encode, random};

/// How far back a token is still known to be an old one. Whoever shows an even
/// older one is refused like anybody.
const MAX_STEPS: i64 = 10_000;

const ID_BYTES: usize = 16;
const BYTES: usize = ID_BYTES + 32;

/// A refresh token: 64 characters of base64url, the session's id and 256
/// secret bits. It has no `Debug`.
pub(crate) struct RefreshToken {
    session: Id,
    secret: Zeroizing<[u8; 32]>,
}

/// What a token is to its session.
pub(crate) enum Relation {
    /// The one in force.
    Current,
    /// The one before, with the one in force, which followed from it.
    Predecessor(RefreshToken),
    /// One that was replaced long ago.
    Older,
    /// None of the session's.
    Foreign,
}

impl RefreshToken {
    /// The first of a session.
    ///
    /// Errors: `internal` (500) when there is no randomness.
    pub(crate) fn first(session: Id) -> Result<Self, Problem> {
        let secret = random()?;
        Ok(Self { session, secret })
    }

    /// A token as a client sends it; `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: Zeroizing<[u8; BYTES]> = Zeroizing::new(decode(text)?);
        let (id, secret) = bytes.split_first_chunk::<ID_BYTES>()?;
        Some(Self {
            session: Id::from_bytes(*id),
            secret: Zeroizing::new(secret.try_into().ok()?),
        })
    }

    /// The token as a client gets it.
    pub(crate) fn to_text(&self) -> String {
        let mut bytes = Zeroizing::new([0; BYTES]);
        bytes[..ID_BYTES].copy_from_slice(&self.session.to_bytes());
        bytes[ID_BYTES..].copy_from_slice(&*self.secret);
        encode(&*bytes)
    }

    /// The session that the token says it is of.
    pub(crate) fn session(&self) -> Id {
        self.session
    }

    /// What is stored of the token.
    pub(crate) fn digest(&self) -> String {
        digest(&*self.secret)
    }

    /// The token that replaces this one.
    pub(crate) fn successor(&self, secret: &Secret) -> Self {
        Self {
            session: self.session,
            secret: secret.derive(&[b"refresh", &self.session.to_bytes(), &*self.secret]),
        }
    }

    /// What this token is to a session whose token in force has this digest
    /// and was the first one replaced `generation` times.
    pub(crate) fn relation(&self, digest: &str, generation: i64, secret: &Secret) -> Relation {
        if self.digest() == digest {
            return Relation::Current;
        }
        let mut later = self.successor(secret);
        for step in 1..=generation.min(MAX_STEPS) {
            if later.digest() == digest {
                return if step == 1 {
                    Relation::Predecessor(later)
                } else {
                    Relation::Older
                };
            }
            later = later.successor(secret);
        }
        Relation::Foreign
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session's tokens, the first one first, and the secret behind them.
    fn family(size: usize) -> (Vec<RefreshToken>, Secret) {
        let secret = Secret::new().unwrap();
        let mut tokens = vec![RefreshToken::first(Id::new()).unwrap()];
        while tokens.len() < size {
            let next = tokens.last().unwrap().successor(&secret);
            tokens.push(next);
        }
        (tokens, secret)
    }

    fn name(relation: &Relation) -> &'static str {
        match relation {
            Relation::Current => "current",
            Relation::Predecessor(_) => "predecessor",
            Relation::Older => "older",
            Relation::Foreign => "foreign",
        }
    }

    #[test]
    fn a_token_is_64_characters_and_comes_back_as_it_was() {
        let (tokens, _) = family(2);
        for token in &tokens {
            let text = token.to_text();
            assert_eq!(text.len(), 64);
            let read = RefreshToken::parse(&text).unwrap();
            assert_eq!(read.session(), token.session());
            assert_eq!(read.digest(), token.digest());
        }
        assert_ne!(tokens[0].to_text(), tokens[1].to_text());
        assert_eq!(tokens[0].session(), tokens[1].session());
        for bad in [
            "",
            "token",
            &"!".repeat(64),
            &"A".repeat(63),
            &"A".repeat(65),
        ] {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_token_knows_its_place_in_the_family() {
        let (tokens, secret) = family(5);
        let relations = |generation: usize| -> Vec<_> {
            let current = tokens[generation].digest();
            let generation = i64::try_from(generation).unwrap();
            let relation = |token: &RefreshToken| token.relation(&current, generation, &secret);
            tokens.iter().map(|token| name(&relation(token))).collect()
        };
        assert_eq!(
            relations(0),
            ["current", "foreign", "foreign", "foreign", "foreign"]
        );
        assert_eq!(
            relations(1),
            ["predecessor", "current", "foreign", "foreign", "foreign"]
        );
        assert_eq!(
            relations(4),
            ["older", "older", "older", "predecessor", "current"]
        );
    }

    #[test]
    fn the_predecessor_leads_to_the_token_in_force() {
        let (tokens, secret) = family(3);
        let Relation::Predecessor(next) = tokens[1].relation(&tokens[2].digest(), 2, &secret)
        else {
            panic!("no predecessor");
        };
        assert_eq!(next.to_text(), tokens[2].to_text());
    }

    #[test]
    fn a_token_of_another_family_or_secret_is_foreign() {
        let (tokens, secret) = family(3);
        let (others, other) = family(3);
        let current = tokens[2].digest();
        assert_eq!(name(&others[0].relation(&current, 2, &secret)), "foreign");
        assert_eq!(name(&tokens[0].relation(&current, 2, &other)), "foreign");
        let mut moved = RefreshToken::parse(&tokens[1].to_text()).unwrap();
        moved.session = others[0].session();
        assert_eq!(name(&moved.relation(&current, 2, &secret)), "foreign");
    }
}
