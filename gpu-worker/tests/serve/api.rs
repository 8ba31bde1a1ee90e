//! The API, the storage and the webhook receiver of a [`World`](crate::world::World): every call is
//! kept, and answered as the test has asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde_json::json;

use crate::world::{JOB, OUTPUT_KEY, POSTER_KEY, Reply, Seen};

pub fn router(seen: Arc<Seen>) -> Router {
    Router::new()
        .route("/do/secret-token/{action}", post(callback))
        .route("/storage/input", get(get_input))
        .route("/storage/output", put(put_output))
        .route("/storage/poster", put(put_poster))
        .route("/hook/secret-token", post(webhook))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(seen)
}

async fn callback(
    State(seen): State<Arc<Seen>>,
    Path(action): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(what) = ["claim", "progress", "complete", "error"].into_iter().find(|known| *known == action)
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match seen.take(what, headers.clone(), body) {
        Some(Reply::NotApplied) => json!({"success": true, "applied": false}).to_string().into_response(),
        Some(reply) => refuse(reply),
        None if what == "claim" => {
            let host = headers["host"].to_str().unwrap();
            let (kind, params) = seen.granted();
            json!({
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
            })
            .to_string()
            .into_response()
        }
        None => json!({"success": true, "applied": true}).to_string().into_response(),
    }
}

async fn get_input(State(seen): State<Arc<Seen>>, headers: HeaderMap) -> Response {
    let reply = seen.take("get", headers.clone(), Bytes::new());
    let input = seen.input();
    let tag = [("etag", "\"v1\"")];
    let from = headers.get("range").and_then(|range| {
        range.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
    });
    match (reply, from) {
        (Some(Reply::Half), _) => {
            let half = input[..input.len() / 2].to_vec();
            let length = [("content-length", input.len().to_string())];
            let parts = half.chunks(PART_BYTES).map(|part| Ok(Bytes::copy_from_slice(part)));
            let broken = body_of(parts.chain([Err(std::io::Error::other("cut"))]));
            (tag, length, axum::body::Body::from_stream(broken)).into_response()
        }
        (Some(reply), _) => refuse(reply),
        (None, Some(from)) => {
            let range = format!("bytes {from}-{}/{}", input.len() - 1, input.len());
            (StatusCode::PARTIAL_CONTENT, tag, [("content-range", range)], input[from..].to_vec())
                .into_response()
        }
        (None, None) => (tag, input).into_response(),
    }
}

async fn put_output(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    take_put("put", &seen, headers, body)
}

async fn put_poster(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    take_put("poster", &seen, headers, body)
}

fn take_put(what: &'static str, seen: &Seen, headers: HeaderMap, body: Bytes) -> Response {
    // As S3: a chunked upload is refused.
    if headers.get("content-length").is_none() {
        return StatusCode::LENGTH_REQUIRED.into_response();
    }
    seen.take(what, headers, body).map_or_else(|| StatusCode::OK.into_response(), refuse)
}

async fn webhook(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    seen.take("webhook", headers, body).map_or_else(|| StatusCode::OK.into_response(), refuse)
}

fn refuse(reply: Reply) -> Response {
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Html(status) => (StatusCode::from_u16(status).unwrap(), "<html>proxy</html>").into_response(),
        Reply::NotApplied | Reply::Half => unreachable!("handled where it makes sense"),
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
