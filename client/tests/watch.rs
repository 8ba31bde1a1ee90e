//! Following a job over sockets that drop, lose messages, or cannot be opened.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]
#![allow(clippy::needless_pass_by_value, reason = "literals read better without an ampersand")]

mod test_server;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::Query;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt as _;
use reel_client::{Error, Job, Message, MessageType};
use serde_json::{Value, json};
use test_server::TestServer;

const ID: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
const JOB: &str = "/api/jobs/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
const SOCKET: &str = "/api/jobs/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/ws";

/// What one connection sends before it is dropped without a close frame.
type Script = Vec<Value>;

fn job(extra: Value) -> Value {
    let mut job = json!({"job_id": ID, "type": "overlay", "status": "processing", "progress": 0,
        "websocket_url": format!("{SOCKET}?token=t0ken")});
    job.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    job
}

fn message(kind: &str, extra: Value) -> Value {
    let mut message = job(extra);
    message["job_type"] = message["type"].take();
    message["type"] = json!(kind);
    message
}

fn parse_job(value: Value) -> Job {
    serde_json::from_value(value).unwrap()
}

/// The socket route: the nth connection plays the nth script. The query of each is recorded. A token comes as a
/// subprotocol, and ours is answered.
fn scripted_router(scripts: Vec<Script>, queries: &Arc<Mutex<Vec<HashMap<String, String>>>>) -> Router {
    let queries = Arc::clone(queries);
    let scripts = Arc::new(scripts);
    Router::new().route(
        SOCKET,
        get(
            async move |Query(query): Query<HashMap<String, String>>,
                        headers: HeaderMap,
                        upgrade: WebSocketUpgrade| {
                assert_eq!(headers["sec-websocket-protocol"], "reel.v1, bearer.t0ken");
                let number = {
                    let mut queries = queries.lock().unwrap();
                    queries.push(query);
                    queries.len() - 1
                };
                upgrade.protocols(["reel.v1"]).on_upgrade(async move |mut socket: WebSocket| {
                    let last = number + 1 >= scripts.len();
                    for message in &scripts[number] {
                        socket.send(Frame::text(message.to_string())).await.unwrap();
                    }
                    if last {
                        socket
                            .send(Frame::Close(Some(CloseFrame { code: 1000, reason: "".into() })))
                            .await
                            .ok();
                    }
                })
            },
        ),
    )
}

async fn collect(server: &TestServer, start: Value, after: u64) -> Vec<Result<Message, Error>> {
    server.client().watch(&parse_job(start), after).collect().await
}

fn events(messages: Vec<Result<Message, Error>>) -> Vec<(MessageType, Option<u64>)> {
    messages
        .into_iter()
        .map(|message| message.unwrap())
        .map(|message| (message.message_type, message.seq))
        .collect()
}

#[tokio::test]
async fn a_dropped_socket_is_opened_again_and_nothing_is_lost_or_delivered_twice() {
    use MessageType::{Complete, Progress, Status};
    let queries = Arc::default();
    let first = vec![
        message("status", json!({"seq": 0})),
        message("progress", json!({"seq": 1})),
        message("progress", json!({"seq": 2})),
        message("progress", json!({"progress": 7})),
    ];
    let second = vec![
        message("status", json!({"seq": 3})),
        message("progress", json!({"seq": 2})),
        json!({"type": "pong"}),
        message("progress", json!({"seq": 3})),
        message("complete", json!({"seq": 4, "status": "complete"})),
        message("progress", json!({"seq": 5})),
    ];
    let server = TestServer::start(scripted_router(vec![first, second], &queries)).await;
    let messages = events(collect(&server, job(json!({})), 0).await);
    assert_eq!(
        messages,
        [
            (Status, None),
            (Progress, Some(1)),
            (Progress, Some(2)),
            (Progress, None),
            (Status, None),
            (Progress, Some(3)),
            (Complete, Some(4))
        ]
    );
    let queries = queries.lock().unwrap();
    let after: Vec<&str> = queries.iter().map(|query| query["after"].as_str()).collect();
    assert_eq!(after, ["0", "2"]);
    assert!(queries.iter().all(|query| query.len() == 1), "no token is in a URL: {queries:?}");
}

#[tokio::test]
async fn without_a_link_the_key_opens_the_socket() {
    let over = message("status", json!({"seq": 9, "status": "complete", "progress": 100})).to_string();
    let answer = async move |headers: HeaderMap, upgrade: WebSocketUpgrade| {
        assert_eq!(headers["authorization"], "Bearer key-of-the-api");
        assert_eq!(headers["sec-websocket-protocol"], "reel.v1, bearer.key-of-the-api");
        let upgrade = upgrade.protocols(["reel.v1"]);
        upgrade.on_upgrade(async move |mut socket: WebSocket| socket.send(Frame::text(over)).await.unwrap())
    };
    let server = TestServer::start(Router::new().route(SOCKET, get(answer))).await;
    let messages = events(collect(&server, job(json!({"websocket_url": null})), 9).await);
    assert_eq!(messages, [(MessageType::Complete, None)]);
}

#[tokio::test]
async fn a_missing_entry_is_requested_once_more_and_then_skipped() {
    use MessageType::{Error as Failed, Progress, Status};
    let queries = Arc::default();
    let script = || {
        vec![
            message("status", json!({"seq": 5})),
            message("progress", json!({"seq": 1})),
            message("progress", json!({"seq": 3})),
            message("error", json!({"seq": 4, "status": "error", "error": "No GPU."})),
        ]
    };
    let server = TestServer::start(scripted_router(vec![script(), script()], &queries)).await;
    let messages = events(collect(&server, job(json!({})), 0).await);
    assert_eq!(
        messages,
        [(Status, None), (Progress, Some(1)), (Status, None), (Progress, Some(3)), (Failed, Some(4))]
    );
    assert_eq!(queries.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_job_that_has_ended_delivers_one_message() {
    let queries = Arc::default();
    let over = vec![message("status", json!({"seq": 9, "status": "complete", "progress": 100}))];
    let server = TestServer::start(scripted_router(vec![over], &queries)).await;
    assert_eq!(events(collect(&server, job(json!({})), 9).await), [(MessageType::Complete, None)]);
}

#[tokio::test]
async fn a_job_is_polled_to_its_end_if_no_socket_can_be_opened() {
    let polls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&polls);
    let router = Router::new().route(SOCKET, get(async || StatusCode::UPGRADE_REQUIRED)).route(
        JOB,
        get(async move |headers: HeaderMap| {
            assert_eq!(headers["authorization"], "Bearer key-of-the-api");
            Json(match counter.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => job(json!({"progress": 10, "seq": 3})),
                _ => job(json!({"progress": 100, "seq": 4, "status": "complete"})),
            })
        }),
    );
    let server = TestServer::start(router).await;
    let messages = events(collect(&server, job(json!({})), 0).await);
    assert_eq!(messages, [(MessageType::Status, None), (MessageType::Complete, None)]);
    assert_eq!(polls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_unknown_job_ends_the_stream_with_the_error_of_the_server() {
    let not_found = async || (StatusCode::NOT_FOUND, r#"{"error":"Job not found"}"#);
    let server = TestServer::start(Router::new().fallback(get(not_found))).await;
    let messages = collect(&server, job(json!({})), 0).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].as_ref().unwrap_err().to_string(), "Job not found");
}

#[tokio::test]
async fn a_message_that_cannot_be_read_ends_the_stream_with_an_error() {
    let queries = Arc::default();
    let server = TestServer::start(scripted_router(vec![vec![json!({"type": "progress"})]], &queries)).await;
    let messages = collect(&server, job(json!({})), 0).await;
    assert!(matches!(messages[..], [Err(Error::UnexpectedResponse { .. })]), "{messages:?}");
}
