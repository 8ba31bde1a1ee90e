//! Which key a token is checked with, and who its user is.
//!
//! Invariant: a [`VerifiedUser`] exists only for a token whose signature was checked and whose claims are
//! right. The claims are checked first: a token that is no longer valid costs no signature and no fetch.

use crate::auth::jwt::claims::{self, Claims};
use crate::auth::jwt::compact::{Algorithm, CompactToken};
use crate::auth::jwt::error::{Claim, JwtError};
use crate::auth::jwt::key_set::{Jwk, PublicKey};
use crate::auth::jwt::minted::MINTED_ISSUER;
use crate::auth::jwt::scope::Scopes;
use crate::auth::jwt::settings::AuthConfig;
use crate::auth::subject::Subject;
use crate::base::time::Timestamp;

/// An end user, as a valid token names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedUser {
    /// Who.
    pub subject: Subject,
    /// What the token allows.
    pub scopes: Scopes,
    /// When the token was issued, if it says so; ours always do.
    pub issued_at: Option<Timestamp>,
    /// When the token ends; [`claims::LEEWAY`] comes on top.
    pub expires_at: Timestamp,
}

/// How far a token has come without the platform's help.
#[derive(Clone, Debug)]
pub enum Verification<'t> {
    /// Its signature by a shared secret is right.
    Verified(VerifiedUser),
    /// Its signature is to be checked with a public key of the provider.
    ByPublicKey(PendingToken<'t>),
}

/// A token whose claims are right, and whose signature is not checked yet.
#[derive(Clone, Debug)]
pub struct PendingToken<'t> {
    /// How it says that it is signed; never HS256.
    pub algorithm: Algorithm,
    /// The name of the key, if it has one.
    pub kid: Option<String>,
    signing_input: &'t str,
    signature: Vec<u8>,
    user: VerifiedUser,
}

/// What the platform is to check: whether `signature` is that of `signing_input` by `key`.
#[derive(Clone, Copy, Debug)]
pub struct SignatureCheck<'c> {
    /// How it is signed.
    pub algorithm: Algorithm,
    /// The public key; its kind is that of the algorithm.
    pub key: &'c PublicKey,
    /// What is signed.
    pub signing_input: &'c str,
    /// The signature.
    pub signature: &'c [u8],
}

impl PendingToken<'_> {
    /// The check with one key. `None` when the key or the length of the signature is not the algorithm's.
    pub fn check<'c>(&'c self, jwk: &'c Jwk) -> Option<SignatureCheck<'c>> {
        let fits = match (self.algorithm, &jwk.key) {
            (Algorithm::Rs256, PublicKey::Rsa { .. }) => true,
            (Algorithm::Es256, PublicKey::P256 { .. }) | (Algorithm::EdDsa, PublicKey::Ed25519 { .. }) => {
                self.signature.len() == POINT_SIGNATURE_BYTES
            }
            _ => false,
        };
        fits.then_some(SignatureCheck {
            algorithm: self.algorithm,
            key: &jwk.key,
            signing_input: self.signing_input,
            signature: &self.signature,
        })
    }

    /// The user, if the platform says that the signature is right.
    pub fn conclude(self, signature_is_valid: bool) -> Result<VerifiedUser, JwtError> {
        if signature_is_valid { Ok(self.user) } else { Err(JwtError::BadSignature) }
    }
}

/// Checks everything of a token but a signature by a public key.
pub fn verify<'t>(token: &'t str, config: &AuthConfig, now: Timestamp) -> Result<Verification<'t>, JwtError> {
    let CompactToken { algorithm, kid, signing_input, claims: members, signature } =
        CompactToken::parse(token)?;
    let claims = Claims::read(&members, now)?;
    let minted = claims.issuer.as_deref() == Some(MINTED_ISSUER);
    let scopes = if minted {
        let scope = claims::text(&members, Claim::Scope)?.ok_or(JwtError::MissingClaim(Claim::Scope))?;
        Scopes::parse(scope).ok_or(JwtError::InvalidClaim(Claim::Scope))?
    } else {
        claims.require(&config.issuers, &config.audiences)?;
        Scopes::ALL
    };
    let Claims { subject, issued_at, expires_at, .. } = claims;
    let user = VerifiedUser { subject, scopes, issued_at, expires_at };
    let by_secret = |valid: bool| {
        if valid { Ok(Verification::Verified(user.clone())) } else { Err(JwtError::BadSignature) }
    };
    match (algorithm, minted) {
        (Algorithm::Hs256, true) => by_secret(config.mint_keys.verify(signing_input, &signature)),
        (Algorithm::Hs256, false) => {
            let secret = config.secret.as_ref().ok_or(JwtError::AlgorithmNotAccepted)?;
            by_secret(secret.verify(signing_input, &signature))
        }
        // Nobody else issues tokens in this API's name.
        (_, true) => Err(JwtError::WrongIssuer),
        (Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa, false) => {
            if config.key_set_url.is_none() {
                return Err(JwtError::AlgorithmNotAccepted);
            }
            Ok(Verification::ByPublicKey(PendingToken { algorithm, kid, signing_input, signature, user }))
        }
    }
}

/// R and S of ES256 and of Ed25519 have 32 bytes each.
const POINT_SIGNATURE_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::jwt::hmac_key::HmacKey;
    use crate::auth::jwt::key_cache::KeyCacheTimes;
    use crate::auth::jwt::key_set::JwkSet;
    use crate::auth::jwt::key_set::tests::valid;
    use crate::auth::jwt::minted::MintKeys;
    use crate::auth::jwt::settings::KeySetUrl;
    use crate::base::base64url;
    use crate::base::time::DurationMs;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp(1_769_850_300_250);
    const SECRET: &[u8] = b"a secret of the provider, 32 bytes";

    fn config() -> AuthConfig {
        AuthConfig {
            key_set_url: KeySetUrl::parse("https://id.example/keys"),
            secret: Some(HmacKey::new(SECRET)),
            issuers: vec!["https://id.example".to_owned()],
            audiences: vec!["api".to_owned()],
            mint_keys: MintKeys::derive(&[&[7; 32]]),
            key_cache: KeyCacheTimes::STANDARD,
        }
    }

    fn claims() -> Value {
        json!({"sub": "u", "iss": "https://id.example", "aud": "api", "exp": 1_769_850_400})
    }

    fn signed(header: &Value, claims: &Value, sign: impl Fn(&str) -> Vec<u8>) -> String {
        let part = |json: &Value| base64url::encode(json.to_string().as_bytes());
        let input = format!("{}.{}", part(header), part(claims));
        format!("{input}.{}", base64url::encode(&sign(&input)))
    }

    fn hs256(claims: &Value, secret: &[u8]) -> String {
        signed(&json!({"alg": "HS256"}), claims, |input| HmacKey::new(secret).sign(input).to_vec())
    }

    fn answer(token: &str, config: &AuthConfig) -> Result<Option<VerifiedUser>, JwtError> {
        verify(token, config, NOW).map(|verification| match verification {
            Verification::Verified(user) => Some(user),
            Verification::ByPublicKey(_) => None,
        })
    }

    #[test]
    fn a_shared_secret_verifies_its_tokens_only() {
        let user = answer(&hs256(&claims(), SECRET), &config()).unwrap().unwrap();
        assert_eq!((user.subject.as_str(), user.scopes), ("u", Scopes::ALL));
        assert_eq!(answer(&hs256(&claims(), b"another"), &config()), Err(JwtError::BadSignature));
        let unset = AuthConfig { secret: None, ..config() };
        assert_eq!(answer(&hs256(&claims(), SECRET), &unset), Err(JwtError::AlgorithmNotAccepted));
        let mut other = claims();
        other["aud"] = json!("another");
        assert_eq!(answer(&hs256(&other, SECRET), &config()), Err(JwtError::WrongAudience));
        other["iss"] = json!("https://evil.example");
        assert_eq!(answer(&hs256(&other, SECRET), &config()), Err(JwtError::WrongIssuer));
    }

    #[test]
    fn a_public_key_is_never_a_secret() {
        // The classic confusion: HS256 with the text of the provider's public key.
        let set = JwkSet::parse(json!({"keys": [valid(Algorithm::Rs256)]}).to_string().as_bytes()).unwrap();
        let PublicKey::Rsa { n, .. } = &set.fitting(Algorithm::Rs256, None)[0].key else {
            panic!("an RSA key")
        };
        for secret in [n.as_bytes(), &base64url::decode(n).unwrap(), b"", &[0; 32]] {
            assert_eq!(answer(&hs256(&claims(), secret), &config()), Err(JwtError::BadSignature));
            let unset = AuthConfig { secret: None, ..config() };
            assert_eq!(answer(&hs256(&claims(), secret), &unset), Err(JwtError::AlgorithmNotAccepted));
        }
    }

    #[test]
    fn the_issuer_of_minted_tokens_is_ours_alone() {
        let minted = |scopes| {
            let subject = Subject::parse("u").unwrap();
            config().mint_keys.mint(&subject, scopes, NOW, DurationMs::minutes(5)).unwrap().token
        };
        let reads = Scopes::parse("read").unwrap();
        let user = answer(&minted(reads), &config()).unwrap().unwrap();
        assert_eq!((user.subject.as_str(), user.scopes), ("u", reads));
        assert_eq!(user.issued_at, Some(Timestamp(1_769_850_300_000)));
        let mut forged = claims();
        forged["iss"] = json!(MINTED_ISSUER);
        forged["scope"] = json!("read write");
        assert_eq!(answer(&hs256(&forged, SECRET), &config()), Err(JwtError::BadSignature));
        let by_provider = signed(&json!({"alg": "RS256"}), &forged, |_| vec![0; 256]);
        assert_eq!(answer(&by_provider, &config()), Err(JwtError::WrongIssuer));
        // The key of minted tokens verifies no other issuer.
        let derived = HmacKey::new(&[7; 32]).sign("reel-ballers-api/user-token/v1");
        assert_eq!(answer(&hs256(&claims(), &derived), &config()), Err(JwtError::BadSignature));
        let rotated = AuthConfig { mint_keys: MintKeys::derive(&[&[8; 32]]), ..config() };
        assert_eq!(answer(&minted(reads), &rotated), Err(JwtError::BadSignature));
    }

    #[test]
    fn a_minted_token_needs_a_scope_and_a_providers_scope_is_not_ours() {
        let derived = HmacKey::new(&[7; 32]).sign("reel-ballers-api/user-token/v1");
        let mut ours = json!({"sub": "u", "iss": MINTED_ISSUER, "exp": 1_769_850_400});
        assert_eq!(answer(&hs256(&ours, &derived), &config()), Err(JwtError::MissingClaim(Claim::Scope)));
        ours["scope"] = json!("admin");
        assert_eq!(answer(&hs256(&ours, &derived), &config()), Err(JwtError::InvalidClaim(Claim::Scope)));
        let mut theirs = claims();
        theirs["scope"] = json!("openid profile");
        assert_eq!(answer(&hs256(&theirs, SECRET), &config()).unwrap().unwrap().scopes, Scopes::ALL);
    }

    #[test]
    fn a_public_key_is_checked_by_the_platform_for_its_own_algorithm() {
        for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
            let token = signed(&json!({"alg": algorithm, "kid": "k"}), &claims(), |_| vec![1; 64]);
            let Ok(Verification::ByPublicKey(pending)) = verify(&token, &config(), NOW) else {
                panic!("a pending token")
            };
            for other in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
                let set = JwkSet::parse(json!({"keys": [valid(other)]}).to_string().as_bytes()).unwrap();
                let check = pending.check(set.fitting(other, None)[0]);
                assert_eq!(check.map(|check| check.algorithm), (algorithm == other).then_some(algorithm));
            }
            assert_eq!(pending.clone().conclude(false), Err(JwtError::BadSignature));
            assert_eq!(pending.conclude(true).unwrap().subject.as_str(), "u");
            let unset = AuthConfig { key_set_url: None, ..config() };
            assert_eq!(answer(&token, &unset), Err(JwtError::AlgorithmNotAccepted));
        }
        let long = signed(&json!({"alg": "ES256"}), &claims(), |_| vec![1; 70]);
        let Ok(Verification::ByPublicKey(pending)) = verify(&long, &config(), NOW) else {
            panic!("a pending token")
        };
        let set = JwkSet::parse(json!({"keys": [valid(Algorithm::Es256)]}).to_string().as_bytes()).unwrap();
        assert!(pending.check(set.fitting(Algorithm::Es256, None)[0]).is_none(), "a signature in DER");
    }

    #[test]
    fn a_token_that_is_over_is_refused_before_its_signature() {
        let mut over = claims();
        over["exp"] = json!(1);
        assert_eq!(answer(&hs256(&over, b"another"), &config()), Err(JwtError::Expired));
    }
}
