//! Why a token is refused.
//!
//! Invariant: a sentence holds nothing of the token, and no quotation mark and no backslash, so that it can
//! stand in a `WWW-Authenticate` header.

use thiserror::Error;

use crate::base::words::word_enum;

word_enum! {
    /// The claims that are read.
    pub enum Claim {
        /// Who the user is.
        Subject = "sub",
        /// Who issued the token.
        Issuer = "iss",
        /// Whom the token is for.
        Audience = "aud",
        /// When it ends.
        Expiry = "exp",
        /// When it begins.
        NotBefore = "nbf",
        /// When it was issued.
        IssuedAt = "iat",
        /// What a token of ours allows.
        Scope = "scope",
    }
}

/// The token is not valid; one sentence each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwtError {
    /// Longer than any token of a provider.
    #[error("The token is longer than 8192 bytes. Ask the identity provider for a token with fewer claims.")]
    TooLong,
    /// Not a signed JWT.
    #[error("The token is not a signed JWT: three parts in base64url, with a JSON header and JSON claims.")]
    Malformed,
    /// Another kind of token than one for an API.
    #[error("The token has a typ that is not JWT or at+jwt. Send the access token or the session token.")]
    WrongType,
    /// It asks for something that this API does not implement.
    #[error("The token has a crit header, which this API does not accept.")]
    CriticalHeader,
    /// `none`, or another algorithm that this API never accepts.
    #[error("The token's alg must be HS256, RS256, ES256 or EdDSA.")]
    UnsupportedAlgorithm,
    /// The deployment has no key of this kind.
    #[error(
        "This API is not set up for tokens with this alg. AUTH_JWKS_URL is for RS256, ES256 and EdDSA, AUTH_JWT_SECRET for HS256."
    )]
    AlgorithmNotAccepted,
    /// No key of the provider fits.
    #[error("No key of the identity provider fits the token's kid and alg. Log in again for a new token.")]
    UnknownKey,
    /// It was not signed by the key, or was changed.
    #[error("The token's signature is not valid.")]
    BadSignature,
    /// It has no such claim.
    #[error("The token has no {0} claim.")]
    MissingClaim(Claim),
    /// The claim is of the wrong kind or out of range.
    #[error("The token's {0} claim is not valid.")]
    InvalidClaim(Claim),
    /// All tokens of this user up to a moment were revoked.
    #[error("The token was revoked. Log in again for a new one.")]
    Revoked,
    /// It was valid.
    #[error("The token has expired. Log in again for a new one.")]
    Expired,
    /// It will be valid, or a clock is wrong.
    #[error("The token is not valid yet. Check the clock of the machine that issued it.")]
    NotYetValid,
    /// Issued by somebody else.
    #[error("The token's iss is not an issuer that this API accepts.")]
    WrongIssuer,
    /// Issued for somebody else.
    #[error("The token's aud is not for this API. Ask the identity provider for a token with its audience.")]
    WrongAudience,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_can_stand_in_a_header() {
        let fixed = [
            JwtError::TooLong,
            JwtError::Malformed,
            JwtError::WrongType,
            JwtError::CriticalHeader,
            JwtError::UnsupportedAlgorithm,
            JwtError::AlgorithmNotAccepted,
            JwtError::UnknownKey,
            JwtError::BadSignature,
            JwtError::Revoked,
            JwtError::Expired,
            JwtError::NotYetValid,
            JwtError::WrongIssuer,
            JwtError::WrongAudience,
        ];
        let of_claims =
            Claim::ALL.into_iter().flat_map(|c| [JwtError::MissingClaim(c), JwtError::InvalidClaim(c)]);
        for error in fixed.into_iter().chain(of_claims) {
            let sentence = error.to_string();
            assert!(
                sentence.bytes().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\')),
                "{sentence}"
            );
        }
    }
}
