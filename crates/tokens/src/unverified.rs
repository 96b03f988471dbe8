//! A token on its way from text to claims.

use serde::Deserialize;
use stoa_kit::{Id, Timestamp};

use crate::encoding::{decode, decode_array, object};
use crate::{Claims, KeyId, KeyRecord, MAX_TOKEN_BYTES, Realm, Refusal};

/// A token of the right form, of which nothing else is known yet.
pub struct Unverified<'a> {
    signed: &'a str,
    signature: [u8; 64],
    kid: KeyId,
    claims: Claims,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

impl<'a> Unverified<'a> {
    /// Checks the token's form: the compact serialisation (RFC 7515, section
    /// 7.1), a header of exactly `alg`, `kid` and `typ`, and claims that are
    /// complete.
    ///
    /// Errors: [`Refusal`], up to [`Refusal::Claims`].
    pub fn parse(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Length);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Form)?;
        let header = decode(header).ok_or(Refusal::Form)?;
        // A dot more would be in here, and is no base64url.
        let payload = decode(payload).ok_or(Refusal::Form)?;
        let signature = decode_array(signature).ok_or(Refusal::Form)?;

        let header: Header = object(&header).ok_or(Refusal::Header)?;
        if header.alg != "EdDSA" {
            return Err(Refusal::Algorithm);
        }
        if header.typ != "at+jwt" {
            return Err(Refusal::Type);
        }
        Ok(Self {
            signed,
            signature,
            kid: KeyId::parse(&header.kid).ok_or(Refusal::KeyId)?,
            claims: Claims::from_json(&payload).ok_or(Refusal::Claims)?,
        })
    }

    /// The key that the token names.
    pub fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// The session that the token names. Good for looking it up together with
    /// the key, and for nothing else before [`Self::verify`].
    pub fn session(&self) -> Id {
        self.claims.sid
    }

    /// Checks everything else: the key, of which `record` is what was found
    /// under [`Self::kid`], the signature, the realm and the times. Whether the
    /// session is revoked is for the caller to check.
    ///
    /// Errors: [`Refusal`], from [`Refusal::UnknownKey`] on.
    pub fn verify(
        self,
        record: Option<&KeyRecord>,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Claims, Refusal> {
        let claims = self.verify_expired(record, realm, now)?;
        claims.check_end(now)?;
        Ok(claims)
    }

    /// The same for a token that may have expired: enough to end its session,
    /// and for nothing else.
    ///
    /// Errors: as [`Self::verify`], without [`Refusal::Expired`].
    pub fn verify_expired(
        self,
        record: Option<&KeyRecord>,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Claims, Refusal> {
        let record = record
            .filter(|record| *record.key.kid() == self.kid)
            .ok_or(Refusal::UnknownKey)?;
        if !record.verifies_at(now) {
            return Err(Refusal::RetiredKey);
        }
        if !record.key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(Refusal::Signature);
        }
        self.claims.check(realm, now)?;
        Ok(self.claims)
    }
}
