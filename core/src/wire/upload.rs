//! Answers about uploads, as JSON. Etags and our own ids need no escaping: their types see to it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::base::time::Timestamp;
use crate::http::problem::Problem;
use crate::upload::{Upload, UploadRecord, UploadState, aborted};

/// 201 to `POST /api/videos/multipart`.
pub fn created_json(upload: &UploadRecord, upload_id: &str) -> String {
    format!("{{{}}}", head_fields(upload, upload_id))
}

/// 200 to `GET .../parts`.
///
/// # Errors
/// 404 once it is aborted.
pub fn upload_json(ledger: &Upload, upload_id: &str) -> Result<String, Problem> {
    let status = match ledger.upload.state {
        UploadState::Complete { .. } => "complete",
        UploadState::Open | UploadState::Completing => "open",
        UploadState::Aborted => return Err(aborted()),
    };
    let facts = head_fields(&ledger.upload, upload_id);
    let mut json = format!("{{{facts},\"status\":\"{status}\",\"parts\":[");
    for (index, (number, etag, bytes)) in ledger.parts().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ =
            write!(json, "{comma}{{\"part_number\":{number},\"etag\":\"{etag}\",\"size_bytes\":{bytes}}}");
    }
    json.push_str("]}");
    Ok(json)
}

/// 200 to `POST .../parts`: a URL for each part, made by `sign` from its number and length.
pub fn signed_json(
    upload: &UploadRecord,
    numbers: &[u32],
    expires_at: Timestamp,
    sign: impl Fn(u32, u64) -> String,
) -> String {
    let mut json = "{\"parts\":[".to_owned();
    let parts = numbers.iter().filter_map(|number| Some((*number, upload.plan.bytes_of(*number)?)));
    for (index, (number, bytes)) in parts.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let url = Value::String(sign(number, bytes));
        let _ = write!(json, "{comma}{{\"part_number\":{number},\"url\":{url},\"size_bytes\":{bytes}}}");
    }
    let _ = write!(json, "],\"expires_at\":\"{expires_at}\"}}");
    json
}

/// 200 to `PUT .../parts`.
pub fn confirmed_json(ledger: &Upload) -> String {
    format!("{{\"confirmed\":{}}}", ledger.confirmed())
}

/// 200 to `POST .../complete`.
pub fn completed_json(upload: &UploadRecord, etag: &str) -> String {
    let (key, size, etag) = (&upload.key, upload.plan.size_bytes(), Value::from(etag));
    format!("{{\"video_key\":\"{key}\",\"size_bytes\":{size},\"etag\":{etag}}}")
}

fn head_fields(upload: &UploadRecord, upload_id: &str) -> String {
    let UploadRecord { key, plan, expires_at, .. } = upload;
    let (id, size, part, count) =
        (Value::from(upload_id), plan.size_bytes(), plan.part_bytes(), plan.part_count());
    format!(
        "\"video_key\":\"{key}\",\"upload_id\":{id},\"size_bytes\":{size},\"part_size\":{part},\
         \"part_count\":{count},\"expires_at\":\"{expires_at}\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::object_key::ObjectKey;
    use crate::upload::{ConfirmedPart, PartLayout};
    use serde_json::json;

    fn ledger(stage: UploadState) -> Upload {
        let upload = UploadRecord {
            key: ObjectKey::parse_input("input/abc/clip.mp4").unwrap(),
            storage_id: "secret".into(),
            plan: PartLayout::new(12_000_000, Some(5_242_880)).unwrap(),
            expires_at: Timestamp(1_769_850_300_250),
            state: stage,
        };
        Upload::new(upload, [ConfirmedPart::new(3, "three").unwrap(), ConfirmedPart::new(1, "one").unwrap()])
    }

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_wire_is_pinned() {
        let open = ledger(UploadState::Open);
        let facts = json!({"video_key": "input/abc/clip.mp4", "upload_id": "u.m", "size_bytes": 12_000_000,
            "part_size": 5_242_880, "part_count": 3, "expires_at": "2026-01-31T09:05:00.250Z"});
        assert_eq!(json(&created_json(&open.upload, "u.m")), facts);
        let mut shown = facts;
        shown["status"] = "open".into();
        shown["parts"] = json!([
            {"part_number": 1, "etag": "one", "size_bytes": 5_242_880},
            {"part_number": 3, "etag": "three", "size_bytes": 1_514_240},
        ]);
        assert_eq!(json(&upload_json(&open, "u.m").unwrap()), shown);
        assert_eq!(json(&confirmed_json(&open)), json!({"confirmed": 2}));
        let complete = ledger(UploadState::Complete { etag: "w\"hole".into() });
        assert_eq!(json(&upload_json(&complete, "u.m").unwrap())["status"], "complete");
        assert_eq!(
            json(&completed_json(&complete.upload, "w\"hole")),
            json!({"video_key": "input/abc/clip.mp4", "size_bytes": 12_000_000, "etag": "w\"hole"})
        );
        assert!(upload_json(&ledger(UploadState::Aborted), "u.m").is_err());
        let signed = signed_json(&open.upload, &[3, 1], Timestamp(0), |n, bytes| {
            format!("https://x/?n={n}&l={bytes}")
        });
        assert_eq!(
            json(&signed),
            json!({"parts": [
                {"part_number": 3, "url": "https://x/?n=3&l=1514240", "size_bytes": 1_514_240},
                {"part_number": 1, "url": "https://x/?n=1&l=5242880", "size_bytes": 5_242_880},
            ], "expires_at": "1970-01-01T00:00:00.000Z"})
        );
    }
}
