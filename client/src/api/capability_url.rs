//! URLs that carry their own permission.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A presigned URL, or a URL with a token: whoever has it may use it.
///
/// `Debug` shows nothing of it and there is no `Display`, so that it stays out of logs and error texts. It
/// serialises as plain text, because handing it to its owner is its purpose.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CapabilityUrl(String);

impl CapabilityUrl {
    /// Wraps a URL, absolute or relative to the API.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL itself; keep it out of logs and error texts.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CapabilityUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapabilityUrl(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_url_cannot_be_printed() {
        assert_eq!(format!("{:?}", CapabilityUrl::new("http://x/?token=s3cret")), "CapabilityUrl(..)");
    }
}
