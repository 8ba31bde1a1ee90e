//! Uploads and downloads over a real connection that breaks.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod test_server;

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, put};
use futures_util::{StreamExt as _, stream};
use reel_client::{CapabilityUrl, Error, UploadTarget};
use serde_json::json;
use test_server::TestServer;
use tokio::sync::Notify;

const VIDEO: &[u8] = b"twenty bytes of video, nearly";
const ETAG: &str = "\"v1\"";

/// The storage's response to a GET, with Range and If-Range; `cut` sends seven bytes and breaks the connection
/// once they have arrived.
fn object(headers: &HeaderMap, etag: &str, cut: Option<Arc<Notify>>) -> Response {
    let range = headers.get("range").map(|range| range.to_str().unwrap().to_owned());
    let same = headers.get("if-range").is_none_or(|known| known == etag);
    let start = range.filter(|_| same).map_or(0, |range| {
        range
            .strip_prefix("bytes=")
            .and_then(|range| range.strip_suffix('-'))
            .unwrap()
            .parse::<usize>()
            .unwrap()
    });
    if start >= VIDEO.len() {
        let whole = [("content-range", format!("bytes */{}", VIDEO.len()))];
        return (StatusCode::RANGE_NOT_SATISFIABLE, whole).into_response();
    }
    let rest = &VIDEO[start..];
    let body = match cut {
        None => Body::from(rest),
        Some(arrived) => Body::from_stream(stream::iter([Ok(Bytes::from_static(&rest[..7]))]).chain(
            stream::once(async move {
                arrived.notified().await;
                Err(std::io::Error::other("the connection broke"))
            }),
        )),
    };
    let response = Response::builder().header("etag", etag).header("content-length", rest.len());
    let response = if start == 0 {
        response
    } else {
        let range = format!("bytes {start}-{}/{}", VIDEO.len() - 1, VIDEO.len());
        response.status(StatusCode::PARTIAL_CONTENT).header("content-range", range)
    };
    response.body(body).unwrap()
}

fn file_names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_upload_sends_its_exact_length_and_the_signed_headers_but_no_key() {
    let request = Arc::new(Mutex::new(None));
    let sink = Arc::clone(&request);
    let server = TestServer::start(Router::new().route(
        "/bucket/clip",
        put(async move |headers: HeaderMap, body: Bytes| {
            *sink.lock().unwrap() = Some((headers, body));
        }),
    ))
    .await;
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    std::fs::write(&clip, VIDEO).unwrap();
    let target: UploadTarget = serde_json::from_value(json!({
        "upload_url": format!("{}/bucket/clip?X-Amz-Signature=abc", server.origin), "video_key": "input/a/clip.mp4",
        "headers": {"Content-Type": "video/mp4", "Content-Length": VIDEO.len().to_string(), "x-amz-meta-job": "7"}
    }))
    .unwrap();

    let sent = Arc::new(AtomicU64::new(0));
    let bar = Arc::clone(&sent);
    server.client().upload(&target, &clip, move |bytes| bar.store(bytes, Ordering::SeqCst)).await.unwrap();

    let (headers, body) = request.lock().unwrap().take().unwrap();
    assert_eq!(body, VIDEO);
    assert_eq!(sent.load(Ordering::SeqCst), VIDEO.len() as u64);
    assert_eq!(headers["content-length"], VIDEO.len().to_string());
    assert_eq!(headers.get_all("content-length").iter().count(), 1);
    assert_eq!(
        (&headers["content-type"], &headers["x-amz-meta-job"]),
        (&"video/mp4".parse().unwrap(), &"7".parse().unwrap())
    );
    assert!(!headers.contains_key("transfer-encoding") && !headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_refused_upload_shows_the_reason_of_the_storage_but_not_the_url() {
    let s3_error = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    let server =
        TestServer::start(Router::new().fallback(put(async move || (StatusCode::FORBIDDEN, s3_error)))).await;
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    std::fs::write(&clip, VIDEO).unwrap();
    let target = serde_json::from_value(json!({
        "upload_url": format!("{}/b?X-Amz-Signature=abc", server.origin), "video_key": "k"
    }))
    .unwrap();
    let error = server.client().upload(&target, &clip, |_| ()).await.unwrap_err();
    assert_eq!(error.to_string(), "The storage refused the upload (403: AccessDenied, Request has expired)");
}

#[tokio::test]
async fn an_interrupted_download_is_resumed_where_it_stopped() {
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&ranges);
    let arrived = Arc::new(Notify::new());
    let breaks = Arc::clone(&arrived);
    let server = TestServer::start(Router::new().route(
        "/reel",
        get(async move |headers: HeaderMap| {
            let mut ranges = sink.lock().unwrap();
            ranges.push(headers.get("range").map(|range| range.to_str().unwrap().to_owned()));
            object(&headers, ETAG, (ranges.len() <= 2).then(|| Arc::clone(&breaks)))
        }),
    ))
    .await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("reel.mp4");
    let url = CapabilityUrl::new(format!("{}/reel?X-Amz-Signature=abc", server.origin));
    let reports = Mutex::new(Vec::new());
    let client = server.client();
    let bytes = client.download(&url, &out, |done, total| {
        let mut reports = reports.lock().unwrap();
        if reports.iter().all(|(before, _)| *before < done) && done > 0 {
            arrived.notify_one();
        }
        reports.push((done, total));
    });
    let bytes = bytes.await;

    assert_eq!(bytes.unwrap(), VIDEO.len() as u64);
    assert_eq!(std::fs::read(&out).unwrap(), VIDEO);
    assert_eq!(*ranges.lock().unwrap(), [None, Some("bytes=7-".into()), Some("bytes=14-".into())]);
    assert_eq!(file_names(folder.path()), ["reel.mp4"]);
    let reports = reports.into_inner().unwrap();
    assert!(
        reports.is_sorted() && reports.iter().all(|(_, total)| *total == Some(VIDEO.len() as u64)),
        "{reports:?}"
    );
}

#[tokio::test]
async fn an_unfinished_download_is_resumed_only_from_the_same_object() {
    let server = TestServer::start(
        Router::new().route("/reel", get(async |headers: HeaderMap| object(&headers, ETAG, None))),
    )
    .await;
    for (etag, part) in
        [(ETAG, &VIDEO[..9]), (ETAG, VIDEO), ("\"old\"", &b"something else"[..]), ("", &b"orphan"[..])]
    {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("reel.mp4");
        std::fs::write(folder.path().join("reel.mp4.part"), part).unwrap();
        std::fs::write(folder.path().join("reel.mp4.part.etag"), etag).unwrap();
        let url = CapabilityUrl::new("/reel");
        server.client().download(&url, &out, |_, _| ()).await.unwrap();
        assert_eq!(std::fs::read(&out).unwrap(), VIDEO, "{etag}");
        assert_eq!(file_names(folder.path()), ["reel.mp4"]);
    }
}

/// The two files of an unfinished download, as earlier versions of `reel` wrote them.
const STORED_PART: &[u8] = include_bytes!("stored/reel.mp4.part");
const STORED_ETAG: &[u8] = include_bytes!("stored/reel.mp4.part.etag");

#[tokio::test]
async fn the_stored_form_of_an_unfinished_download_is_read_and_written_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("reel.mp4");
    let part = folder.path().join("reel.mp4.part");
    let etag = folder.path().join("reel.mp4.part.etag");
    // Written: the connection breaks after seven bytes, and then the URL has expired.
    let arrived = Arc::new(Notify::new());
    let breaks = Arc::clone(&arrived);
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let server = TestServer::start(Router::new().route(
        "/reel",
        get(async move |headers: HeaderMap| match count.fetch_add(1, Ordering::SeqCst) {
            0 => object(&headers, ETAG, Some(breaks)),
            _ => StatusCode::FORBIDDEN.into_response(),
        }),
    ))
    .await;
    let url = CapabilityUrl::new("/reel");
    server.client().download(&url, &out, |_, _| arrived.notify_one()).await.unwrap_err();
    assert_eq!(std::fs::read(&etag).unwrap(), STORED_ETAG);
    assert_eq!(std::fs::read(&part).unwrap(), STORED_PART);
    assert_eq!(file_names(folder.path()), ["reel.mp4.part", "reel.mp4.part.etag"]);

    // Read: what is missing is asked for, with the entity tag.
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&ranges);
    let server = TestServer::start(Router::new().route(
        "/reel",
        get(async move |headers: HeaderMap| {
            sink.lock().unwrap().push((headers["range"].clone(), headers["if-range"].clone()));
            object(&headers, ETAG, None)
        }),
    ))
    .await;
    std::fs::write(&part, STORED_PART).unwrap();
    std::fs::write(&etag, STORED_ETAG).unwrap();
    server.client().download(&url, &out, |_, _| ()).await.unwrap();
    assert_eq!(std::fs::read(&out).unwrap(), VIDEO);
    assert_eq!(*ranges.lock().unwrap(), [("bytes=7-".parse().unwrap(), ETAG.parse().unwrap())]);
}

#[tokio::test]
async fn the_key_is_sent_to_routes_of_the_api_and_not_with_a_presigned_url() {
    let keyed =
        async |headers: HeaderMap| (StatusCode::OK, headers.contains_key("authorization").to_string());
    let router = Router::new().route("/api/videos/download/x", get(keyed)).route("/bucket/x", get(keyed));
    let server = TestServer::start(router).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("reel.mp4");
    for (path, expected) in [("/api/videos/download/x", "true"), ("/bucket/x?X-Amz-Signature=abc", "false")] {
        server.client().download(&CapabilityUrl::new(path), &out, |_, _| ()).await.unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), expected, "{path}");
    }
}

#[tokio::test]
async fn a_rejected_url_is_not_retried() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    let server = TestServer::start(Router::new().fallback(get(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        StatusCode::FORBIDDEN
    })))
    .await;
    let folder = tempfile::tempdir().unwrap();
    let url = CapabilityUrl::new("/reel");
    let error = server.client().download(&url, &folder.path().join("r.mp4"), |_, _| ()).await.unwrap_err();
    assert!(matches!(error, Error::Storage { status: 403, .. }), "{error}");
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    assert!(file_names(folder.path()).is_empty());
}
