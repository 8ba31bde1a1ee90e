//! Which content an object of the bucket had when it was looked at.

use serde::{Deserialize, Serialize};

/// The content of an object at one moment. Whoever reads the object later can tell whether it was replaced.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectVersion {
    /// Its tag as in the header `ETag`, with quotes.
    pub etag: String,
    /// Its size.
    pub bytes: u64,
}
