//! Uploads: the Worker signs, the bytes go straight to the bucket.

use reel_core::base::id::{JobId, UploadId};
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use reel_core::http::problem::Problem;
use reel_core::http::requests::upload_url::{UploadUrlRequest, size_required};
use reel_core::http::requests::uploads::{CreateUploadRequest, UploadAction};
use reel_core::objects::job::{JobCommand, JobReply};
use reel_core::objects::log_event::LogEvent;
use reel_core::objects::reader::Reader;
use reel_core::objects::upload::{UploadCommand, UploadReply};
use reel_core::upload::{UploadRecord, UploadState};
use reel_core::wire::upload::UploadJson;
use worker::HttpMetadata;

use super::jobs::{find_in_bucket, unavailable};
use super::{HandlerResponse, RequestContext};
use crate::limits;
use crate::objects::upload::UPLOAD_ID_METADATA;
use crate::objects::{call_job, call_upload};
use crate::platform::http::HttpResponse;
use crate::platform::log::log;
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};

/// `POST /api/videos/upload-url`.
pub async fn upload_url(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let request = UploadUrlRequest::parse(&context.call.body(BODY_MAX_BYTES).await?)?;
    let now = clock::now();
    let key = free_input_key(context, request.job_id, &request.filename).await?;
    admit_single_put(context, request.size_bytes).await?;
    let url = context.config.presigner.put(
        &key,
        request.content_type.as_str(),
        request.size_bytes,
        UPLOAD_LIFETIME,
        now,
    );
    context.set_changed(key.as_str().to_owned());
    let body = serde_json::json!({
        "upload_url": url,
        "video_key": key.as_str(),
        "method": "PUT",
        // Part of the signature: to be sent exactly so.
        "headers": { "content-type": request.content_type.as_str() },
        "expires_at": (now + UPLOAD_LIFETIME).iso(),
    });
    Ok(HandlerResponse::Answer(HttpResponse::json(200, body.to_string())))
}

/// Counts what a user is about to send, which the URL then allows and no more.
async fn admit_single_put(context: &RequestContext<'_>, size_bytes: Option<u64>) -> Result<(), Problem> {
    match (context.owner(), size_bytes) {
        (None, _) => Ok(()),
        (Some(_), Some(size_bytes)) => limits::admit_upload(context, size_bytes).await,
        (Some(_), None) => Err(size_required()),
    }
}

/// `POST /api/videos/multipart`.
pub async fn create(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let new = CreateUploadRequest::parse(&context.call.body(BODY_MAX_BYTES).await?)?;
    let id = clock::upload_id();
    let key = free_input_key(context, new.job_id, &new.filename).await?;
    limits::admit_upload(context, new.plan.size_bytes()).await?;
    let bucket = env::videos(context.env)?;
    let creation = bucket
        .create_multipart_upload(key.as_str())
        .http_metadata(HttpMetadata {
            content_type: Some(new.content_type.into()),
            ..HttpMetadata::default()
        })
        .custom_metadata([(UPLOAD_ID_METADATA.to_owned(), id.to_string())])
        .execute();
    let at_bucket =
        with_timeout(BINDING, creation).await.map_err(|cause| unavailable(context, "the bucket", &cause))?;
    let upload = UploadRecord {
        key,
        storage_id: at_bucket.upload_id().await,
        plan: new.plan,
        etag_changes: 0,
        expires_at: clock::now() + context.config.timeouts.upload_ttl,
        state: UploadState::Open,
    };
    let refused = match call_upload(
        context.env,
        id,
        context.subject(),
        &UploadCommand::Create { record: upload.clone() },
    )
    .await
    {
        Ok(UploadReply::Created) => None,
        Ok(other) => Some(other.into_body().err().unwrap_or_else(Problem::internal)),
        Err(problem) => Some(problem),
    };
    if let Some(problem) = refused {
        // Nobody will ever know its name: better gone now than in a week.
        if let Err(cause) = with_timeout(BINDING, at_bucket.abort()).await {
            let detail = format!("an upload that nobody knows of could not be aborted: {cause}");
            log(context.subject(), LogEvent::UploadFailed, &detail);
        }
        return Err(problem);
    }
    context.set_changed(upload.key.as_str().to_owned());
    let created = UploadJson::created(&upload, &context.config.signer.upload_token(id, &upload.key));
    let body = serde_json::to_string(&created).map_err(|_| Problem::internal())?;
    Ok(HandlerResponse::Answer(HttpResponse::json(201, body)))
}

/// The key of a new input. A client that has chosen the job's id may ask again until the video is there;
/// after that, an upload would replace what the job has or will have verified.
async fn free_input_key(
    context: &RequestContext<'_>,
    chosen: Option<JobId>,
    filename: &str,
) -> Result<ObjectKey, Problem> {
    let key = ObjectKey::input(context.owner(), chosen.unwrap_or_else(clock::job_id), filename);
    let Some(job) = chosen else { return Ok(key) };
    if find_in_bucket(context, &key).await?.is_some() {
        return Err(Problem::input_exists());
    }
    match call_job(
        context.env,
        job,
        context.subject(),
        context.visibility(),
        &JobCommand::Get { job_type: None, reader: Reader::Owner },
    )
    .await?
    {
        JobReply::NotFound => Ok(key),
        JobReply::Problem(problem) => Err(problem),
        _ => Err(Problem::input_exists()),
    }
}

/// `/api/videos/multipart/{upload_id}` and below, from a holder of this upload.
pub async fn handle_action(
    context: &RequestContext<'_>,
    id: UploadId,
    token: &str,
    action: UploadAction,
) -> Result<HandlerResponse, Problem> {
    context.set_changed(id.to_string());
    let body = match action {
        UploadAction::Show | UploadAction::Abort => Vec::new(),
        UploadAction::Sign | UploadAction::Confirm | UploadAction::Complete => {
            context.call.body(PARTS_MAX_BYTES).await?
        }
    };
    let reply =
        call_upload(context.env, id, context.subject(), &UploadCommand::act(action, token, &body)?).await?;
    Ok(HandlerResponse::Answer(HttpResponse::json(200, reply.into_body()?)))
}

/// 10,000 parts with their etags.
const PARTS_MAX_BYTES: usize = 1024 * 1024;
const BODY_MAX_BYTES: usize = 16 * 1024;
const UPLOAD_LIFETIME: DurationMs = DurationMs::minutes(60);
