//! The record of an upload, as its object stores it and as the Worker sends it there.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::object_key::ObjectKey;
use crate::base::time::Timestamp;
use crate::upload::{PartLayout, UploadRecord, UploadState};

/// Fields in alphabetical order: so they have always been written.
#[derive(Serialize, Deserialize)]
struct StoredUpload {
    /// Empty unless it is complete.
    etag: String,
    expires_at_ms: Timestamp,
    key: String,
    part_bytes: u64,
    size_bytes: u64,
    stage: Stage,
    storage_id: String,
}

/// [`UploadState`] without its data.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Open,
    Completing,
    Complete,
    Aborted,
}

impl UploadRecord {
    /// As it is stored.
    pub fn to_stored(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What [`UploadRecord::to_stored`] wrote; `None` for anything else.
    pub fn from_stored(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl Serialize for UploadRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (stage, etag) = match &self.state {
            UploadState::Open => (Stage::Open, ""),
            UploadState::Completing => (Stage::Completing, ""),
            UploadState::Complete { etag } => (Stage::Complete, etag.as_str()),
            UploadState::Aborted => (Stage::Aborted, ""),
        };
        StoredUpload {
            etag: etag.to_owned(),
            expires_at_ms: self.expires_at,
            key: self.key.as_str().to_owned(),
            part_bytes: self.plan.part_bytes(),
            size_bytes: self.plan.size_bytes(),
            stage,
            storage_id: self.storage_id.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for UploadRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = StoredUpload::deserialize(deserializer)?;
        Ok(Self {
            key: ObjectKey::parse_input(&stored.key).map_err(D::Error::custom)?,
            storage_id: stored.storage_id,
            plan: PartLayout::new(stored.size_bytes, Some(stored.part_bytes)).map_err(D::Error::custom)?,
            expires_at: stored.expires_at_ms,
            state: match stored.stage {
                Stage::Open => UploadState::Open,
                Stage::Completing => UploadState::Completing,
                Stage::Complete => UploadState::Complete { etag: stored.etag },
                Stage::Aborted => UploadState::Aborted,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_record_is_none() {
        let good = r#"{"etag":"","expires_at_ms":1,"key":"input/abc/clip.mp4","part_bytes":5242880,"size_bytes":9,"stage":"open","storage_id":"s"}"#;
        assert_eq!(UploadRecord::from_stored(good).map(|upload| upload.to_stored()).as_deref(), Some(good));
        for (from, to) in
            [("open", "dancing"), ("input/", "output/"), ("5242880", "7"), ("\"size_bytes\":9,", "")]
        {
            assert_eq!(UploadRecord::from_stored(&good.replace(from, to)), None, "{to}");
        }
        assert_eq!(UploadRecord::from_stored("{}"), None);
    }
}
