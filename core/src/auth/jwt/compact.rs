//! The compact form of a JWS (RFC 7515 7.1): `header.claims.signature`.
//!
//! Invariant: a token that parses has one of the accepted algorithms, and one spelling.

use serde_json::Value;

use crate::auth::jwt::error::JwtError;
use crate::base::base64url;
use crate::base::words::word_enum;
use crate::json::members::UniqueMembers;

word_enum! {
    /// How a token is signed (RFC 7518 3.1, RFC 8037 3.1).
    pub enum Algorithm {
        /// HMAC with SHA-256, by a shared secret.
        Hs256 = "HS256",
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        Rs256 = "RS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

/// A token taken apart. Nothing of it is verified.
#[derive(Clone, Debug)]
pub struct CompactToken<'t> {
    /// How it says that it is signed.
    pub algorithm: Algorithm,
    /// The name of the key, if it has one.
    pub kid: Option<String>,
    /// What is signed.
    pub signing_input: &'t str,
    /// The claims.
    pub claims: UniqueMembers,
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'t> CompactToken<'t> {
    /// Takes a token apart.
    pub fn parse(token: &'t str) -> Result<Self, JwtError> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(JwtError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, claims) = signing_input.split_once('.').ok_or(JwtError::Malformed)?;
        // A dot is no digit of base64url, so a fourth part is refused here.
        let read = |part| base64url::decode(part).ok_or(JwtError::Malformed);
        let members = |part| UniqueMembers::parse(&read(part)?).ok_or(JwtError::Malformed);
        let header = members(header)?;
        if header.get("crit").is_some() {
            return Err(JwtError::CriticalHeader);
        }
        match header.get("typ") {
            None => {}
            // Tokens for other purposes have other types: logout, DPoP (RFC 8725 3.11).
            Some(Value::String(kind)) if TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind)) => {}
            Some(_) => return Err(JwtError::WrongType),
        }
        let algorithm = match header.get("alg") {
            Some(Value::String(word)) => Algorithm::from_word(word).ok_or(JwtError::UnsupportedAlgorithm)?,
            _ => return Err(JwtError::UnsupportedAlgorithm),
        };
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(JwtError::Malformed),
        };
        Ok(Self { algorithm, kid, signing_input, claims: members(claims)?, signature: read(signature)? })
    }
}

/// The token of an `Authorization` header that may be a JWT: `Bearer` and a text with two dots.
pub fn bearer_jwt(authorization: Option<&str>) -> Option<&str> {
    let (scheme, token) = authorization?.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.bytes().filter(|byte| *byte == b'.').count() == 2)
        .then_some(token)
}

/// Providers' tokens have one to two thousand bytes.
pub const TOKEN_MAX_BYTES: usize = 8192;
/// RFC 7519 5.1 and RFC 9068 2.1, each also as a full media type.
const TYPES: &[&str] = &["JWT", "at+jwt", "application/jwt", "application/at+jwt"];

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.AAAA", base64url::encode(header.as_bytes()), base64url::encode(claims.as_bytes()))
    }

    fn refused(header: &str) -> JwtError {
        CompactToken::parse(&token(header, "{}")).unwrap_err()
    }

    #[test]
    fn a_token_is_taken_apart() {
        let text = token(r#"{"alg":"ES256","kid":"k1","typ":"jwt","x":[1]}"#, r#"{"sub":"u"}"#);
        let token = CompactToken::parse(&text).unwrap();
        assert_eq!((token.algorithm, token.kid.as_deref()), (Algorithm::Es256, Some("k1")));
        assert_eq!(
            (token.signature.as_slice(), token.signing_input),
            (&[0; 3][..], text.trim_end_matches(".AAAA"))
        );
        assert_eq!(token.claims.get("sub").and_then(Value::as_str), Some("u"));
        for kind in ["JWT", "at+jwt", "AT+JWT", "application/at+jwt"] {
            let header = format!(r#"{{"alg":"RS256","typ":"{kind}"}}"#);
            assert_eq!(CompactToken::parse(&self::token(&header, "{}")).unwrap().kid, None);
        }
    }

    #[test]
    fn none_and_every_other_algorithm_is_refused() {
        for algorithm in
            ["none", "None", "NONE", "nOnE", "", "HS384", "hs256", "RS384", "PS256", "ES384", "RSA-OAEP"]
        {
            let header = format!(r#"{{"alg":"{algorithm}"}}"#);
            assert_eq!(refused(&header), JwtError::UnsupportedAlgorithm, "{algorithm}");
        }
        for header in ["{}", r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#] {
            assert_eq!(refused(header), JwtError::UnsupportedAlgorithm, "{header}");
        }
    }

    #[test]
    fn a_header_that_two_readers_may_read_differently_is_refused() {
        for (header, error) in [
            (r#"{"alg":"HS256","alg":"HS256"}"#, JwtError::Malformed),
            (r#"{"alg":"HS256","\u0061lg":"RS256"}"#, JwtError::Malformed),
            (r#"{"alg":"HS256","kid":7}"#, JwtError::Malformed),
            (r#"["HS256"]"#, JwtError::Malformed),
            (r#"{"alg":"HS256"} x"#, JwtError::Malformed),
            (r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, JwtError::CriticalHeader),
            (r#"{"alg":"HS256","crit":[]}"#, JwtError::CriticalHeader),
            (r#"{"alg":"HS256","typ":"logout+jwt"}"#, JwtError::WrongType),
            (r#"{"alg":"HS256","typ":1}"#, JwtError::WrongType),
        ] {
            assert_eq!(refused(header), error, "{header}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let good = token(r#"{"alg":"HS256"}"#, "{}");
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            &format!("{good}."),
            &format!("{good}.AAAA"),
            &format!("{good}="),
            &format!("{good}\n"),
            good.trim_end_matches(".AAAA"),
            &format!(" {good}"),
            &good.replacen("ey", "e_", 1),
        ] {
            assert_eq!(CompactToken::parse(text).unwrap_err(), JwtError::Malformed, "{text:?}");
        }
        let long = format!("{}.{}", good, "A".repeat(TOKEN_MAX_BYTES));
        assert_eq!(CompactToken::parse(&long).unwrap_err(), JwtError::TooLong);
    }

    #[test]
    fn a_bearer_with_two_dots_may_be_a_jwt() {
        assert_eq!(bearer_jwt(Some("Bearer a.b.c")), Some("a.b.c"));
        assert_eq!(bearer_jwt(Some(" bearer  a.b. ")), Some("a.b."));
        for other in
            [None, Some(""), Some("a.b.c"), Some("Basic a.b.c"), Some("Bearer a.b"), Some("Bearer a.b.c.d")]
        {
            assert_eq!(bearer_jwt(other), None, "{other:?}");
        }
    }
}
