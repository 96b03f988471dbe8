//! Access tokens: the auth service signs them, the gateway verifies them.
//!
//! A token is a JWT (RFC 7519) in JWS compact form (RFC 7515) that follows the
//! profile of RFC 9068, signed with Ed25519 (RFC 8032, RFC 8037) and nothing
//! else. It has no `client_id`, for there are no OAuth clients, and its
//! audience is one string. It lives [`LIFETIME_SECONDS`].
//!
//! **Verifying takes two steps**, because keys and sessions are in key-value:
//! [`Unverified::parse`] checks the form and says which key and which session
//! the token names, so that one call can fetch both; [`Unverified::verify`]
//! checks everything else and returns the [`Claims`].
//!
//! **Nothing in a token chooses how it is checked.** The key's record fixes
//! the algorithm; a header member other than `alg`, `kid` and `typ` is refused
//! (`jku`, `jwk`, `x5u`, `x5c`, `crit`, `b64`, ...), and so is all that a
//! lenient reader would repair: padding, spaces, spare bits, duplicate names.

mod claims;
mod encoding;
mod key_id;
mod keys;
mod record;
mod refusal;
mod unverified;

pub use claims::{Claims, Realm};
pub use key_id::KeyId;
pub use keys::{BadKey, SigningKey, VerifyingKey};
pub use record::{Jwks, KeyRecord};
pub use refusal::Refusal;
pub use unverified::Unverified;

/// How long a token lives: 10 minutes.
pub const LIFETIME_SECONDS: u64 = 600;

/// How far the clocks of two hosts may be apart: 5 seconds. So a token is
/// taken up to 5 seconds before it begins and less than 5 after it ends.
pub const LEEWAY_SECONDS: u64 = 5;

/// The longest token that is looked into: 4 KiB. One with every role has about
/// 700 bytes.
pub const MAX_TOKEN_BYTES: usize = 4096;

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod fixtures;
