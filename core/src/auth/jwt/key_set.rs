//! The public keys of an identity provider: a JSON Web Key Set (RFC 7517, RFC 7518 6, RFC 8037 2).
//!
//! Invariant: a key that is kept is public, of a kind and strength that is accepted, and meant for
//! signatures. Every other key of a set is left out, since sets also hold keys for other purposes.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::auth::jwt::compact::Algorithm;
use crate::base::base64url;
use crate::json::members::UniqueMembers;

/// A public key, as the base64url texts of its set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// RSA with 2048 to 8192 bits.
    Rsa {
        /// Modulus.
        n: String,
        /// Exponent.
        e: String,
    },
    /// A point on P-256.
    P256 {
        /// Its x.
        x: String,
        /// Its y.
        y: String,
    },
    /// A point on edwards25519.
    Ed25519 {
        /// The point.
        x: String,
    },
}

impl PublicKey {
    /// The only algorithm that the key is used with.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
        }
    }

    /// The members of its JWK that are needed to import it, in a fixed order.
    pub fn members(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Rsa { n, e } => vec![("kty", "RSA"), ("n", n), ("e", e)],
            Self::P256 { x, y } => vec![("kty", "EC"), ("crv", "P-256"), ("x", x), ("y", y)],
            Self::Ed25519 { x } => vec![("kty", "OKP"), ("crv", "Ed25519"), ("x", x)],
        }
    }
}

/// A key with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    /// Its name, if it has one.
    pub kid: Option<String>,
    /// The key.
    pub key: PublicKey,
}

/// The keys of a provider; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwkSet(Vec<Jwk>);

/// The provider's answer is no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwkSetError {
    /// Longer than [`KEY_SET_MAX_BYTES`].
    #[error("the key set is longer than 262144 bytes")]
    TooLong,
    /// Not `{"keys": [...]}`.
    #[error("the answer is not a JSON Web Key Set")]
    NotAKeySet,
    /// More than 64 keys.
    #[error("the key set has more than 64 keys")]
    TooManyKeys,
    /// No key that could verify a token.
    #[error("the key set has no public key for RS256 (2048 bits or more), ES256 or EdDSA (Ed25519)")]
    NoUsableKey,
}

impl JwkSet {
    /// Reads a provider's answer.
    pub fn parse(body: &[u8]) -> Result<Self, JwkSetError> {
        if body.len() > KEY_SET_MAX_BYTES {
            return Err(JwkSetError::TooLong);
        }
        let members = UniqueMembers::parse(body).ok_or(JwkSetError::NotAKeySet)?;
        let Some(Value::Array(keys)) = members.get("keys") else { return Err(JwkSetError::NotAKeySet) };
        if keys.len() > KEYS_MAX {
            return Err(JwkSetError::TooManyKeys);
        }
        let keys: Vec<Jwk> = keys.iter().filter_map(|key| jwk(key.as_object()?)).collect();
        if keys.is_empty() { Err(JwkSetError::NoUsableKey) } else { Ok(Self(keys)) }
    }

    /// The keys that a token of this algorithm may be signed with: those of its `kid`, or, when it names
    /// none, the first four of the algorithm.
    pub fn fitting(&self, algorithm: Algorithm, kid: Option<&str>) -> Vec<&Jwk> {
        let fits =
            |key: &&Jwk| key.key.algorithm() == algorithm && (kid.is_none() || key.kid.as_deref() == kid);
        self.0.iter().filter(fits).take(TRIED_MAX).collect()
    }
}

/// A key that may verify tokens.
fn jwk(members: &Map<String, Value>) -> Option<Jwk> {
    let text = |name| members.get(name).and_then(Value::as_str);
    // A member of the wrong kind is not an absent one.
    let is_or_absent = |name, wanted: &str| members.get(name).is_none_or(|value| value == wanted);
    // A provider that publishes a private key has no secret left.
    if members.contains_key("d") || !is_or_absent("use", "sig") {
        return None;
    }
    if let Some(operations) = members.get("key_ops") {
        operations.as_array()?.iter().find(|operation| *operation == "verify")?;
    }
    let coordinate = |name| {
        let text = text(name)?;
        (base64url::decode(text)?.len() == COORDINATE_BYTES).then(|| text.to_owned())
    };
    let key = match (text("kty")?, text("crv")) {
        ("RSA", None) => rsa(text("n")?, text("e")?)?,
        ("EC", Some("P-256")) => PublicKey::P256 { x: coordinate("x")?, y: coordinate("y")? },
        ("OKP", Some("Ed25519")) => PublicKey::Ed25519 { x: coordinate("x")? },
        _ => return None,
    };
    if !is_or_absent("alg", key.algorithm().as_str()) {
        return None;
    }
    let kid = match members.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str()?.to_owned()),
    };
    Some(Jwk { kid, key })
}

/// An RSA key of 2048 to 8192 bits with an odd exponent of at most four bytes.
fn rsa(n: &str, e: &str) -> Option<PublicKey> {
    let modulus = base64url::decode(n)?;
    let exponent = base64url::decode(e)?;
    let [first, ..] = modulus.as_slice() else { return None };
    // A leading zero is not what RFC 7518 6.3.1.1 writes, and would hide how long the key is.
    let bits = modulus.len() * 8 - usize::try_from(first.leading_zeros()).ok()?;
    let valid = *first != 0
        && RSA_BITS.contains(&bits)
        && modulus.last().is_some_and(|last| last % 2 == 1)
        && (1..=4).contains(&exponent.len())
        && exponent.last().is_some_and(|last| last % 2 == 1)
        && exponent != [1];
    valid.then(|| PublicKey::Rsa { n: n.to_owned(), e: e.to_owned() })
}

/// Google's sets have about 2,000 bytes.
pub const KEY_SET_MAX_BYTES: usize = 256 * 1024;
const KEYS_MAX: usize = 64;
/// Keys that a token without a name is tried with.
const TRIED_MAX: usize = 4;
const COORDINATE_BYTES: usize = 32;
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// The members of a valid key of this kind.
    pub(crate) fn valid(algorithm: Algorithm) -> Value {
        let bytes = |count: usize| base64url::encode(&vec![0xff; count]);
        match algorithm {
            Algorithm::Hs256 => json!({"kty": "oct", "k": bytes(32)}),
            Algorithm::Rs256 => json!({"kty": "RSA", "n": bytes(256), "e": "AQAB"}),
            Algorithm::Es256 => json!({"kty": "EC", "crv": "P-256", "x": bytes(32), "y": bytes(32)}),
            Algorithm::EdDsa => json!({"kty": "OKP", "crv": "Ed25519", "x": bytes(32)}),
        }
    }

    fn with(mut key: Value, members: &Value) -> Value {
        key.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        key
    }

    fn parse(keys: &Value) -> Result<JwkSet, JwkSetError> {
        JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn each_key_verifies_its_own_algorithm_and_no_other() {
        let mut keys: Vec<Value> = Algorithm::ALL.into_iter().map(valid).collect();
        keys.push(json!({"kty": "future", "kid": "x"}));
        keys.push(json!(7));
        let set = parse(&json!(keys)).unwrap();
        for algorithm in Algorithm::ALL {
            let fitting = set.fitting(algorithm, None);
            // A symmetric key that is published is no secret.
            assert_eq!(fitting.len(), usize::from(algorithm != Algorithm::Hs256), "{algorithm}");
            assert!(fitting.iter().all(|key| key.key.algorithm() == algorithm));
        }
    }

    #[test]
    fn a_kid_must_match_and_a_token_without_one_is_tried_with_four_keys() {
        let named = |kid: &str| with(valid(Algorithm::Es256), &json!({ "kid": kid }));
        let set =
            parse(&json!([named("a"), named("b"), named("b"), valid(Algorithm::Es256), named("c")])).unwrap();
        assert_eq!(set.fitting(Algorithm::Es256, Some("a")).len(), 1);
        assert_eq!(set.fitting(Algorithm::Es256, Some("b")).len(), 2);
        assert_eq!(set.fitting(Algorithm::Es256, Some("")).len(), 0);
        assert_eq!(set.fitting(Algorithm::Rs256, Some("a")).len(), 0);
        assert_eq!(set.fitting(Algorithm::Es256, None).len(), 4);
    }

    #[test]
    fn keys_that_are_weak_private_or_for_something_else_are_left_out() {
        let bytes = |count: usize| base64url::encode(&vec![0xff; count]);
        let (rsa, ec, okp) = (valid(Algorithm::Rs256), valid(Algorithm::Es256), valid(Algorithm::EdDsa));
        for good in [
            with(rsa.clone(), &json!({"alg": "RS256", "use": "sig", "key_ops": ["verify"], "x5c": ["y"]})),
            with(rsa.clone(), &json!({"n": bytes(1024)})),
            with(rsa.clone(), &json!({"e": "Aw"})),
            with(ec.clone(), &json!({"alg": "ES256", "ext": true})),
            with(okp.clone(), &json!({"alg": "EdDSA"})),
        ] {
            assert!(parse(&json!([good.clone()])).is_ok(), "{good}");
        }
        let mut even = vec![0xff; 256];
        even[255] = 0xfe;
        let mut leading_zero = vec![0xff; 257];
        leading_zero[0] = 0;
        for (base, change) in [
            (&rsa, json!({"n": bytes(255)})),
            (&rsa, json!({"n": bytes(1025)})),
            (&rsa, json!({"n": base64url::encode(&even)})),
            (&rsa, json!({"n": base64url::encode(&leading_zero)})),
            (&rsa, json!({"n": ""})),
            (&rsa, json!({"n": 7})),
            (&rsa, json!({"n": format!("{}=", bytes(256))})),
            (&rsa, json!({"e": "AQ"})),
            (&rsa, json!({"e": "AgAA"})),
            (&rsa, json!({"e": bytes(5)})),
            (&rsa, json!({"d": "AQAB"})),
            (&rsa, json!({"use": "enc"})),
            (&rsa, json!({"use": ["sig"]})),
            (&rsa, json!({"use": null})),
            (&rsa, json!({"key_ops": ["sign"]})),
            (&rsa, json!({"key_ops": "verify"})),
            (&rsa, json!({"alg": "PS256"})),
            (&rsa, json!({"alg": "HS256"})),
            (&rsa, json!({"crv": "P-256"})),
            (&rsa, json!({"kid": 7})),
            (&ec, json!({"alg": "RS256"})),
            (&ec, json!({"crv": "P-384"})),
            (&ec, json!({"x": bytes(31)})),
            (&ec, json!({"y": bytes(33)})),
            (&okp, json!({"crv": "X25519"})),
            (&okp, json!({"crv": "Ed448"})),
            (&okp, json!({"x": bytes(57)})),
            (&okp, json!({"kty": "EC"})),
        ] {
            let bad = with(base.clone(), &change);
            assert_eq!(parse(&json!([bad.clone()])), Err(JwkSetError::NoUsableKey), "{bad}");
        }
    }

    #[test]
    fn an_answer_that_is_no_key_set_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "{\"keys\":{}}",
            "{\"keys\":null}",
            "<html>",
            "{\"keys\":[],\"keys\":[]}",
        ] {
            assert_eq!(JwkSet::parse(body.as_bytes()), Err(JwkSetError::NotAKeySet), "{body}");
        }
        assert_eq!(parse(&json!([])), Err(JwkSetError::NoUsableKey));
        assert_eq!(parse(&json!(vec![json!({}); 64])), Err(JwkSetError::NoUsableKey));
        assert_eq!(parse(&json!(vec![json!({}); 65])), Err(JwkSetError::TooManyKeys));
        assert_eq!(JwkSet::parse(&vec![b' '; KEY_SET_MAX_BYTES + 1]), Err(JwkSetError::TooLong));
    }
}
