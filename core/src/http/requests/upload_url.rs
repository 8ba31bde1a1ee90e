//! `POST /api/videos/upload-url`.

use serde_json::{Value, json};

use crate::base::id::JobId;
use crate::base::video_type::VideoType;
use crate::http::problem::Problem;
use crate::http::requests::body::{filename, job_id, read_body, video_type};
use crate::json::field_error::{FieldContext, FieldError};
use crate::json::reader::{ObjectReader, integer};

/// `POST /api/videos/upload-url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadUrlRequest {
    /// The name of the user's file.
    pub filename: String,
    /// What it is.
    pub content_type: VideoType,
    /// The exact size, if it is known; at most what one PUT may send.
    pub size_bytes: Option<u64>,
    /// The job that the video is for, if the client has chosen its id.
    pub job_id: Option<JobId>,
}

impl UploadUrlRequest {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, Self::read)
    }

    /// Reads and checks a body that is JSON.
    pub(crate) fn read(body: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(body, at)?;
        let filename = fields.required("filename", filename);
        let content_type = video_type(&mut fields, filename.as_deref());
        let size_bytes = fields.optional("size_bytes", single_put_size);
        let job_id = fields.optional("job_id", job_id);
        fields.finish();
        Some(Self {
            filename: filename?,
            content_type: content_type?,
            size_bytes: size_bytes?.and_then(|size| u64::try_from(size).ok()),
            job_id: job_id?,
        })
    }
}

/// What a user is told who leaves out the size: their uploads are counted.
pub fn size_required() -> Problem {
    let detail = "is required for an upload of a user".to_owned();
    Problem::invalid(vec![FieldError { pointer: "/size_bytes".to_owned(), detail }])
}

/// The size of an upload by a single PUT.
fn single_put_size(value: &Value, mut at: FieldContext<'_>) -> Option<i64> {
    let read = integer(1..=UPLOAD_MAX_BYTES)(value, at.reborrow());
    at.describe(|| json!({"maximum": PUT_MAX_BYTES}));
    match read? {
        size if size > PUT_MAX_BYTES => at.reject(format!(
            "must be at most {PUT_MAX_BYTES} bytes (just under 5 GiB) for a single PUT; use POST /api/videos/multipart for larger files"
        )),
        size => Some(size),
    }
}

/// The largest single PUT: R2 allows 5 MiB less than S3's 5 GiB.
const PUT_MAX_BYTES: i64 = 5115 * 1024 * 1024;

/// The largest upload: 10 GB.
pub const UPLOAD_MAX_BYTES: i64 = 10_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(problem: &Problem) -> Vec<&str> {
        problem.errors.iter().map(|error| error.pointer.as_str()).collect()
    }

    #[test]
    fn only_videos_of_a_valid_size_are_accepted() {
        let parse = |body: Value| UploadUrlRequest::parse(body.to_string().as_bytes());
        let good = parse(json!({"filename": "a.mp4", "content_type": "video/MP4", "job_id": null})).unwrap();
        assert_eq!((good.content_type.as_str(), good.size_bytes), ("video/mp4", None));
        for body in [
            json!({"filename": "a.mkv"}),
            json!({"filename": "a.mkv", "content_type": null}),
            json!({"filename": "a", "content_type": "video/x-matroska;codecs=avc1"}),
        ] {
            assert_eq!(parse(body).unwrap().content_type.as_str(), "video/x-matroska");
        }
        for (body, pointer) in [
            (json!({"filename": "a.mp4", "content_type": "image/png"}), "/content_type"),
            (json!({"filename": "a.mp4", "content_type": "video/"}), "/content_type"),
            (json!({"filename": "a.mp4", "content_type": 7}), "/content_type"),
            (json!({"filename": "a.txt"}), "/content_type"),
            (json!({"filename": "a.txt", "content_type": "application/octet-stream"}), "/content_type"),
            (json!({"filename": "a.mp4", "content_type": "video/mp4\r\nx: y"}), "/content_type"),
            (json!({"filename": "", "content_type": "video/mp4"}), "/filename"),
            (json!({"filename": "a", "content_type": "video/mp4", "size_bytes": 0}), "/size_bytes"),
            (
                json!({"filename": "a", "content_type": "video/mp4", "size_bytes": 10_000_000_001_i64}),
                "/size_bytes",
            ),
            (
                json!({"filename": "a", "content_type": "video/mp4", "size_bytes": 5_363_466_241_i64}),
                "/size_bytes",
            ),
            (json!({"filename": "a", "content_type": "video/mp4", "job_id": "x"}), "/job_id"),
        ] {
            assert_eq!(pointers(&parse(body.clone()).unwrap_err()), [pointer], "{body}");
        }
        let large =
            |size: i64| parse(json!({"filename": "a", "content_type": "video/mp4", "size_bytes": size}));
        assert!(large(5_363_466_240).is_ok());
        assert!(large(5_363_466_241).unwrap_err().detail.contains("POST /api/videos/multipart"));
    }
}
