//! Downloads: stored videos, whole or in part, from the bucket's binding to the client.
//!
//! Invariant: no byte of a video comes through wasm. The bucket's stream is the answer's body.

use reel_core::base::http_date::http_date;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::percent::decode_query;
use reel_core::base::time::Timestamp;
use reel_core::http::access::{KeyAccess, key_access};
use reel_core::http::download::{
    Conditions, Disposition, DispositionType, DownloadDecision, ObjectMeta, RangeRequest, ReadPlan,
    cache_control, disposition_of, served_type,
};
use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::http::response_headers::ContentKind;
use reel_core::objects::log_event::LogEvent;
use reel_core::objects::reader::Reader;
use reel_core::sql::references::select_reference;
use worker::{Bucket, Object, Range, ResponseBody, web_sys};

use super::jobs::{unavailable, verified_etag};
use super::{HandlerResponse, RequestContext};
use crate::index;
use crate::platform::env;
use crate::platform::http::HttpResponse;
use crate::platform::log::log;
use crate::platform::timeout::{BINDING, with_timeout};

/// `GET` and `HEAD /api/videos/download/{key}`.
///
/// One question to the index, or to the job of a result, and mostly one look at the bucket. A second look is
/// needed where only the video's size or tag tells what to send. Of a result only the version is sent that was
/// verified: a GPU worker's URL outlives its job.
pub async fn download(
    context: &RequestContext<'_>,
    key: &ObjectKey,
    head_only: bool,
) -> Result<HandlerResponse, Problem> {
    let verified = downloadable_etag(context, key).await?;
    let conditions = Conditions::read(head_only, |name| context.call.header(name));
    let bucket = env::videos(context.env)?;
    let mut look = conditions.initial_read();
    for _ in 0..MAX_READS {
        let mut seen = match with_timeout(BINDING, read_object(&bucket, key, look)).await {
            Ok(seen) => seen.ok_or_else(Problem::video_not_found)?,
            Err(cause) => {
                // The bucket refuses a slice that does not exist, as it fails: only the size tells which.
                let ReadPlan::Body(Some(_)) = look else {
                    return Err(unavailable(context, "the bucket", &cause));
                };
                look = ReadPlan::Head;
                continue;
            }
        };
        if !verified.is_empty() && seen.stored.etag != verified {
            seen.discard();
            return Err(Problem::video_not_found());
        }
        let decision = conditions.decide(&seen.stored);
        let next = match decision {
            DownloadDecision::Whole => ReadPlan::Body(None),
            DownloadDecision::Part(part) => ReadPlan::Body(Some(part.into())),
            DownloadDecision::NotModified
            | DownloadDecision::PreconditionFailed
            | DownloadDecision::Unsatisfiable => ReadPlan::Head,
        };
        let enough = head_only || look.satisfies(decision, seen.stored.size_bytes);
        if next == ReadPlan::Head || !enough {
            seen.discard();
        }
        if next == ReadPlan::Head || enough {
            return Ok(HandlerResponse::Answer(seen.answer(decision, context, key)));
        }
        look = next;
    }
    log(context.subject(), LogEvent::RequestFailed, "the bucket refuses a range that it has");
    Err(Problem::internal())
}

/// What the bucket showed.
struct BucketObject {
    stored: ObjectMeta,
    content_type: Option<String>,
    stream: Option<web_sys::ReadableStream>,
}

/// `None` when there is no such object.
async fn read_object(
    bucket: &Bucket,
    key: &ObjectKey,
    look: ReadPlan,
) -> worker::Result<Option<BucketObject>> {
    let object = match look {
        ReadPlan::Head => bucket.head(key.as_str()).await?,
        ReadPlan::Body(None) => bucket.get(key.as_str()).execute().await?,
        ReadPlan::Body(Some(slice)) => bucket.get(key.as_str()).range(range(slice)).execute().await?,
    };
    let Some(object) = object else { return Ok(None) };
    let stream = if look == ReadPlan::Head { None } else { stream(&object)? };
    Ok(Some(BucketObject {
        stored: ObjectMeta {
            size_bytes: object.size(),
            etag: object.http_etag(),
            modified: Timestamp(i64::try_from(object.uploaded().as_millis()).unwrap_or(i64::MAX)),
        },
        content_type: object.http_metadata().content_type,
        stream,
    }))
}

impl BucketObject {
    fn answer(
        self,
        decision: DownloadDecision,
        context: &RequestContext<'_>,
        key: &ObjectKey,
    ) -> HttpResponse {
        let size = self.stored.size_bytes;
        let media_type = served_type(self.content_type.as_deref());
        let refused =
            |code, sentence: &str| HttpResponse::problem(&Problem::new(code, sentence), context.request_id);
        let bytes = |count: u64, stream| {
            HttpResponse::media(decision.status(), media_type, stream)
                .with("content-length", count.to_string())
                .with("content-disposition", disposition(context, key, media_type).header())
        };
        let answer = match decision {
            DownloadDecision::Whole => bytes(size, self.stream),
            DownloadDecision::Part(part) => {
                bytes(part.length(), self.stream).with("content-range", part.content_range(size))
            }
            DownloadDecision::NotModified => HttpResponse::empty(decision.status(), ContentKind::Media),
            DownloadDecision::PreconditionFailed => {
                return refused(
                    ProblemCode::PreconditionFailed,
                    "The video has changed since the version named by If-Match or If-Unmodified-Since. Request it again without that header.",
                );
            }
            DownloadDecision::Unsatisfiable => {
                return refused(
                    ProblemCode::RangeNotSatisfiable,
                    "The requested range starts beyond the end of the video; Content-Range gives its size.",
                )
                .with("content-range", format!("bytes */{size}"));
            }
        };
        answer
            .with("accept-ranges", "bytes")
            .with("etag", self.stored.etag)
            .with("last-modified", http_date(self.stored.modified))
            .with("cache-control", cache_control(key))
    }

    /// The bucket need not send what nobody reads.
    fn discard(&mut self) {
        if let Some(stream) = self.stream.take() {
            let _cancelled = stream.cancel();
        }
    }
}

/// The tag that a key must have to be sent; empty when any will do. The job itself knows of its result, and
/// the index of what else has a name: inputs, and results that outlive their job.
async fn downloadable_etag(context: &RequestContext<'_>, key: &ObjectKey) -> Result<String, Problem> {
    if key_access(key, context.visibility()) == KeyAccess::Hidden {
        return Err(Problem::video_not_found());
    }
    if let Some(job) = key.output_of()
        && let Some(etag) = verified_etag(context, job, key).await?
    {
        return Ok(etag);
    }
    if context.reader() == Reader::Owner && is_in_index(context, key).await? {
        return Ok(String::new());
    }
    Err(Problem::video_not_found())
}

async fn is_in_index(context: &RequestContext<'_>, key: &ObjectKey) -> Result<bool, Problem> {
    let database = env::database(context.env)?;
    let reference = select_reference(key.as_str(), context.visibility());
    let named = index::query(&database, reference).await;
    Ok(!named.map_err(|cause| unavailable(context, "the index", &cause))?.is_empty())
}

fn disposition(context: &RequestContext<'_>, key: &ObjectKey, media_type: &str) -> Disposition {
    let requested = if context.call.query("inline") == Some("1") {
        DispositionType::Inline
    } else {
        DispositionType::Attachment
    };
    let wish = context.call.query("filename").and_then(decode_query);
    Disposition::new(disposition_of(media_type, requested), key, wish.as_deref())
}

fn range(slice: RangeRequest) -> Range {
    // JavaScript's numbers end at 2^53, and no video comes near.
    let number = |count: u64| count.min((1 << 53) - 1);
    match slice {
        RangeRequest::From { first, length: None } => Range::OffsetToEnd { offset: number(first) },
        RangeRequest::From { first, length: Some(length) } => {
            Range::OffsetWithLength { offset: number(first), length: number(length.get()) }
        }
        RangeRequest::Last { count } => Range::Suffix { suffix: number(count) },
    }
}

fn stream(object: &Object) -> worker::Result<Option<web_sys::ReadableStream>> {
    let Some(body) = object.body() else { return Ok(None) };
    match body.response_body()? {
        ResponseBody::Stream(stream) => Ok(Some(stream)),
        ResponseBody::Body(_) | ResponseBody::Empty => Ok(None),
    }
}

/// A slice that is refused, a look at the size, and the exact part.
const MAX_READS: usize = 3;
