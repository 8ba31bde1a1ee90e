//! Signatures as the Standard Webhooks specification 1.0.0 says.
//!
//! Invariant: secrets are derived from the deployment's key and stored nowhere; see `auth::id_key`.

use std::fmt;

use crate::base::base64url;
use crate::base::hmac::{hmac_of, mac_of};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;

/// A secret that an endpoint and this API share.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret([u8; 32]);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

impl WebhookSecret {
    /// The secret of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As its receiver is shown it: `whsec_` and base64.
    pub fn text(&self) -> Secret {
        Secret::new(format!("{SECRET_PREFIX}{}", base64(&self.0)))
    }

    /// One signature: `v1,` and base64 of an HMAC-SHA256 over `{id}.{timestamp}.{body}`.
    pub fn sign(&self, message_id: &str, timestamp_s: i64, body: &str) -> String {
        let signed = format!("{message_id}.{timestamp_s}.{body}");
        format!("v1,{}", base64(&mac_of(hmac_of(&self.0), &signed)))
    }
}

/// The headers of a delivery, signed with each of the secrets.
pub fn signed_headers(
    message_id: &str,
    now: Timestamp,
    body: &str,
    secrets: &[WebhookSecret],
) -> [(&'static str, String); 3] {
    let timestamp_s = now.0.div_euclid(1000);
    let signatures: Vec<String> =
        secrets.iter().map(|secret| secret.sign(message_id, timestamp_s, body)).collect();
    [
        ("webhook-id", message_id.to_owned()),
        ("webhook-timestamp", timestamp_s.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

/// Base64 with padding (RFC 4648 4).
fn base64(bytes: &[u8]) -> String {
    let mut text = base64url::encode(bytes).replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

const SECRET_PREFIX: &str = "whsec_";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // Computed with Python's hmac module, as the specification describes it.
        let secret = WebhookSecret::new(*b"0123456789abcdef0123456789abcdef");
        assert_eq!(secret.text().reveal(), "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        assert_eq!(secret.sign("msg_1", 1_769_850_300, "{\"a\":1}"), KNOWN);
    }

    #[test]
    fn each_secret_signs_and_none_is_printed() {
        let secrets = [1, 2].map(|byte| WebhookSecret::new([byte; 32]));
        let headers = signed_headers("msg_1", Timestamp(1_769_850_300_999), "{}", &secrets);
        let [(_, id), (_, timestamp), (name, signatures)] = headers;
        assert_eq!((id.as_str(), timestamp.as_str(), name), ("msg_1", "1769850300", "webhook-signature"));
        let expected = secrets.clone().map(|secret| secret.sign("msg_1", 1_769_850_300, "{}"));
        assert_eq!(signatures, expected.join(" "));
        assert_eq!(format!("{secrets:?}"), "[WebhookSecret(..), WebhookSecret(..)]");
    }

    proptest! {
        #[test]
        fn base64_has_its_padding_and_its_alphabet(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let text = base64(&bytes);
            prop_assert_eq!(text.len(), bytes.len().div_ceil(3) * 4);
            let plain = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
            prop_assert_eq!(base64url::decode(&plain), Some(bytes));
        }
    }

    const KNOWN: &str = "v1,yWh4V3WtXt5QCu5WAdv9nUTUA3Vw8iwfejDbfzVP8Zw=";
}
