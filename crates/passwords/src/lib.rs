//! Passwords: what may be one, how it is stored, how it is checked.
//!
//! The rules are those of NIST SP 800-63B-3, section 5.1.1.2: at least 8
//! characters, nothing that attackers try first, nothing made of the address,
//! and no rules about kinds of characters. The hash is Argon2id (RFC 9106) with
//! the parameters of the OWASP Password Storage Cheat Sheet.
//!
//! A [`Password`] comes from [`Password::chosen`] when somebody sets it, and
//! from [`Password::entered`] when somebody signs in. An account that is not
//! there costs [`spend`], which is the work of [`check`].

mod common;
mod fingerprint;
mod hash;
mod password;

pub use hash::{HashError, Verdict, check, hash, spend};
pub use password::{Password, Refusal};

/// A password has at least so many characters (Unicode code points after
/// normalisation).
pub const MIN_CHARACTERS: usize = 8;

/// A password has at most so many characters.
pub const MAX_CHARACTERS: usize = 256;
