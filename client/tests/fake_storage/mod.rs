//! The API's uploads and the bucket behind them, in memory, with faults on order.

#![allow(dead_code, reason = "each test file uses its share")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use futures_util::StreamExt as _;
use md5::{Digest as _, Md5};
use reel_client::{CreateUpload, MultipartUpload, VideoFile};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::test_server::TestServer;

/// What happens to a request for one part, instead of what should.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StorageFault {
    /// This status; 503 wants to be left alone for no time at all.
    Status(u16),
    /// The connection ends after the first bytes.
    Broken,
    /// The bytes arrive, and the answer's MD5 is of others.
    WrongChecksum,
    /// The bytes arrive, and the answer is lost.
    AnswerLost,
    /// Nothing more is read until [`Bucket::release`].
    Held,
}

/// What has been asked and what has arrived.
#[derive(Default)]
pub struct FakeStorageState {
    pub size_bytes: u64,
    pub part_size: u64,
    /// Where an upload stands: open, or gone, or complete.
    pub gone: bool,
    pub complete: bool,
    pub created: usize,
    /// The newest content of each part, and how often one was accepted.
    pub parts: BTreeMap<u32, (Vec<u8>, usize)>,
    pub confirmed: BTreeMap<u32, String>,
    /// The part numbers of each call.
    pub signed: Vec<Vec<u32>>,
    pub confirms: Vec<Vec<u32>>,
    /// Faults to come, by part; part 0 is the small upload.
    pub faults: BTreeMap<u32, VecDeque<StorageFault>>,
    pub puts_now: usize,
    pub puts_at_most: usize,
    /// The server has lost this confirmed part when it is asked to complete.
    pub loses: Option<u32>,
    pub small: Option<Vec<u8>>,
}

#[derive(Clone)]
pub struct FakeStorage {
    inside: Arc<Mutex<FakeStorageState>>,
    held: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

pub const KEY: &str = "input/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/clip.mp4";
const PART: &str = "/api/videos/multipart/up-1.mac";

impl FakeStorage {
    pub fn new() -> Self {
        let (held, _) = watch::channel(0);
        let (released, _) = watch::channel(false);
        Self { inside: Arc::default(), held, released }
    }

    pub async fn serve(&self) -> TestServer {
        let router = Router::new()
            .route("/api/videos/multipart", post(create))
            .route(PART, delete(abort))
            .route(&format!("{PART}/parts"), get(list).post(sign).put(confirm))
            .route(&format!("{PART}/complete"), post(complete))
            .route("/api/videos/upload-url", post(upload_url))
            .route("/bucket/{link}/{part}", put(store))
            .with_state(self.clone());
        TestServer::start(router).await
    }

    pub fn state(&self) -> MutexGuard<'_, FakeStorageState> {
        self.inside.lock().unwrap()
    }

    pub fn inject(&self, part: u32, faults: &[StorageFault]) {
        self.state().faults.insert(part, faults.iter().copied().collect());
    }

    /// Waits until so many requests are held.
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

    /// All that arrived, in order.
    pub fn content(&self) -> Vec<u8> {
        let inside = self.state();
        inside.parts.values().map(|(bytes, _)| bytes.as_slice()).collect::<Vec<_>>().concat()
    }
}

impl FakeStorageState {
    fn facts(&self, origin: &str) -> Value {
        json!({"video_key": KEY, "upload_id": "up-1.mac", "size_bytes": self.size_bytes,
            "part_size": self.part_size, "part_count": self.size_bytes.div_ceil(self.part_size),
            "expires_at": "2026-01-31T09:05:00.000Z", "location": origin})
    }

    fn bytes_of(&self, part: u32) -> u64 {
        let start = u64::from(part - 1) * self.part_size;
        (self.size_bytes - start).min(self.part_size)
    }
}

/// An upload of this file that the API has just begun.
pub async fn begin(server: &TestServer, file: &VideoFile, part_size: u64) -> MultipartUpload {
    let order = CreateUpload {
        filename: "clip.mp4",
        content_type: "video/mp4",
        size_bytes: file.size_bytes(),
        job_id: None,
        part_size: Some(part_size),
    };
    server.client().create_upload(&order).await.unwrap()
}

type Params = Query<BTreeMap<String, String>>;

fn origin(headers: &HeaderMap) -> String {
    format!("http://{}", headers["host"].to_str().unwrap())
}

fn problem(status: u16, code: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(json!({"detail": format!("{code}."), "code": code})))
        .into_response()
}

async fn create(State(bucket): State<FakeStorage>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert_eq!(headers["authorization"], "Bearer key-of-the-api");
    let mut inside = bucket.state();
    let (created, faults) = (inside.created + 1, std::mem::take(&mut inside.faults));
    *inside = FakeStorageState { created, faults, loses: inside.loses, ..FakeStorageState::default() };
    inside.size_bytes = body["size_bytes"].as_u64().unwrap();
    inside.part_size = body["part_size"].as_u64().unwrap_or(16 * 1024 * 1024);
    let facts = inside.facts(&origin(&headers));
    (StatusCode::CREATED, Json(facts)).into_response()
}

async fn list(State(bucket): State<FakeStorage>, Query(query): Params, headers: HeaderMap) -> Response {
    assert_eq!(query["video_key"], KEY);
    let mut inside = bucket.state();
    if inside.gone {
        return problem(404, "upload_not_found");
    }
    // As the real one, which asks the bucket.
    let arrived: Vec<(u32, String)> =
        inside.parts.iter().map(|(part, (bytes, _))| (*part, etag_of(bytes))).collect();
    for (part, etag) in arrived {
        inside.confirmed.entry(part).or_insert(etag);
    }
    let parts: Vec<Value> = inside
        .confirmed
        .iter()
        .map(|(part, etag)| json!({"part_number": part, "etag": etag, "size_bytes": inside.bytes_of(*part)}))
        .collect();
    let mut facts = inside.facts(&origin(&headers));
    facts["status"] = json!(if inside.complete { "complete" } else { "open" });
    facts["parts"] = json!(parts);
    Json(facts).into_response()
}

async fn sign(
    State(bucket): State<FakeStorage>,
    Query(query): Params,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    assert_eq!(query["video_key"], KEY);
    let mut inside = bucket.state();
    if inside.gone {
        return problem(404, "upload_not_found");
    }
    let numbers: Vec<u32> = serde_json::from_value(body["part_numbers"].clone()).unwrap();
    let link = inside.signed.len();
    let parts: Vec<Value> = numbers
        .iter()
        .map(|part| {
            let url = format!("{}/bucket/{link}/{part}?X-Amz-Signature=abc", origin(&headers));
            json!({"part_number": part, "url": url, "size_bytes": inside.bytes_of(*part)})
        })
        .collect();
    inside.signed.push(numbers);
    Json(json!({"parts": parts, "expires_at": "2026-01-31T09:05:00.000Z"})).into_response()
}

async fn confirm(
    State(bucket): State<FakeStorage>,
    Query(query): Params,
    Json(body): Json<Value>,
) -> Json<Value> {
    assert_eq!(query["video_key"], KEY);
    let mut inside = bucket.state();
    let mut numbers = Vec::new();
    for part in body["parts"].as_array().unwrap() {
        let number = u32::try_from(part["part_number"].as_u64().unwrap()).unwrap();
        inside.confirmed.insert(number, part["etag"].as_str().unwrap().to_owned());
        numbers.push(number);
    }
    inside.confirms.push(numbers);
    Json(json!({"confirmed": inside.confirmed.len()}))
}

async fn complete(State(bucket): State<FakeStorage>, Query(query): Params) -> Response {
    assert_eq!(query["video_key"], KEY);
    let mut inside = bucket.state();
    if let Some(lost) = inside.loses.take() {
        inside.confirmed.remove(&lost);
        inside.parts.remove(&lost);
    }
    if (inside.confirmed.len() as u64) < inside.size_bytes.div_ceil(inside.part_size) {
        return problem(409, "upload_incomplete");
    }
    inside.complete = true;
    Json(json!({"video_key": KEY, "size_bytes": inside.size_bytes, "etag": "whole"})).into_response()
}

async fn abort(State(bucket): State<FakeStorage>, Query(query): Params) -> Response {
    assert_eq!(query["video_key"], KEY);
    bucket.state().gone = true;
    Json(json!({"success": true})).into_response()
}

async fn upload_url(State(bucket): State<FakeStorage>, headers: HeaderMap) -> Json<Value> {
    let mut inside = bucket.state();
    inside.signed.push(vec![0]);
    let url = format!("{}/bucket/{}/0?X-Amz-Signature=abc", origin(&headers), inside.signed.len() - 1);
    Json(json!({"upload_url": url, "video_key": KEY, "headers": {"content-type": "video/mp4"}}))
}

async fn store(
    State(bucket): State<FakeStorage>,
    Path((_, part)): Path<(usize, u32)>,
    request: Request,
) -> Response {
    assert!(!request.headers().contains_key("authorization"), "a second signature");
    let length: u64 = request.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let fault = bucket.state().faults.get_mut(&part).and_then(VecDeque::pop_front);
    let mut body = request.into_body().into_data_stream();
    if let Some(StorageFault::Status(_)) = fault {
        // An answer before the end of the body may be lost with the connection.
        while body.next().await.is_some() {}
    }
    match fault {
        Some(StorageFault::Status(503)) => {
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response();
        }
        Some(StorageFault::Status(status)) => return StatusCode::from_u16(status).unwrap().into_response(),
        Some(StorageFault::Broken) => {
            let _ = body.next().await;
            // Without the message of a panic: the server ends the connection.
            std::panic::resume_unwind(Box::new("the cable was pulled"));
        }
        Some(StorageFault::Held) => {
            let _ = body.next().await;
            bucket.held.send_modify(|held| *held += 1);
            bucket.released.subscribe().wait_for(|released| *released).await.unwrap();
        }
        Some(StorageFault::WrongChecksum | StorageFault::AnswerLost) | None => {}
    }
    {
        let mut inside = bucket.state();
        inside.puts_now += 1;
        inside.puts_at_most = inside.puts_at_most.max(inside.puts_now);
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
    let mut inside = bucket.state();
    inside.puts_now -= 1;
    if !whole {
        return StatusCode::BAD_REQUEST.into_response();
    }
    assert_eq!(bytes.len() as u64, length);
    let etag = etag_of(if fault == Some(StorageFault::WrongChecksum) { &bytes[1..] } else { &bytes });
    if part == 0 {
        inside.small = Some(bytes);
    } else {
        let times = inside.parts.get(&part).map_or(0, |(_, times)| *times);
        inside.parts.insert(part, (bytes, times + 1));
    }
    if fault == Some(StorageFault::AnswerLost) {
        drop(inside);
        std::panic::resume_unwind(Box::new("the answer was lost"));
    }
    (StatusCode::OK, [("etag", etag)], Bytes::new()).into_response()
}

/// As R2 names a part.
fn etag_of(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().fold("\"".to_owned(), |text, byte| format!("{text}{byte:02x}")) + "\""
}

/// Bytes of which no two parts are alike.
pub fn video(size: usize) -> Vec<u8> {
    let words = (0..size as u64).step_by(8).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    let mut bytes = words.collect::<Vec<_>>().concat();
    bytes.truncate(size);
    bytes
}
