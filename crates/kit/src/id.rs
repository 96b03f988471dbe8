//! Ids: UUIDv7 (RFC 9562, section 5.7), which sort by the time they were made.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Problem;

/// The id of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(Uuid);

impl Id {
    /// A new id.
    #[expect(clippy::new_without_default, reason = "an id is made on purpose")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id in a path. Anything else than a UUID in its usual form names
    /// nothing: `not_found` (404) about `what`.
    pub fn parse(text: &str, what: &str) -> Result<Self, Problem> {
        Some(text)
            .filter(|text| text.len() == 36)
            .and_then(|text| Uuid::try_parse(text).ok())
            .map(Self)
            .ok_or_else(|| Problem::not_found(format!("There is no {what} with this id.")))
    }

    /// The id of these 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes of the id.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// Whether it is a UUIDv7, as those made here are.
    pub fn is_v7(self) -> bool {
        self.0.get_version_num() == 7
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}
