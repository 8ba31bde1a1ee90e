//! The API's upload routes and a storage behind them, in memory, with faults that a test injects.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use futures_util::StreamExt as _;
use md5::{Digest as _, Md5};
use reel_client::{CreateUpload, MultipartUpload, VideoFile};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::test_server::TestServer;

/// What goes wrong with a request for one part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StorageFault {
    /// This status; 503 comes with `Retry-After: 0`.
    Status(u16),
    /// The connection ends after the first bytes.
    Broken,
    /// The bytes arrive, but the MD5 in the response is that of other bytes.
    WrongChecksum,
    /// The bytes arrive, but the response is lost.
    ResponseLost,
    /// Nothing more is read until [`FakeStorage::release`].
    Held,
}

/// What was requested and what has arrived.
#[derive(Default)]
pub struct FakeStorageState {
    pub size_bytes: u64,
    pub part_size: u64,
    /// The upload was aborted or has expired.
    pub gone: bool,
    pub complete: bool,
    pub created: usize,
    /// The last content of each part, and how often the part was accepted.
    pub parts: BTreeMap<u32, (Vec<u8>, usize)>,
    pub confirmed: BTreeMap<u32, String>,
    /// The part numbers of each call.
    pub signed: Vec<Vec<u32>>,
    pub confirms: Vec<Vec<u32>>,
    /// Faults of the next requests, by part; part 0 is the upload in one request.
    pub faults: BTreeMap<u32, VecDeque<StorageFault>>,
    pub puts_now: usize,
    pub puts_max: usize,
    /// The server loses this confirmed part before it completes the upload.
    pub loses_part: Option<u32>,
    pub in_one_request: Option<Vec<u8>>,
}

#[derive(Clone)]
pub struct FakeStorage {
    state: Arc<Mutex<FakeStorageState>>,
    held: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

pub const KEY: &str = "input/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/clip.mp4";
/// Token and key are in headers.
const PART: &str = "/api/videos/multipart/-";

impl FakeStorage {
    pub fn new() -> Self {
        let (held, _) = watch::channel(0);
        let (released, _) = watch::channel(false);
        Self { state: Arc::default(), held, released }
    }

    pub async fn serve(&self) -> TestServer {
        let router = Router::new()
            .route("/api/videos/multipart", post(create))
            .route(PART, delete(abort))
            .route(&format!("{PART}/parts"), get(list).post(sign).put(confirm))
            .route(&format!("{PART}/complete"), post(complete))
            .route("/api/videos/upload-url", post(upload_url))
            .route("/bucket/{batch}/{part}", put(store))
            .with_state(self.clone());
        TestServer::start(router).await
    }

    pub fn state(&self) -> MutexGuard<'_, FakeStorageState> {
        self.state.lock().unwrap()
    }

    pub fn inject(&self, part: u32, faults: &[StorageFault]) {
        self.state().faults.insert(part, faults.iter().copied().collect());
    }

    /// Waits until this number of requests are held.
    pub async fn wait_for_held(&self, count: usize) {
        self.held.subscribe().wait_for(|held| *held >= count).await.unwrap();
    }

    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// How often each part was accepted.
    pub fn accepted_counts(&self) -> Vec<usize> {
        self.state().parts.values().map(|(_, times)| *times).collect()
    }

    /// The parts joined in order.
    pub fn content(&self) -> Vec<u8> {
        let state = self.state();
        state.parts.values().map(|(bytes, _)| bytes.as_slice()).collect::<Vec<_>>().concat()
    }
}

impl FakeStorageState {
    fn upload_json(&self, origin: &str) -> Value {
        json!({"video_key": KEY, "upload_id": "up-1.mac", "size_bytes": self.size_bytes,
            "part_size": self.part_size, "part_count": self.size_bytes.div_ceil(self.part_size),
            "expires_at": "2026-01-31T09:05:00.000Z", "location": origin})
    }

    fn bytes_of(&self, part: u32) -> u64 {
        let start = u64::from(part - 1) * self.part_size;
        (self.size_bytes - start).min(self.part_size)
    }
}

/// Creates an upload of this file.
pub async fn create_upload(server: &TestServer, file: &VideoFile, part_size: u64) -> MultipartUpload {
    let request = CreateUpload {
        filename: "clip.mp4",
        content_type: "video/mp4",
        size_bytes: file.size_bytes(),
        job_id: None,
        part_size: Some(part_size),
    };
    server.client().create_upload(&request).await.unwrap()
}

/// The headers and the URL of a call about an upload.
type Call = (HeaderMap, Uri);

/// Token and key are in the headers, and nothing is left in the URL.
fn require_capability((headers, url): &Call) {
    assert_eq!(headers["upload-token"], "up-1.mac");
    assert_eq!(headers["video-key"], KEY);
    assert_eq!(url.query(), None);
}

fn origin(headers: &HeaderMap) -> String {
    format!("http://{}", headers["host"].to_str().unwrap())
}

fn problem(status: u16, code: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(json!({"detail": format!("{code}."), "code": code})))
        .into_response()
}

async fn create(State(storage): State<FakeStorage>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert_eq!(headers["authorization"], "Bearer key-of-the-api");
    let mut state = storage.state();
    let (created, faults) = (state.created + 1, std::mem::take(&mut state.faults));
    *state =
        FakeStorageState { created, faults, loses_part: state.loses_part, ..FakeStorageState::default() };
    state.size_bytes = body["size_bytes"].as_u64().unwrap();
    state.part_size = body["part_size"].as_u64().unwrap_or(16 * 1024 * 1024);
    let body_json = state.upload_json(&origin(&headers));
    (StatusCode::CREATED, Json(body_json)).into_response()
}

async fn list(State(storage): State<FakeStorage>, call: Call, headers: HeaderMap) -> Response {
    require_capability(&call);
    let mut state = storage.state();
    if state.gone {
        return problem(404, "upload_not_found");
    }
    // As the real API, which lists the parts in the bucket.
    let arrived: Vec<(u32, String)> =
        state.parts.iter().map(|(part, (bytes, _))| (*part, etag_of(bytes))).collect();
    for (part, etag) in arrived {
        state.confirmed.entry(part).or_insert(etag);
    }
    let parts: Vec<Value> = state
        .confirmed
        .iter()
        .map(|(part, etag)| json!({"part_number": part, "etag": etag, "size_bytes": state.bytes_of(*part)}))
        .collect();
    let mut body_json = state.upload_json(&origin(&headers));
    body_json["status"] = json!(if state.complete { "complete" } else { "open" });
    body_json["parts"] = json!(parts);
    Json(body_json).into_response()
}

async fn sign(
    State(storage): State<FakeStorage>,
    call: Call,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    require_capability(&call);
    let mut state = storage.state();
    if state.gone {
        return problem(404, "upload_not_found");
    }
    let numbers: Vec<u32> = serde_json::from_value(body["part_numbers"].clone()).unwrap();
    let batch = state.signed.len();
    let parts: Vec<Value> = numbers
        .iter()
        .map(|part| {
            let url = format!("{}/bucket/{batch}/{part}?X-Amz-Signature=abc", origin(&headers));
            json!({"part_number": part, "url": url, "size_bytes": state.bytes_of(*part)})
        })
        .collect();
    state.signed.push(numbers);
    Json(json!({"parts": parts, "expires_at": "2026-01-31T09:05:00.000Z"})).into_response()
}

async fn confirm(State(storage): State<FakeStorage>, call: Call, Json(body): Json<Value>) -> Json<Value> {
    require_capability(&call);
    let mut state = storage.state();
    let mut numbers = Vec::new();
    for part in body["parts"].as_array().unwrap() {
        let number = u32::try_from(part["part_number"].as_u64().unwrap()).unwrap();
        state.confirmed.insert(number, part["etag"].as_str().unwrap().to_owned());
        numbers.push(number);
    }
    state.confirms.push(numbers);
    Json(json!({"confirmed": state.confirmed.len()}))
}

async fn complete(State(storage): State<FakeStorage>, call: Call) -> Response {
    require_capability(&call);
    let mut state = storage.state();
    if let Some(lost) = state.loses_part.take() {
        state.confirmed.remove(&lost);
        state.parts.remove(&lost);
    }
    if (state.confirmed.len() as u64) < state.size_bytes.div_ceil(state.part_size) {
        return problem(409, "upload_incomplete");
    }
    state.complete = true;
    Json(json!({"video_key": KEY, "size_bytes": state.size_bytes, "etag": "whole"})).into_response()
}

async fn abort(State(storage): State<FakeStorage>, call: Call) -> Response {
    require_capability(&call);
    storage.state().gone = true;
    Json(json!({"success": true})).into_response()
}

async fn upload_url(State(storage): State<FakeStorage>, headers: HeaderMap) -> Json<Value> {
    let mut state = storage.state();
    state.signed.push(vec![0]);
    let url = format!("{}/bucket/{}/0?X-Amz-Signature=abc", origin(&headers), state.signed.len() - 1);
    Json(json!({"upload_url": url, "video_key": KEY, "headers": {"content-type": "video/mp4"}}))
}

async fn store(
    State(storage): State<FakeStorage>,
    Path((_, part)): Path<(usize, u32)>,
    request: Request,
) -> Response {
    assert!(!request.headers().contains_key("authorization"), "a second signature");
    let length: u64 = request.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let fault = storage.state().faults.get_mut(&part).and_then(VecDeque::pop_front);
    let mut body = request.into_body().into_data_stream();
    if let Some(StorageFault::Status(_)) = fault {
        // A response before the end of the body may be lost with the connection.
        while body.next().await.is_some() {}
    }
    match fault {
        Some(StorageFault::Status(503)) => {
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response();
        }
        Some(StorageFault::Status(status)) => return StatusCode::from_u16(status).unwrap().into_response(),
        Some(StorageFault::Broken) => {
            let _ = body.next().await;
            // Ends the connection, without the message of a panic.
            std::panic::resume_unwind(Box::new("the connection broke"));
        }
        Some(StorageFault::Held) => {
            let _ = body.next().await;
            storage.held.send_modify(|held| *held += 1);
            storage.released.subscribe().wait_for(|released| *released).await.unwrap();
        }
        Some(StorageFault::WrongChecksum | StorageFault::ResponseLost) | None => {}
    }
    {
        let mut state = storage.state();
        state.puts_now += 1;
        state.puts_max = state.puts_max.max(state.puts_now);
    }
    let mut bytes = Vec::new();
    let mut whole = fault != Some(StorageFault::Held);
    while let Some(chunk) = body.next().await {
        let Ok(chunk) = chunk else {
            whole = false;
            break;
        };
        bytes.extend_from_slice(&chunk);
    }
    let mut state = storage.state();
    state.puts_now -= 1;
    if !whole {
        return StatusCode::BAD_REQUEST.into_response();
    }
    assert_eq!(bytes.len() as u64, length);
    let etag = etag_of(if fault == Some(StorageFault::WrongChecksum) { &bytes[1..] } else { &bytes });
    if part == 0 {
        state.in_one_request = Some(bytes);
    } else {
        let times = state.parts.get(&part).map_or(0, |(_, times)| *times);
        state.parts.insert(part, (bytes, times + 1));
    }
    if fault == Some(StorageFault::ResponseLost) {
        drop(state);
        std::panic::resume_unwind(Box::new("the response was lost"));
    }
    (StatusCode::OK, [("etag", etag)], Bytes::new()).into_response()
}

/// As R2 does.
fn etag_of(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().fold("\"".to_owned(), |text, byte| format!("{text}{byte:02x}")) + "\""
}

/// Bytes in which no two parts are equal.
pub fn video(size: usize) -> Vec<u8> {
    let words = (0..size as u64).step_by(8).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    let mut bytes = words.collect::<Vec<_>>().concat();
    bytes.truncate(size);
    bytes
}
