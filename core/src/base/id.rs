//! Ids of jobs and uploads, parsed once where they enter: an invalid id cannot exist.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;

/// A job's id: a UUID, written in lower case with hyphens.
///
/// The client may choose it; otherwise it is made from random bytes of the caller.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema), schemars(extend("format" = "uuid")))]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(#[cfg_attr(feature = "describe", schemars(with = "String"))] Uuid);

/// The text is not a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a UUID such as 3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50")]
pub struct ParseIdError;

impl JobId {
    /// A version 4 UUID (RFC 9562) from 16 random bytes.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

impl FromStr for JobId {
    type Err = ParseIdError;

    /// Only the hyphenated form: braces and URNs would be other spellings of the same id.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        if text.len() != uuid::fmt::Hyphenated::LENGTH {
            return Err(ParseIdError);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

/// An upload's id: a UUID like a job's, never chosen by the client. The id alone gives no access: a client
/// needs the signed token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadId(JobId);

impl UploadId {
    /// A version 4 UUID (RFC 9562) from 16 random bytes.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(JobId::from_random(bytes))
    }
}

impl FromStr for UploadId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_hyphenated_uuids_are_job_ids() {
        for bad in [
            "",
            "3f2b8c1e9d4a4c778a5e0b1c2d3e4f50",
            "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f5g",
            "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f5",
            "{3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f5}",
            "3f2b8c1e-9d4a-4c77-8a5e00b1c2d3e4f50",
            "../../../../../../../../../../../etc",
        ] {
            assert_eq!(bad.parse::<JobId>(), Err(ParseIdError), "{bad}");
        }
        let upper: JobId = "3F2B8C1E-9D4A-4C77-8A5E-0B1C2D3E4F50".parse().unwrap();
        assert_eq!(upper.to_string(), "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50");
    }

    proptest! {
        #[test]
        fn a_written_id_reads_back(bytes: [u8; 16]) {
            let id = JobId::from_random(bytes);
            prop_assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
            prop_assert_eq!(id.to_string().as_bytes()[14], b'4');
        }
    }
}
