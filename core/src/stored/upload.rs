//! The record of an upload, as its object stores it and as the Worker sends it there.

use serde_json::{Value, json};

use crate::base::object_key::ObjectKey;
use crate::base::time::Timestamp;
use crate::upload::{PartLayout, UploadRecord, UploadState};

impl UploadRecord {
    /// As it is stored.
    pub fn to_stored(&self) -> String {
        let (stage, etag) = match &self.state {
            UploadState::Open => ("open", ""),
            UploadState::Completing => ("completing", ""),
            UploadState::Complete { etag } => ("complete", etag.as_str()),
            UploadState::Aborted => ("aborted", ""),
        };
        let mut stored = json!({
            "key": self.key.as_str(),
            "storage_id": self.storage_id,
            "size_bytes": self.plan.size_bytes(),
            "part_bytes": self.plan.part_bytes(),
            "expires_at_ms": self.expires_at.0,
            "stage": stage,
            "etag": etag,
        });
        if self.etag_changes > 0
            && let Some(members) = stored.as_object_mut()
        {
            members.insert("etag_changes".to_owned(), self.etag_changes.into());
        }
        stored.to_string()
    }

    /// Reads what [`UploadRecord::to_stored`] wrote; `None` for anything else.
    pub fn from_stored(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let (size_bytes, part_bytes) =
            (value.get("size_bytes")?.as_u64()?, value.get("part_bytes")?.as_u64());
        Some(Self {
            key: ObjectKey::parse_input(text("key")?).ok()?,
            storage_id: text("storage_id")?.to_owned(),
            plan: PartLayout::new(size_bytes, part_bytes).ok()?,
            etag_changes: match value.get("etag_changes") {
                Some(count) => count.as_u64()?.try_into().ok()?,
                None => 0,
            },
            expires_at: Timestamp(value.get("expires_at_ms")?.as_i64()?),
            state: match text("stage")? {
                "open" => UploadState::Open,
                "completing" => UploadState::Completing,
                "complete" => UploadState::Complete { etag: text("etag")?.to_owned() },
                "aborted" => UploadState::Aborted,
                _ => return None,
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
