//! What a token says.

use serde::{Deserialize, Deserializer, Serialize};
use stoa_kit::{Id, Identity, Role, Timestamp, config};

use crate::encoding::object;
use crate::{LEEWAY_SECONDS, LIFETIME_SECONDS, Refusal};

/// Who issues tokens and for whom: both go into every token and are compared
/// byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    /// `iss`: a name or the shop's address, such as `https://shop.example`.
    pub issuer: String,
    /// `aud`: what the tokens are for, such as `stoa`.
    pub audience: String,
}

impl Realm {
    /// What all our tokens are for.
    pub const AUDIENCE: &str = "stoa";

    /// Who issues tokens where the configuration does not say.
    pub const ISSUER: &str = "stoa";

    /// The realm of this issuer.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: Self::AUDIENCE.to_owned(),
        }
    }

    /// The realm as the component's configuration has it: `issuer`, which is
    /// [`Realm::ISSUER`] where it is left out. Auth and gateway say the same.
    pub fn from_config() -> Self {
        Self::new(config::get("issuer").unwrap_or_else(|| Self::ISSUER.to_owned()))
    }
}

/// The claims of a token, under the names they have in it (RFC 7519, section
/// 4.1; RFC 9068, section 2.2). Times are seconds since the Unix epoch.
///
/// The set is closed: a claim more or less is refused. To add one, teach the
/// gateway first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for: one audience.
    pub aud: String,
    /// The account.
    #[serde(deserialize_with = "id")]
    pub sub: Id,
    /// The session, which may be revoked before the token ends.
    #[serde(deserialize_with = "id")]
    pub sid: Id,
    /// The token itself.
    #[serde(deserialize_with = "id")]
    pub jti: Id,
    /// When it was issued.
    pub iat: u64,
    /// When it begins to hold.
    pub nbf: u64,
    /// When it ends: [`LIFETIME_SECONDS`] after `iat`.
    pub exp: u64,
    /// What the account may do.
    #[serde(with = "roles")]
    pub roles: Vec<Role>,
}

impl Claims {
    /// The claims of a token that is issued now.
    pub fn new(realm: &Realm, account: Id, session: Id, roles: Vec<Role>, now: Timestamp) -> Self {
        let now = seconds(now);
        Self {
            iss: realm.issuer.clone(),
            aud: realm.audience.clone(),
            sub: account,
            sid: session,
            jti: Id::new(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(LIFETIME_SECONDS),
            roles,
        }
    }

    pub(crate) fn from_json(json: &[u8]) -> Option<Self> {
        object(json)
    }

    pub(crate) fn to_json(&self) -> String {
        // Text, numbers and names of roles: nothing that JSON cannot say.
        serde_json::json!(self).to_string()
    }

    /// Everything but the end.
    pub(crate) fn check(&self, realm: &Realm, now: Timestamp) -> Result<(), Refusal> {
        if self.iss != realm.issuer {
            return Err(Refusal::Issuer);
        }
        if self.aud != realm.audience {
            return Err(Refusal::Audience);
        }
        let latest = seconds(now).saturating_add(LEEWAY_SECONDS);
        if self.iat > latest || self.nbf > latest {
            return Err(Refusal::Early);
        }
        let lifetime = self.exp.checked_sub(self.iat);
        let is_odd = lifetime.is_none_or(|lifetime| lifetime > LIFETIME_SECONDS);
        if is_odd || self.nbf > self.exp {
            return Err(Refusal::Lifetime);
        }
        Ok(())
    }

    pub(crate) fn check_end(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.exp.saturating_add(LEEWAY_SECONDS) <= seconds(now) {
            return Err(Refusal::Expired);
        }
        Ok(())
    }
}

impl From<Claims> for Identity {
    fn from(claims: Claims) -> Self {
        Self {
            account_id: claims.sub.to_string(),
            session_id: claims.sid.to_string(),
            roles: claims.roles,
        }
    }
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.0).unwrap_or_default() / 1_000
}

/// An id in its usual form only: serde's own reader of UUIDs takes others too.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
    let text = String::deserialize(deserializer)?;
    Id::parse(&text, "thing").map_err(|_| serde::de::Error::custom("not a UUID"))
}

/// Roles by name; one that is not known is refused.
mod roles {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use stoa_kit::Role;

    pub(super) fn serialize<S: Serializer>(roles: &[Role], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(roles.iter().map(|role| role.name()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Role>, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        let role = |name: &String| Role::parse(name).ok_or_else(|| D::Error::custom("no role"));
        names.iter().map(role).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, claims};

    #[test]
    fn claims_have_their_registered_names() {
        let claims = claims();
        let json: serde_json::Value = serde_json::from_str(&claims.to_json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "iss": "https://shop.example",
                "aud": "stoa",
                "sub": claims.sub.to_string(),
                "sid": claims.sid.to_string(),
                "jti": claims.jti.to_string(),
                "iat": 1_772_366_400,
                "nbf": 1_772_366_400,
                "exp": 1_772_367_000,
                "roles": ["customer", "admin"],
            })
        );
        assert_eq!(Claims::from_json(claims.to_json().as_bytes()), Some(claims));
    }

    #[test]
    fn claims_become_the_identity_that_services_see() {
        let claims = claims();
        let identity = Identity::from(claims.clone());
        assert_eq!(identity.account_id, claims.sub.to_string());
        assert_eq!(identity.session_id, claims.sid.to_string());
        assert_eq!(identity.roles, [Role::Customer, Role::Admin]);
    }

    #[test]
    fn every_token_has_an_id_of_its_own() {
        assert_ne!(claims().jti, claims().jti);
    }

    #[test]
    fn a_time_before_1970_is_1970() {
        assert_eq!(seconds(Timestamp(-1)), 0);
        assert_eq!(seconds(NOW.plus(999)), seconds(NOW));
    }
}
