//! A key, a realm, a time and a token to begin from.

use stoa_kit::{Id, Role, Timestamp};

use crate::{Claims, KeyRecord, Realm, Refusal, SigningKey, Unverified};

/// 2026-03-01T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_772_366_400_000);

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(&[42; 32])
}

pub(crate) fn realm() -> Realm {
    Realm::new("https://shop.example")
}

pub(crate) fn claims() -> Claims {
    let roles = vec![Role::Customer, Role::Admin];
    Claims::new(&realm(), Id::new(), Id::new(), roles, NOW)
}

/// As the gateway does it at `now`, with the fixture's key as the only one.
pub(crate) fn verify_at(token: &str, now: Timestamp) -> Result<Claims, Refusal> {
    let token = Unverified::parse(token)?;
    let record = KeyRecord::new(key().verifying_key().clone(), NOW.plus(3_600_000));
    let found = Some(&record).filter(|record| record.key.kid() == token.kid());
    token.verify(found, &realm(), now)
}

pub(crate) fn verify(token: &str) -> Result<Claims, Refusal> {
    verify_at(token, NOW)
}
