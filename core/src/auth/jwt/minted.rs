//! Tokens that this API makes itself, for services whose users have no identity provider.
//!
//! They are HS256 with keys derived from the signing keys. Their issuer is reserved: no other key verifies
//! it, and these keys verify no other issuer.

use serde_json::Value;

use crate::auth::jwt::hmac_key::HmacKey;
use crate::auth::jwt::scope::Scopes;
use crate::auth::subject::Subject;
use crate::base::base64url;
use crate::base::time::{DurationMs, Timestamp};

/// Who issues the tokens that this API makes. No setting may name it.
pub const MINTED_ISSUER: &str = "reel-ballers-api";

/// The keys of tokens that this API makes: the first signs, all of them verify.
#[derive(Clone, Debug)]
pub struct MintKeys(Vec<HmacKey>);

/// A token that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintedToken {
    /// The token.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl MintKeys {
    /// A key for each signing key, in the same order. The label keeps them apart from everything else that is
    /// signed with a signing key.
    pub fn derive(signing_keys: &[&[u8]]) -> Self {
        let derived = |key: &&[u8]| HmacKey::new(&HmacKey::new(key).sign("reel-ballers-api/user-token/v1"));
        Self(signing_keys.iter().map(derived).collect())
    }

    /// Makes a token that is valid for `lifetime`, in whole seconds. `None` without a signing key.
    pub fn mint(
        &self,
        subject: &Subject,
        scopes: Scopes,
        now: Timestamp,
        lifetime: DurationMs,
    ) -> Option<MintedToken> {
        let issued_s = now.0.div_euclid(1000);
        let expires_s = issued_s.saturating_add(lifetime.0 / 1000);
        // Written by hand: a tree of values would be a kilobyte of the Worker.
        let header = r#"{"alg":"HS256","typ":"JWT"}"#;
        let (subject, scope) = (Value::from(subject.as_str()), scopes.claim());
        let claims = format!(
            r#"{{"exp":{expires_s},"iat":{issued_s},"iss":"{MINTED_ISSUER}","scope":"{scope}","sub":{subject}}}"#
        );
        let part = |json: &str| base64url::encode(json.as_bytes());
        let signing_input = format!("{}.{}", part(header), part(&claims));
        let signature = base64url::encode(&self.0.first()?.sign(&signing_input));
        let expires_at = Timestamp(expires_s.saturating_mul(1000));
        Some(MintedToken { token: format!("{signing_input}.{signature}"), expires_at })
    }

    /// Whether one of the keys made this signature. Each is tried, in constant time.
    pub fn verify(&self, signing_input: &str, signature: &[u8]) -> bool {
        self.0.iter().fold(false, |found, key| key.verify(signing_input, signature) | found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_minted_token_does_not_change() {
        let keys = MintKeys::derive(&[&[7; 32], &[8; 32]]);
        let subject = Subject::parse("user \"1\"").unwrap();
        let minted =
            keys.mint(&subject, Scopes::ALL, Timestamp(1_769_850_300_250), DurationMs::minutes(60)).unwrap();
        assert_eq!(minted.expires_at, Timestamp(1_769_853_900_000));
        let mut parts = minted.token.split('.').map(|part| base64url::decode(part).unwrap());
        assert_eq!(parts.next().unwrap(), br#"{"alg":"HS256","typ":"JWT"}"#);
        assert_eq!(
            String::from_utf8(parts.next().unwrap()).unwrap(),
            r#"{"exp":1769853900,"iat":1769850300,"iss":"reel-ballers-api","scope":"read write","sub":"user \"1\""}"#
        );
        let (signing_input, _) = minted.token.rsplit_once('.').unwrap();
        let signature = parts.next().unwrap();
        assert!(
            MintKeys::derive(&[&[9; 32], &[7; 32]]).verify(signing_input, &signature),
            "after a rotation"
        );
        assert!(!MintKeys::derive(&[&[8; 32], &[9; 32]]).verify(signing_input, &signature));
        assert!(!MintKeys::derive(&[]).verify(signing_input, &signature));
        assert!(!HmacKey::new(&[7; 32]).verify(signing_input, &signature), "the signing key itself");
    }
}
