//! Capability tokens in URLs: signed texts that say what their holder may do, and until when.
//!
//! A token is `{attempt}.{expiry, seconds}.{HMAC-SHA256 in hex}` over purpose, job, attempt and expiry.
//! Nothing is stored: a token is checked before the job's object is called. A new attempt makes older tokens
//! useless, because the object compares the attempt.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::auth::subject::Subject;
use crate::base::hex::hex;
use crate::base::id::{JobId, UploadId};
use crate::base::object_key::ObjectKey;
use crate::base::owner::OwnerId;
use crate::base::time::{DurationMs, Timestamp};
use crate::base::words::word_enum;

word_enum! {
    /// What a token is for. A token of one purpose is worth nothing for another. The word is part of what is
    /// signed, so tokens that are out would stop to work with another one.
    pub enum Purpose {
        /// The GPU worker's callbacks of one attempt.
        Callback = "callback",
        /// RunPod's webhook of one attempt.
        Webhook = "webhook",
        /// Watching one job, for browsers that cannot send headers; its attempt is 0.
        Watch = "watch",
    }
}

/// Signs and checks tokens with the deployment's `SIGNING_KEY`.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

/// The token is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not signed by this deployment for this job and purpose.
    #[error("the token in this URL is not valid for this job")]
    Forged,
    /// Signed by this deployment, but too old.
    #[error("the token in this URL has expired")]
    Expired,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl Signer {
    /// A signer for this key; HMAC takes keys of any length, `config` requires at least 32 bytes.
    pub fn new(key: &[u8]) -> Self {
        // Invariant: HMAC accepts every key length, so the fallback is never taken.
        Self(
            Hmac::new_from_slice(key)
                .unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default())),
        )
    }

    /// A token for one job and attempt that is valid until `now + lifetime`, in whole seconds.
    pub fn sign(
        &self,
        purpose: Purpose,
        job: JobId,
        attempt: u32,
        now: Timestamp,
        lifetime: DurationMs,
    ) -> String {
        let expiry_s = (now + lifetime).0.div_euclid(1000);
        let mac = hex(&self.mac(purpose, job, attempt, expiry_s));
        format!("{attempt}.{expiry_s}.{mac}")
    }

    /// Checks a token and returns its attempt.
    pub fn verify(
        &self,
        purpose: Purpose,
        job: JobId,
        token: &str,
        now: Timestamp,
    ) -> Result<u32, TokenError> {
        let mut parts = token.splitn(3, '.');
        let (Some(attempt), Some(expiry), Some(mac)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TokenError::Forged);
        };
        let attempt: u32 = attempt.parse().map_err(|_| TokenError::Forged)?;
        let expiry_s: i64 = expiry.parse().map_err(|_| TokenError::Forged)?;
        let expected = hex(&self.mac(purpose, job, attempt, expiry_s));
        if !bool::from(expected.as_bytes().ct_eq(mac.as_bytes())) {
            return Err(TokenError::Forged);
        }
        if now.0.div_euclid(1000) > expiry_s { Err(TokenError::Expired) } else { Ok(attempt) }
    }

    /// The token of an upload: `{uuid}.{HMAC in hex}` over the upload and its key. With token and key a
    /// client may send, list, complete and abort. The token has no expiry, since the upload itself expires.
    pub fn upload_token(&self, upload: UploadId, key: &ObjectKey) -> String {
        format!("{upload}.{}", hex(&self.upload_mac(upload, key)))
    }

    /// Checks an upload's token against its key and returns the upload.
    pub fn verify_upload(&self, token: &str, key: &ObjectKey) -> Result<UploadId, TokenError> {
        let (id, mac) = token.split_once('.').ok_or(TokenError::Forged)?;
        let id = id.parse().map_err(|_| TokenError::Forged)?;
        let expected = hex(&self.upload_mac(id, key));
        if bool::from(expected.as_bytes().ct_eq(mac.as_bytes())) { Ok(id) } else { Err(TokenError::Forged) }
    }

    /// The owner who this subject is.
    pub fn owner_id(&self, subject: &Subject) -> OwnerId {
        let mut mac = self.0.clone();
        mac.update(b"owner\n");
        mac.update(subject.as_str().as_bytes());
        let mut hash = [0u8; 8];
        for (byte, digest) in hash.iter_mut().zip(mac.finalize().into_bytes()) {
            *byte = digest;
        }
        OwnerId::new(hash)
    }

    /// The job id of an owner's `Idempotency-Key`: the same key gives the same id, and another one to each
    /// owner.
    pub fn derive_job_id(&self, owner: Option<OwnerId>, idempotency_key: &str) -> JobId {
        let mut mac = self.0.clone();
        mac.update(b"idempotency\n");
        if let Some(owner) = owner {
            mac.update(format!("{owner}\n").as_bytes());
        }
        mac.update(idempotency_key.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut bytes = [0u8; 16];
        for (byte, digest) in bytes.iter_mut().zip(digest) {
            *byte = digest;
        }
        JobId::from_random(bytes)
    }

    fn mac(&self, purpose: Purpose, job: JobId, attempt: u32, expiry_s: i64) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(format!("{}\n{job}\n{attempt}\n{expiry_s}", purpose.as_str()).as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn upload_mac(&self, upload: UploadId, key: &ObjectKey) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(format!("upload\n{upload}\n{key}").as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// Whether an `Authorization` header carries this key: `Bearer {key}`, compared in constant time.
pub fn bearer_matches(header: Option<&str>, key: &str) -> bool {
    let Some((scheme, credentials)) = header.and_then(|value| value.trim().split_once(' ')) else {
        return false;
    };
    scheme.eq_ignore_ascii_case("bearer") && bool::from(credentials.trim().as_bytes().ct_eq(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_769_850_300_250);

    fn job(n: u8) -> JobId {
        JobId::from_random([n; 16])
    }

    fn signer() -> Signer {
        Signer::new(&[7; 32])
    }

    #[test]
    fn a_token_is_valid_for_one_purpose_job_attempt_signing_key_and_time() {
        let token = signer().sign(Purpose::Callback, job(1), 2, NOW, DurationMs::minutes(30));
        let check = |signer: &Signer, purpose, job, token: &str, now| signer.verify(purpose, job, token, now);
        assert_eq!(check(&signer(), Purpose::Callback, job(1), &token, NOW), Ok(2));
        assert_eq!(check(&signer(), Purpose::Webhook, job(1), &token, NOW), Err(TokenError::Forged));
        assert_eq!(check(&signer(), Purpose::Callback, job(2), &token, NOW), Err(TokenError::Forged));
        assert_eq!(
            check(&Signer::new(&[8; 32]), Purpose::Callback, job(1), &token, NOW),
            Err(TokenError::Forged)
        );
        let late = NOW + DurationMs::minutes(31);
        assert_eq!(check(&signer(), Purpose::Callback, job(1), &token, late), Err(TokenError::Expired));
        let raised = token.replacen("2.", "3.", 1);
        assert_eq!(check(&signer(), Purpose::Callback, job(1), &raised, NOW), Err(TokenError::Forged));
    }

    #[test]
    fn the_token_format_does_not_change() {
        assert_eq!(
            signer().sign(Purpose::Callback, job(1), 1, NOW, DurationMs::minutes(30)),
            "1.1769852100.5d6d3f9bae77015b977cec4445343f69418ada2e12c83b0f2d1d6b36020db9ba"
        );
    }

    #[test]
    fn an_upload_token_is_valid_for_one_upload_key_and_deployment() {
        let upload = |n: u8| UploadId::from_random([n; 16]);
        let key = |text: &str| ObjectKey::parse_input(text).unwrap();
        let (own, other) = (key("input/abc/a.mp4"), key("input/abc/b.mp4"));
        let token = signer().upload_token(upload(1), &own);
        assert_eq!(
            token,
            "01010101-0101-4101-8101-010101010101.03667cc2ff36264541ebddbb505a3aed56391448cf3e8cfba45c7d53272b10e9"
        );
        assert_eq!(signer().verify_upload(&token, &own), Ok(upload(1)));
        assert_eq!(signer().verify_upload(&token, &other), Err(TokenError::Forged));
        assert_eq!(Signer::new(&[8; 32]).verify_upload(&token, &own), Err(TokenError::Forged));
        let foreign = token.replacen("01010101-", "02020202-", 1);
        assert_eq!(signer().verify_upload(&foreign, &own), Err(TokenError::Forged));
        for wrong in
            ["", ".", "01010101-0101-4101-8101-010101010101", "01010101-0101-4101-8101-010101010101."]
        {
            assert_eq!(signer().verify_upload(wrong, &own), Err(TokenError::Forged), "{wrong}");
        }
    }

    #[test]
    fn only_the_exact_bearer_key_matches() {
        assert!(bearer_matches(Some("Bearer secret"), "secret"));
        assert!(bearer_matches(Some("bearer  secret "), "secret"));
        for wrong in [
            None,
            Some(""),
            Some("secret"),
            Some("Basic secret"),
            Some("Bearer secre"),
            Some("Bearer secret2"),
        ] {
            assert!(!bearer_matches(wrong, "secret"), "{wrong:?}");
        }
    }

    #[test]
    fn one_idempotency_key_gives_one_job_id() {
        assert_eq!(signer().derive_job_id(None, "abc"), signer().derive_job_id(None, "abc"));
        assert_ne!(signer().derive_job_id(None, "abc"), signer().derive_job_id(None, "abd"));
        assert_ne!(signer().derive_job_id(None, "abc"), Signer::new(&[8; 32]).derive_job_id(None, "abc"));
    }

    proptest! {
        #[test]
        fn a_random_text_is_not_a_token(text in ".{0,120}") {
            prop_assert!(signer().verify(Purpose::Callback, job(1), &text, NOW).is_err());
            let key = ObjectKey::parse_input("input/abc/a.mp4").unwrap();
            prop_assert!(signer().verify_upload(&text, &key).is_err());
        }
    }
}
