//! What the filter of common passwords keeps of each; shared with `build.rs`.

use sha2::{Digest as _, Sha256};

/// The first four bytes of the SHA-256.
pub(crate) fn of(password: &str) -> [u8; 4] {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(password).into();
    [a, b, c, d]
}
