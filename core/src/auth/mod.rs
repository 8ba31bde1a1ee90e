//! Who may do what: capability tokens, the keys of services, the tokens of end users, and the key of derived
//! ids.

pub mod id_key;
pub mod jwt;
pub mod revocation;
pub mod service_keys;
pub mod subject;
pub mod token;
pub mod watch_link;

use hmac::{Hmac, KeyInit};
use sha2::Sha256;

/// An HMAC with this key. Invariant: HMAC accepts every key length, so the fallback is never taken.
fn hmac_of(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default()))
}
