//! AWS Signature Version 4 in a URL's query, for S3.
//!
//! Source: "Authenticating Requests: Using Query Parameters" in the Amazon S3 API reference. Its steps are
//! canonical request, string to sign, signing key, signature. A test compares URLs with botocore's, byte for
//! byte.

use std::cell::Cell;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::base::hex::hex;
use crate::base::percent;
use crate::base::secret::Secret;
use crate::base::time::{DurationMs, Timestamp};

/// A request to be signed.
pub struct UnsignedRequest<'u> {
    pub method: &'static str,
    /// The `Host` header, as the client will send it.
    pub host: &'u str,
    /// The path, already encoded. S3 signs it unchanged: dots and double slashes belong to keys.
    pub path: &'u str,
    /// Parameters by name, ascending; their names need no encoding and begin with lower-case letters.
    pub query: &'u [(&'static str, String)],
    /// Headers that the client must send unchanged, beside `host`, by name, ascending: lower case. A client
    /// that leaves an empty one out sends it unchanged where the storage takes a missing header for an empty one.
    pub headers: &'u [(&'static str, String)],
}

/// An access key that signs for one region of one service.
#[derive(Clone)]
pub struct AccessKey {
    id: String,
    secret: Secret,
    // The signing key takes four HMACs and is the same all day.
    derived: Cell<Option<(DayNumber, [u8; 32])>>,
}

/// Days since 1970-01-01: another day has another scope, so another signing key.
type DayNumber = i64;

impl AccessKey {
    pub fn new(id: String, secret: String) -> Self {
        Self { id, secret: Secret::new(secret), derived: Cell::new(None) }
    }

    /// The query of the presigned URL: the request's parameters, then those of the signature.
    pub fn sign(&self, request: &UnsignedRequest<'_>, lifetime: DurationMs, now: Timestamp) -> String {
        let date = now.iso_basic();
        let scope = format!("{}/{REGION}/s3/aws4_request", date.get(..8).unwrap_or_default());
        let lifetime_s = (lifetime.0 / 1000).clamp(1, LIFETIME_MAX_S);

        let mut signed_headers = String::new();
        let mut headers = String::new();
        let mut sign_header = |name: &str, value: &str| {
            let separator = if signed_headers.is_empty() { "" } else { "%3B" };
            let _ = write!(signed_headers, "{separator}{name}");
            let _ = writeln!(headers, "{name}:{}", value.trim());
        };
        let after_host = request.headers.partition_point(|(name, _)| *name < "host");
        let (before, after) = request.headers.split_at_checked(after_host).unwrap_or_default();
        for (name, value) in before {
            sign_header(name, value);
        }
        sign_header("host", request.host);
        for (name, value) in after {
            sign_header(name, value);
        }
        let mut authorization = format!("X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential=");
        percent::encode(&format!("{}/{scope}", self.id), false, &mut authorization);
        let _ = write!(
            authorization,
            "&X-Amz-Date={date}&X-Amz-Expires={lifetime_s}&X-Amz-SignedHeaders={signed_headers}"
        );
        let mut parameters = String::new();
        for (name, value) in request.query {
            let _ = write!(parameters, "{name}=");
            percent::encode(value, false, &mut parameters);
            parameters.push('&');
        }

        // In byte order, upper case comes first.
        let canonical_query = format!("{authorization}&{parameters}");
        let canonical_request = format!(
            "{}\n{}\n{}\n{headers}\n{}\nUNSIGNED-PAYLOAD",
            request.method,
            request.path,
            canonical_query.trim_end_matches('&'),
            signed_headers.replace("%3B", ";"),
        );
        let hash = hex(&Sha256::digest(canonical_request));
        let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{hash}");
        let signature = hex(&hmac(&self.signing_key(now, &scope), &to_sign));
        format!("{parameters}{authorization}&X-Amz-Signature={signature}")
    }

    fn signing_key(&self, now: Timestamp, scope: &str) -> [u8; 32] {
        let day = now.0.div_euclid(86_400_000);
        if let Some((_, key)) = self.derived.get().filter(|(of, _)| *of == day) {
            return key;
        }
        // Each step's key is the result of the step before: day, region, service, and the fixed ending.
        let mut parts = scope.split('/');
        let first =
            hmac(format!("AWS4{}", self.secret.reveal()).as_bytes(), parts.next().unwrap_or_default());
        let key = parts.fold(first, |key, part| hmac(&key, part));
        self.derived.set(Some((day, key)));
        key
    }
}

fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    // Invariant: HMAC accepts every key length, so the fallback is never taken.
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default()));
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// R2 has this region only.
const REGION: &str = "auto";
/// A week: S3 and R2 reject more.
const LIFETIME_MAX_S: i64 = 604_800;
