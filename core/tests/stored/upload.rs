//! What the Durable Object of an upload keeps.

use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::Timestamp;
use reel_core::upload::{PartLayout, UploadRecord, UploadState};

use crate::golden::GoldenFiles;

pub fn pin(golden: &mut GoldenFiles) {
    for (name, stage) in [
        ("open", UploadState::Open),
        ("completing", UploadState::Completing),
        ("complete", UploadState::Complete { etag: "d41d8cd98f00b204e9800998ecf8427e-3".into() }),
        ("aborted", UploadState::Aborted),
        ("changed", UploadState::Open),
    ] {
        let upload = UploadRecord {
            key: ObjectKey::parse_input("input/abc/clip.mp4").expect("a key"),
            storage_id: "AB/cd+e=".into(),
            plan: PartLayout::new(12_000_000, Some(5_242_880)).expect("parts"),
            etag_changes: if name == "changed" { 3 } else { 0 },
            expires_at: Timestamp(1_769_850_300_250),
            state: stage,
        };
        let text = upload.to_stored();
        assert_eq!(UploadRecord::from_stored(&text), Some(upload), "{name}");
        golden.pin(&format!("upload-{name}.json"), &text);
    }
}
