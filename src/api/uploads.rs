//! Uploads: the Worker signs, the bytes go straight to the bucket.

use std::time::Duration;

use reel_core::base::id::UploadId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use reel_core::http::problem::Problem;
use reel_core::http::requests::upload_url::UploadUrlRequest;
use reel_core::http::requests::uploads::{CreateUploadRequest, UploadAction};
use reel_core::upload::{UploadRecord, UploadState};
use reel_core::wire::upload::created_json;
use worker::{HttpMetadata, Method, Request, RequestInit, Response, console_error, js_sys};

use super::jobs::{call_object, forward_response, unavailable};
use super::{HandlerResponse, RequestContext};
use crate::objects::upload::{CREATE, UPLOAD_ID_METADATA};
use crate::platform::http::HttpResponse;
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};

/// `POST /api/videos/upload-url`.
pub async fn upload_url(visit: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let request = UploadUrlRequest::parse(&visit.call.body(BODY_MAX_BYTES).await?)?;
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
    Ok(HandlerResponse::Answer(HttpResponse::json(200, body.to_string())))
}

/// `POST /api/videos/multipart`.
pub async fn create(visit: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let new = CreateUploadRequest::parse(&visit.call.body(BODY_MAX_BYTES).await?)?;
    let id = clock::upload_id();
    let key = ObjectKey::input(new.job_id.unwrap_or_else(clock::job_id), &new.filename);
    let bucket = env::videos(visit.env)?;
    let creation = bucket
        .create_multipart_upload(key.as_str())
        .http_metadata(HttpMetadata { content_type: Some(new.content_type), ..HttpMetadata::default() })
        .custom_metadata([(UPLOAD_ID_METADATA.to_owned(), id.to_string())])
        .execute();
    let at_bucket =
        with_timeout(BINDING, creation).await.map_err(|cause| unavailable("the bucket", &cause))?;
    let upload = UploadRecord {
        key,
        storage_id: at_bucket.upload_id().await,
        plan: new.plan,
        expires_at: clock::now() + visit.config.timeouts.upload_ttl,
        state: UploadState::Open,
    };
    let told = ask(visit, id, &format!("{CREATE}/{}", visit.request_id), upload.to_stored().as_bytes()).await;
    match told {
        Ok(answer) if answer.status_code() == 201 => {}
        refused => {
            // Nobody will ever know its name: better gone now than in a week.
            if let Err(cause) = with_timeout(BINDING, at_bucket.abort()).await {
                console_error!(
                    "{} an upload that was never told could not be aborted: {cause}",
                    visit.request_id
                );
            }
            return forward_response(refused?).await;
        }
    }
    let token = visit.config.signer.upload_token(id, &upload.key);
    Ok(HandlerResponse::Answer(HttpResponse::json(201, created_json(&upload, &token))))
}

/// `/api/videos/multipart/{upload_id}` and below, from a holder of this upload.
pub async fn handle_action(
    visit: &RequestContext<'_>,
    id: UploadId,
    token: &str,
    verb: UploadAction,
) -> Result<HandlerResponse, Problem> {
    let body = match verb {
        UploadAction::Show | UploadAction::Abort => Vec::new(),
        UploadAction::Sign | UploadAction::Confirm | UploadAction::Complete => {
            visit.call.body(PARTS_MAX_BYTES).await?
        }
    };
    let path = format!("{}/{}/{token}", verb.as_str(), visit.request_id);
    forward_response(ask(visit, id, &path, &body).await?).await
}

async fn ask(visit: &RequestContext<'_>, id: UploadId, path: &str, body: &[u8]) -> Result<Response, Problem> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(js_sys::Uint8Array::from(body).into()));
    let request = Request::new_with_init(&format!("https://upload/{path}"), &init);
    call_object(&env::uploads(visit.env)?, &id.to_string(), request, OBJECT_ANSWERS_WITHIN).await
}

/// 1 MiB (design.md 3): 10,000 parts with their tags.
const PARTS_MAX_BYTES: usize = 1024 * 1024;
/// A completion asks the bucket twice, and may have to wait for another one's end.
const OBJECT_ANSWERS_WITHIN: Duration = Duration::from_mins(1);
const BODY_MAX_BYTES: usize = 16 * 1024;
const UPLOAD_LIFETIME: DurationMs = DurationMs::minutes(60);
