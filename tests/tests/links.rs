//! Links to a job: what their holders read, how much of it they take, and how they end.

use e2e::{END_DEADLINE, Options, Stack, bare_http, create, spotlight_params, wait_until};
use futures_util::{SinkExt as _, StreamExt as _};
use reel_client::{Client, Job, JobType, Secret};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error as Refusal;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const API_KEY: &str = "the-api-key-of-this-test-0123456789";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A job that renders for as long as a test takes, and a link to it.
struct LinkedJob {
    stack: Stack,
    client: Client,
    job: Job,
    token: String,
}

impl LinkedJob {
    async fn start() -> Self {
        let vars = vec![("WORKERS_API_KEY", API_KEY.to_owned())];
        let mut stack = Stack::start(Options { vars, ..Options::default() }).await;
        stack.play(&json!({"fake_render_ms": 300_000})).await;
        let client = Client::new(stack.api_url(), Some(Secret::new(API_KEY))).expect("a client");
        let job = create(&client, JobType::Overlay, spotlight_params()).await;
        let token = token_in(job.websocket_url.as_ref().expect("a link").reveal());
        Self { stack, client, job, token }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/jobs/{}{rest}", self.job.job_id)
    }

    /// With a token, or else with the key.
    async fn ask(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        let url = format!("{}{path}", self.stack.api_url());
        let request = match token {
            Some(token) => bare_http().get(format!("{url}?token={token}")),
            None => bare_http().get(url).bearer_auth(API_KEY),
        };
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn open(&self, token: Option<&str>) -> Result<Socket, u16> {
        let url = format!("{}{}", self.stack.api_url().replace("http", "ws"), self.path("/ws?after=0"));
        let url = token.map_or(url.clone(), |token| format!("{url}&token={token}"));
        let mut request = url.into_client_request().expect("a request");
        if token.is_none() {
            let bearer = format!("Bearer {API_KEY}").parse().expect("a header");
            request.headers_mut().insert("authorization", bearer);
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(socket),
            Err(Refusal::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("no answer at all: {error}"),
        }
    }

    async fn fresh_token(&self) -> String {
        let (status, job) = self.ask(&self.path(""), None).await;
        assert_eq!(status, 200, "{job}");
        token_in(job["websocket_url"].as_str().expect("a link"))
    }
}

fn token_in(websocket_url: &str) -> String {
    websocket_url.split_once("token=").expect("a token").1.to_owned()
}

/// What holders of links are shown.
fn assert_has_no_keys(job: &Value) {
    for name in ["input_video_key", "output_video_key", "params", "runpod_job_id", "usage"] {
        assert_eq!(job.get(name), None, "{name} in {job}");
    }
    assert!(!job.to_string().contains("input/"), "{job}");
}

/// The next message, or the code that the socket is closed with.
async fn next(socket: &mut Socket) -> Result<Value, u16> {
    loop {
        let frame = tokio::time::timeout(END_DEADLINE, socket.next()).await.expect("a frame");
        match frame.expect("a frame").expect("a frame") {
            Frame::Text(text) => return Ok(serde_json::from_str(&text).expect("JSON")),
            Frame::Close(close) => return Err(close.expect("a code").code.into()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_link_is_never_renewed_by_reading_and_ends_when_it_is_revoked() {
    let linked = LinkedJob::start().await;
    let token = linked.token.as_str();
    // An expiry is a whole second: once the owner gets another, a new one would show.
    wait_until("the owner's link is a newer one", async || linked.fresh_token().await != token).await;
    for path in [linked.path(""), format!("/api/export/overlay/{}", linked.job.job_id)] {
        let (status, job) = linked.ask(&path, Some(token)).await;
        let link = job["websocket_url"].as_str().expect("a link");
        assert_eq!((status, token_in(link).as_str()), (200, token), "{path}");
        assert_has_no_keys(&job);
    }
    let (_, events) = linked.ask(&linked.path("/events"), Some(token)).await;
    for event in events["events"].as_array().expect("events") {
        assert_eq!(token_in(event["websocket_url"].as_str().expect("a link")), token);
        assert_has_no_keys(event);
    }
    let (mut watcher, mut owner) =
        (linked.open(Some(token)).await.expect("a socket"), linked.open(None).await.expect("a socket"));
    watcher.send(Frame::text(r#"{"type":"subscribe"}"#)).await.expect("to say");
    // A snapshot, what happened before, another snapshot, and what happens now: a report of the renderer.
    for number in 0..6 {
        let message = next(&mut watcher).await.expect("a message");
        let link = message["websocket_url"].as_str().expect("a link");
        assert_eq!(token_in(link), token, "message {number}: {}", message["type"]);
        assert_has_no_keys(&message);
    }
    let message = next(&mut owner).await.expect("a message");
    assert!(message["params"].is_object() && message["input_video_key"].is_string(), "{message}");
    assert_ne!(token_in(message["websocket_url"].as_str().expect("a link")), token);

    let url = format!("{}{}", linked.stack.api_url(), linked.path("/revoke-links"));
    let with_link = bare_http().post(format!("{url}?token={token}")).send().await.expect("an answer");
    assert_eq!(with_link.status(), 401, "only the owner revokes");
    let revoked = bare_http().post(&url).bearer_auth(API_KEY).send().await.expect("an answer");
    assert_eq!(revoked.status(), 200);
    let closed = loop {
        if let Err(code) = next(&mut watcher).await {
            break code;
        }
    };
    assert_eq!(closed, 1008);
    for path in [linked.path(""), linked.path("/events")] {
        let (status, problem) = linked.ask(&path, Some(token)).await;
        assert_eq!((status, &problem["code"]), (401, &json!("unauthorized")), "{path}");
    }
    let output = format!("/api/videos/download/output/{}/1/video.mp4", linked.job.job_id);
    assert_eq!(linked.ask(&output, Some(token)).await.0, 401);
    assert_eq!(linked.open(Some(token)).await.err(), Some(401));
    let fresh = linked.fresh_token().await;
    assert_eq!(linked.ask(&linked.path(""), Some(&fresh)).await.0, 200);
    assert_eq!(linked.ask(&output, Some(&fresh)).await.0, 404, "there is no output yet");
    owner.send(Frame::text(r#"{"type":"subscribe"}"#)).await.expect("to say");
    assert!(next(&mut owner).await.is_ok(), "the owner's socket stays");
    linked.client.cancel(linked.job.job_id).await.expect("to cancel");
}

#[tokio::test]
async fn holders_of_a_link_take_neither_every_socket_nor_all_attention() {
    let linked = LinkedJob::start().await;
    let token = linked.token.as_str();
    let before = linked.ask(&linked.path(""), None).await.1["usage"]["requests"].as_u64().expect("a count");
    let mut loud = linked.open(Some(token)).await.expect("a socket");
    for _ in 0..100 {
        // The server may have closed it by now.
        let _ = loud.send(Frame::text(r#"{"type":"subscribe"}"#)).await;
    }
    let (mut snapshots, mut closed) = (0, 0);
    while closed == 0 {
        match next(&mut loud).await {
            Ok(message) => snapshots += u32::from(message["type"] == "status"),
            Err(code) => closed = code,
        }
    }
    assert_eq!(closed, 4429);
    assert!((10..=20).contains(&snapshots), "{snapshots} snapshots for a hundred questions");
    let after = linked.ask(&linked.path(""), None).await.1["usage"]["requests"].as_u64().expect("a count");
    assert!(
        after >= before + 3,
        "the socket, its messages and this request are counted: {before} to {after}"
    );

    let mut sockets = Vec::new();
    let refused = loop {
        match linked.open(Some(token)).await {
            Ok(socket) => sockets.push(socket),
            Err(status) => break status,
        }
        assert!(sockets.len() <= 750, "a link opens every socket");
    };
    assert_eq!(refused, 503);
    assert!(sockets.len() >= 749, "{} sockets", sockets.len());
    for _ in 0..3 {
        sockets.push(linked.open(None).await.expect("a place for the owner"));
    }
    linked.client.cancel(linked.job.job_id).await.expect("to cancel");
}
