//! Values that open doors: the API key, and URLs that carry their own permission.
//!
//! Invariant: neither type has a `Display`, and `Debug` shows nothing of the content.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The API key. It can be sent, but not printed or serialised.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a key as it is.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Whether there is nothing in it, as when a variable is set to nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key itself, for the one header that needs it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A URL that is a permission by itself (presigned, or with a token): whoever has it may use it.
///
/// It serialises as plain text, because handing it to its owner is its purpose.
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
    fn neither_keys_nor_capabilities_can_be_printed() {
        assert_eq!(format!("{:?}", Secret::new("s3cret")), "Secret(..)");
        assert_eq!(format!("{:?}", CapabilityUrl::new("http://x/?token=s3cret")), "CapabilityUrl(..)");
    }
}
