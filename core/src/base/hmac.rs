//! HMAC-SHA256, made in one place.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// An HMAC with this key. Invariant: HMAC accepts every key length, so the fallback is never taken.
pub fn hmac_of(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default()))
}

/// The HMAC of a text.
pub fn mac_of(mut key: Hmac<Sha256>, text: &str) -> [u8; 32] {
    key.update(text.as_bytes());
    key.finalize().into_bytes().into()
}
