//! What clients read of multipart uploads.

use serde::Serialize;

use crate::base::time::Timestamp;
use crate::upload::{Upload, UploadRecord, UploadState};

/// 201 to `POST /api/videos/multipart`, and 200 to `GET .../parts`.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UploadJson {
    /// Where the video goes.
    pub video_key: String,
    /// Our own name of the upload; whoever has it may write to it.
    pub upload_id: String,
    /// The whole file.
    pub size_bytes: u64,
    /// Every part but the last.
    pub part_size: u64,
    /// Parts in all.
    pub part_count: u32,
    /// When it is aborted if it is not complete; ISO 8601.
    pub expires_at: String,
    /// Not of a new upload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<UploadStatus>,
    /// The confirmed parts in their order; not of a new upload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parts: Option<Vec<ConfirmedPartJson>>,
}

/// Whether there is anything left to do.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UploadStatus {
    /// It is not complete.
    Open,
    /// The video is in the bucket.
    Complete,
}

/// One confirmed part.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfirmedPartJson {
    /// From 1.
    pub part_number: u32,
    /// Without quotes.
    pub etag: String,
    /// Its length.
    pub size_bytes: u64,
}

/// 200 to `POST .../parts`.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedParts {
    /// In the order of the request.
    pub parts: Vec<SignedPart>,
    /// When the URLs stop working; ISO 8601.
    pub expires_at: String,
}

/// Where one part is sent.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedPart {
    /// From 1.
    pub part_number: u32,
    /// For one PUT.
    pub url: String,
    /// The length that is signed.
    pub size_bytes: u64,
}

/// 200 to `PUT .../parts`.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ConfirmedParts {
    /// Confirmed parts in all.
    pub confirmed: usize,
}

/// 200 to `POST .../complete`.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompletedUpload {
    /// Where the video is.
    pub video_key: String,
    /// Its length.
    pub size_bytes: u64,
    /// The object's entity tag.
    pub etag: String,
}

impl UploadJson {
    /// A new upload.
    pub fn created(record: &UploadRecord, upload_id: &str) -> Self {
        Self {
            video_key: record.key.as_str().to_owned(),
            upload_id: upload_id.to_owned(),
            size_bytes: record.plan.size_bytes(),
            part_size: record.plan.part_bytes(),
            part_count: record.plan.part_count(),
            expires_at: record.expires_at.iso(),
            status: None,
            parts: None,
        }
    }

    /// An upload with what has arrived. An aborted one is not shown.
    pub fn shown(upload: &Upload, upload_id: &str) -> Self {
        let status = match upload.record.state {
            UploadState::Complete { .. } => UploadStatus::Complete,
            UploadState::Open | UploadState::Completing | UploadState::Aborted => UploadStatus::Open,
        };
        let parts = upload.parts().map(|(part_number, etag, size_bytes)| ConfirmedPartJson {
            part_number,
            etag: etag.to_owned(),
            size_bytes,
        });
        Self {
            status: Some(status),
            parts: Some(parts.collect()),
            ..Self::created(&upload.record, upload_id)
        }
    }
}

impl SignedParts {
    /// A URL for each part, made by `sign` from its number and length.
    pub fn new(
        upload: &UploadRecord,
        part_numbers: &[u32],
        expires_at: Timestamp,
        sign: impl Fn(u32, u64) -> String,
    ) -> Self {
        let parts = part_numbers.iter().filter_map(|number| {
            let size_bytes = upload.plan.bytes_of(*number)?;
            Some(SignedPart { part_number: *number, url: sign(*number, size_bytes), size_bytes })
        });
        Self { parts: parts.collect(), expires_at: expires_at.iso() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::object_key::ObjectKey;
    use crate::upload::{ConfirmedPart, PartLayout};
    use serde_json::{json, to_value};

    fn upload(state: UploadState) -> Upload {
        let record = UploadRecord {
            key: ObjectKey::parse_input("input/abc/clip.mp4").unwrap(),
            storage_id: "secret".into(),
            plan: PartLayout::new(12_000_000, Some(5_242_880)).unwrap(),
            etag_changes: 0,
            expires_at: Timestamp(1_769_850_300_250),
            state,
        };
        Upload::new(record, [ConfirmedPart::new(3, "three").unwrap(), ConfirmedPart::new(1, "one").unwrap()])
    }

    #[test]
    fn the_wire_is_pinned() {
        let open = upload(UploadState::Open);
        let facts = json!({"video_key": "input/abc/clip.mp4", "upload_id": "u.m", "size_bytes": 12_000_000,
            "part_size": 5_242_880, "part_count": 3, "expires_at": "2026-01-31T09:05:00.250Z"});
        assert_eq!(to_value(UploadJson::created(&open.record, "u.m")).unwrap(), facts);
        let mut shown = facts;
        shown["status"] = "open".into();
        shown["parts"] = json!([
            {"part_number": 1, "etag": "one", "size_bytes": 5_242_880},
            {"part_number": 3, "etag": "three", "size_bytes": 1_514_240},
        ]);
        assert_eq!(to_value(UploadJson::shown(&open, "u.m")).unwrap(), shown);
        let completing = upload(UploadState::Completing);
        assert_eq!(to_value(UploadJson::shown(&completing, "u.m")).unwrap()["status"], "open");
        let complete = upload(UploadState::Complete { etag: "whole".into() });
        assert_eq!(to_value(UploadJson::shown(&complete, "u.m")).unwrap()["status"], "complete");
        let sign = |n, bytes| format!("https://x/?n={n}&l={bytes}");
        assert_eq!(
            to_value(SignedParts::new(&open.record, &[3, 1], Timestamp(0), sign)).unwrap(),
            json!({"parts": [
                {"part_number": 3, "url": "https://x/?n=3&l=1514240", "size_bytes": 1_514_240},
                {"part_number": 1, "url": "https://x/?n=1&l=5242880", "size_bytes": 5_242_880},
            ], "expires_at": "1970-01-01T00:00:00.000Z"})
        );
    }
}
