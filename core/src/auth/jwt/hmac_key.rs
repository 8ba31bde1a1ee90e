//! Secrets that HS256 tokens are signed with.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A secret, ready to sign. It is never printed.
#[derive(Clone)]
pub struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    /// A key of these bytes.
    pub fn new(secret: &[u8]) -> Self {
        // Invariant: HMAC accepts every key length, so the fallback is never taken.
        let fallback = || Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default());
        Self(Hmac::new_from_slice(secret).unwrap_or_else(|_| fallback()))
    }

    /// HMAC-SHA256 of a text.
    pub fn sign(&self, text: &str) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Whether this is the signature of the text, compared in constant time.
    pub fn verify(&self, text: &str, signature: &[u8]) -> bool {
        bool::from(self.sign(text).as_slice().ct_eq(signature))
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::base64url;

    #[test]
    fn the_example_of_rfc_7515_is_verified() {
        let key = base64url::decode(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        )
        .unwrap();
        let (text, signature) = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
            .rsplit_once('.')
            .unwrap();
        let signature = base64url::decode(signature).unwrap();
        assert!(HmacKey::new(&key).verify(text, &signature));
        assert!(!HmacKey::new(&key).verify(text, &signature[1..]));
        assert!(!HmacKey::new(&key).verify(text, &[]));
        assert!(!HmacKey::new(&key[1..]).verify(text, &signature));
    }
}
