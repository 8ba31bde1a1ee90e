//! The API, the storage and the webhook receiver of a test: every call is recorded, and answered as the
//! test has set.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde_json::{Value, json};

use crate::call_log::{CallLog, ScriptedReply};
use crate::test_backend::{JOB, OUTPUT_KEY, POSTER_KEY};

pub fn router(log: Arc<CallLog>) -> Router {
    Router::new()
        .route("/do/secret-token/{action}", post(callback))
        .route("/attempt/{action}", post(callback_by_header))
        .route("/storage/input", get(get_input))
        .route("/storage/output", put(put_output))
        .route("/storage/poster", put(put_poster))
        .route("/hook/secret-token", post(webhook))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(log)
}

async fn callback_by_header(
    log: State<Arc<CallLog>>,
    action: Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if headers.get("authorization").is_none_or(|token| token != "Bearer secret-token") {
        return StatusCode::FORBIDDEN.into_response();
    }
    callback(log, action, headers, body).await
}

async fn callback(
    State(log): State<Arc<CallLog>>,
    Path(action): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(what) = ["claim", "progress", "complete", "error"].into_iter().find(|known| *known == action)
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match log.record(what, headers.clone(), body) {
        Some(ScriptedReply::NotApplied) => {
            json!({"success": true, "applied": false}).to_string().into_response()
        }
        Some(reply) => refuse(reply),
        None if what == "claim" => {
            let host = headers["host"].to_str().unwrap();
            let (kind, params) = log.granted();
            let mut grant = json!({
                "applied": true, "job_id": JOB, "attempt": 1, "type": kind, "params": params,
                "input_url": format!("http://{host}/storage/input?X-Amz-Signature=secret"),
                "output": {
                    "url": format!("http://{host}/storage/output?X-Amz-Signature=secret"),
                    "key": OUTPUT_KEY,
                    "content_type": "video/mp4",
                },
                "poster": {
                    "url": format!("http://{host}/storage/poster?X-Amz-Signature=secret"),
                    "key": POSTER_KEY,
                    "content_type": "image/jpeg",
                },
            });
            // Members of objects are added one by one.
            for (name, more) in log.granted_more().as_object().into_iter().flatten() {
                match (&mut grant[name], more) {
                    (Value::Object(known), Value::Object(more)) => known.extend(more.clone()),
                    (known, more) => *known = more.clone(),
                }
            }
            grant.to_string().replace("STORAGE", &format!("http://{host}/storage")).into_response()
        }
        None => json!({"success": true, "applied": true}).to_string().into_response(),
    }
}

async fn get_input(State(log): State<Arc<CallLog>>, headers: HeaderMap) -> Response {
    let reply = log.record("get", headers.clone(), Bytes::new());
    let input = log.input();
    let tag = [("etag", "\"v1\"")];
    let wanted = headers.get("if-match").map(|wanted| wanted.to_str().unwrap());
    if wanted.is_some_and(|wanted| wanted != "\"v1\"") {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let range = headers.get("range").map(|range| parsed_range(range.to_str().unwrap(), input.len()));
    if let Some(ScriptedReply::Whole) = reply {
        return (tag, input).into_response();
    }
    let (status, part) = match &range {
        Some(range) => (StatusCode::PARTIAL_CONTENT, input.slice(range.clone())),
        None => (StatusCode::OK, input.clone()),
    };
    let range = range
        .map(|range| [("content-range", format!("bytes {}-{}/{}", range.start, range.end - 1, input.len()))]);
    match reply {
        Some(ScriptedReply::Half) => {
            let length = [("content-length", part.len().to_string())];
            let half = part.slice(..part.len() / 2);
            let parts = half.chunks(PART_BYTES).map(|part| Ok(Bytes::copy_from_slice(part)));
            let broken = body_of(parts.chain([Err(std::io::Error::other("cut"))]));
            (status, tag, length, range, axum::body::Body::from_stream(broken)).into_response()
        }
        Some(reply) => refuse(reply),
        None => (status, tag, range, part).into_response(),
    }
}

/// A range as `bytes=5-` or `bytes=5-9`.
fn parsed_range(range: &str, length: usize) -> std::ops::Range<usize> {
    let (start, end) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let end = if end.is_empty() { length } else { (end.parse::<usize>().unwrap() + 1).min(length) };
    start.parse().unwrap()..end
}

async fn put_output(State(log): State<Arc<CallLog>>, headers: HeaderMap, body: Bytes) -> Response {
    record_put("put", &log, headers, body)
}

async fn put_poster(State(log): State<Arc<CallLog>>, headers: HeaderMap, body: Bytes) -> Response {
    record_put("poster", &log, headers, body)
}

fn record_put(what: &'static str, log: &CallLog, headers: HeaderMap, body: Bytes) -> Response {
    // As S3: a chunked upload is refused.
    if headers.get("content-length").is_none() {
        return StatusCode::LENGTH_REQUIRED.into_response();
    }
    log.record(what, headers, body).map_or_else(|| StatusCode::OK.into_response(), refuse)
}

async fn webhook(State(log): State<Arc<CallLog>>, headers: HeaderMap, body: Bytes) -> Response {
    log.record("webhook", headers, body).map_or_else(|| StatusCode::OK.into_response(), refuse)
}

fn refuse(reply: ScriptedReply) -> Response {
    match reply {
        ScriptedReply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        ScriptedReply::Html(status) => {
            (StatusCode::from_u16(status).unwrap(), "<html>proxy</html>").into_response()
        }
        ScriptedReply::Endless => {
            let filler = std::iter::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&BLANKS)));
            axum::body::Body::from_stream(body_of(filler.take(ENDLESS_PARTS))).into_response()
        }
        ScriptedReply::NotApplied | ScriptedReply::Half | ScriptedReply::Whole => {
            unreachable!("handled where it makes sense")
        }
    }
}

/// A stream of ready items, each after the one before has been written.
fn body_of(
    items: impl Iterator<Item = Result<Bytes, std::io::Error>>,
) -> tokio_util::io::ReaderStream<Box<dyn tokio::io::AsyncRead + Send + Unpin>> {
    struct Steps(VecDeque<Result<Bytes, std::io::Error>>, bool);
    impl tokio::io::AsyncRead for Steps {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            context: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            // Once around the runtime, so that what was read before is on the wire first.
            self.1 = !self.1;
            if self.1 {
                context.waker().wake_by_ref();
                return std::task::Poll::Pending;
            }
            match self.0.pop_front() {
                Some(Ok(bytes)) => buffer.put_slice(&bytes),
                Some(Err(error)) => return std::task::Poll::Ready(Err(error)),
                None => {}
            }
            std::task::Poll::Ready(Ok(()))
        }
    }
    tokio_util::io::ReaderStream::with_capacity(Box::new(Steps(items.collect(), false)), PART_BYTES)
}

const PART_BYTES: usize = 1 << 16;
static BLANKS: [u8; PART_BYTES] = [b' '; PART_BYTES];
/// 600 MB.
const ENDLESS_PARTS: usize = 600 << 4;
