//! Uploads: the Worker signs, the bytes go straight to the bucket.

use reel_core::intake::UploadRequest;
use reel_core::object_key::ObjectKey;
use reel_core::problem::Problem;
use reel_core::time::Span;

use super::{Reply, Visit};
use crate::clock;
use crate::http::Answer;

/// `POST /api/videos/upload-url`.
pub async fn upload_url(visit: &Visit<'_>) -> Result<Reply, Problem> {
    let request = UploadRequest::parse(&visit.call.body(BODY_MAX_BYTES).await?)?;
    let now = clock::now();
    let key = ObjectKey::input(request.job_id.unwrap_or_else(clock::job_id), &request.filename);
    let url =
        visit.config.presigner.put(&key, &request.content_type, request.size_bytes, UPLOAD_LIFETIME, now);
    let body = serde_json::json!({
        "upload_url": url,
        "video_key": key.as_str(),
        "method": "PUT",
        // Part of the signature: to be sent exactly so.
        "headers": { "content-type": request.content_type },
        "expires_at": (now + UPLOAD_LIFETIME).iso(),
    });
    Ok(Reply::Answer(Answer::json(200, body.to_string())))
}

const BODY_MAX_BYTES: usize = 16 * 1024;
const UPLOAD_LIFETIME: Span = Span::minutes(60);
