//! Capability tokens in URLs: signed texts that say what their holder may do, and until when.
//!
//! A token is `{attempt}.{expiry, seconds}.{HMAC-SHA256 in hex}` over purpose, job, attempt and expiry. It is
//! compared as a whole with the one text that says the same, so that no number has a second spelling.
//!
//! Nothing is stored: a token is checked before the job's object is called. A new attempt makes older tokens
//! useless, because the object compares the attempt.

use hmac::Hmac;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;

use super::hmac_of;
use crate::base::hex::hex;
use crate::base::hmac::mac_of as hmac_text;
use crate::base::id::{JobId, UploadId};
use crate::base::object_key::ObjectKey;
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

/// Signs and checks tokens with the deployment's `SIGNING_KEY`. While that key is replaced there are two:
/// the new one signs, both are accepted.
#[derive(Clone)]
pub struct Signer {
    current: Hmac<Sha256>,
    previous: Option<Hmac<Sha256>>,
}

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
        Self { current: hmac_of(key), previous: None }
    }

    /// The same, and tokens that were signed with the key before this one are still valid.
    #[must_use]
    pub fn accepting(self, previous: &[u8]) -> Self {
        Self { previous: Some(hmac_of(previous)), ..self }
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
        token_text(&self.current, purpose, job, attempt, expiry_s)
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
        let (Some(attempt), Some(expiry)) = (parts.next(), parts.next()) else {
            return Err(TokenError::Forged);
        };
        let attempt: u32 = attempt.parse().map_err(|_| TokenError::Forged)?;
        let expiry_s: i64 = expiry.parse().map_err(|_| TokenError::Forged)?;
        if !self.wrote(token, |key| token_text(key, purpose, job, attempt, expiry_s)) {
            return Err(TokenError::Forged);
        }
        if now.0.div_euclid(1000) > expiry_s { Err(TokenError::Expired) } else { Ok(attempt) }
    }

    /// The token of an upload: `{uuid}.{HMAC in hex}` over the upload and its key. With token and key a
    /// client may send, list, complete and abort. The token has no expiry, since the upload itself expires.
    pub fn upload_token(&self, upload: UploadId, key: &ObjectKey) -> String {
        upload_text(&self.current, upload, key)
    }

    /// Checks an upload's token against its key and returns the upload.
    pub fn verify_upload(&self, token: &str, key: &ObjectKey) -> Result<UploadId, TokenError> {
        let (id, _) = token.split_once('.').ok_or(TokenError::Forged)?;
        let id = id.parse().map_err(|_| TokenError::Forged)?;
        if self.wrote(token, |secret| upload_text(secret, id, key)) {
            Ok(id)
        } else {
            Err(TokenError::Forged)
        }
    }

    /// Whether one of the keys makes this token. Both are tried in any case, and compared in constant time.
    fn wrote(&self, token: &str, write: impl Fn(&Hmac<Sha256>) -> String) -> bool {
        let matches = |key: &Hmac<Sha256>| write(key).as_bytes().ct_eq(token.as_bytes());
        let previous = self.previous.as_ref().map_or(Choice::from(0), matches);
        bool::from(matches(&self.current) | previous)
    }
}

fn token_text(key: &Hmac<Sha256>, purpose: Purpose, job: JobId, attempt: u32, expiry_s: i64) -> String {
    let mac = mac_of(key, &format!("{}\n{job}\n{attempt}\n{expiry_s}", purpose.as_str()));
    format!("{attempt}.{expiry_s}.{mac}")
}

fn upload_text(secret: &Hmac<Sha256>, upload: UploadId, key: &ObjectKey) -> String {
    format!("{upload}.{}", mac_of(secret, &format!("upload\n{upload}\n{key}")))
}

/// In hex.
fn mac_of(key: &Hmac<Sha256>, signed: &str) -> String {
    hex(&hmac_text(key.clone(), signed))
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
    fn tokens_of_the_key_before_are_valid_while_both_are_set() {
        let (old, hour) = (signer(), DurationMs::minutes(60));
        let both = Signer::new(&[9; 32]).accepting(&[7; 32]);
        let key = ObjectKey::parse_input("input/abc/a.mp4").unwrap();
        let upload = UploadId::from_random([1; 16]);
        for purpose in Purpose::ALL {
            let token = old.sign(purpose, job(1), 1, NOW, hour);
            assert_eq!(both.verify(purpose, job(1), &token, NOW), Ok(1));
            assert_eq!(both.verify(purpose, job(2), &token, NOW), Err(TokenError::Forged));
            let fresh = both.sign(purpose, job(1), 1, NOW, hour);
            assert_eq!(fresh, Signer::new(&[9; 32]).sign(purpose, job(1), 1, NOW, hour));
            assert_eq!(both.verify(purpose, job(1), &fresh, NOW), Ok(1));
            assert_eq!(old.verify(purpose, job(1), &fresh, NOW), Err(TokenError::Forged));
        }
        assert_eq!(both.verify_upload(&old.upload_token(upload, &key), &key), Ok(upload));
        let fresh = both.upload_token(upload, &key);
        assert_eq!(both.verify_upload(&fresh, &key), Ok(upload));
        assert_eq!(old.verify_upload(&fresh, &key), Err(TokenError::Forged));
    }

    #[test]
    fn a_token_has_one_spelling() {
        let token = signer().sign(Purpose::Watch, job(1), 0, NOW, DurationMs::minutes(30));
        let (attempt, rest) = token.split_once('.').unwrap();
        let (expiry, mac) = rest.split_once('.').unwrap();
        assert_eq!(signer().verify(Purpose::Watch, job(1), &token, NOW), Ok(0));
        for other in [
            format!("+0.{rest}"),
            format!("00.{rest}"),
            format!("-0.{rest}"),
            format!("{attempt}.+{expiry}.{mac}"),
            format!("{attempt}.0{expiry}.{mac}"),
            format!("{attempt}.{expiry}.{}", mac.to_uppercase()),
            format!("{token}."),
            format!("{token} "),
            format!("{attempt}.{expiry}."),
            format!("{attempt}.{expiry}"),
        ] {
            assert_eq!(
                signer().verify(Purpose::Watch, job(1), &other, NOW),
                Err(TokenError::Forged),
                "{other}"
            );
        }
        let (upload, key) =
            (UploadId::from_random([0xab; 16]), ObjectKey::parse_input("input/abc/a.mp4").unwrap());
        let token = signer().upload_token(upload, &key);
        assert_eq!(signer().verify_upload(&token.to_uppercase(), &key), Err(TokenError::Forged));
        let (id, mac) = token.split_once('.').unwrap();
        let shouted = format!("{}.{mac}", id.to_uppercase());
        assert_eq!(signer().verify_upload(&shouted, &key), Err(TokenError::Forged));
    }

    proptest! {
        #[test]
        fn a_random_text_is_not_a_token(text in ".{0,120}") {
            prop_assert!(signer().verify(Purpose::Callback, job(1), &text, NOW).is_err());
            let key = ObjectKey::parse_input("input/abc/a.mp4").unwrap();
            prop_assert!(signer().verify_upload(&text, &key).is_err());
        }

        #[test]
        fn what_looks_like_a_token_is_none(attempt in "[+-]?0{0,2}[0-9]{1,10}", expiry in "[+-]?0{0,2}[0-9]{1,19}", mac in "[0-9a-f]{63,65}") {
            let text = format!("{attempt}.{expiry}.{mac}");
            prop_assert!(signer().accepting(&[9; 32]).verify(Purpose::Watch, job(1), &text, NOW).is_err());
        }

        #[test]
        fn a_token_with_one_changed_byte_is_none(at in 0..66_usize, byte in 0x21_u8..0x7f) {
            let token = signer().sign(Purpose::Callback, job(1), 1, NOW, DurationMs::minutes(30));
            let mut bytes = token.clone().into_bytes();
            bytes[at] = byte;
            let changed = String::from_utf8(bytes).unwrap();
            let verified = signer().verify(Purpose::Callback, job(1), &changed, NOW);
            prop_assert_eq!(verified.is_ok(), changed == token);
        }
    }
}
