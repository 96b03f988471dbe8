//! Why a token is refused.

/// Why a token is refused. The text is for the log: it is stable and has
/// nothing of the token in it. Clients are told `invalid_token` and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than [`crate::MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    Length,
    /// Not three parts of strict base64url, or a signature that is not 64
    /// bytes.
    #[error("the token is not three parts of base64url")]
    Form,
    /// The header is not an object of exactly `alg`, `kid` and `typ`.
    #[error("the header is not one of ours")]
    Header,
    /// `alg` is not `EdDSA`.
    #[error("the algorithm is not EdDSA")]
    Algorithm,
    /// `typ` is not `at+jwt`.
    #[error("the token is not an access token")]
    Type,
    /// `kid` is not a thumbprint.
    #[error("the key id is not a thumbprint")]
    KeyId,
    /// The payload is not an object of exactly the claims of [`crate::Claims`]
    /// with values of their types.
    #[error("the claims are not those of an access token")]
    Claims,
    /// There is no key of this id.
    #[error("the key is not known")]
    UnknownKey,
    /// The key does not verify any more.
    #[error("the key is retired")]
    RetiredKey,
    /// The key did not sign this.
    #[error("the signature is wrong")]
    Signature,
    /// `iss` is another.
    #[error("the issuer is another")]
    Issuer,
    /// `aud` is another.
    #[error("the audience is another")]
    Audience,
    /// `iat` or `nbf` is in the future.
    #[error("the token is from the future")]
    Early,
    /// `exp` is before `iat` or `nbf`, or too far after `iat`.
    #[error("the lifetime is not that of an access token")]
    Lifetime,
    /// `exp` is in the past.
    #[error("the token has expired")]
    Expired,
}
