//! What one user holds is taken away at once: tokens, links, open sockets; and how many sockets a user may hold.

use e2e::{END_DEADLINE, Options, Stack, bare_http, sample, spotlight_params, wait_until};
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error as Refusal;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const API_KEY: &str = "0123456789abcdef0123456789abcdef";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn ask(stack: &Stack, bearer: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request =
        bare_http().request(method.clone(), format!("{}{path}", stack.api_url())).bearer_auth(bearer);
    let request = if method == Method::GET { request } else { request.json(body) };
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn token_of(stack: &Stack, subject: &str) -> String {
    let (status, minted) =
        ask(stack, API_KEY, Method::POST, "/api/tokens", &json!({"subject": subject})).await;
    assert_eq!(status, 201, "{minted}");
    minted["token"].as_str().expect("a token").to_owned()
}

/// A job of this user that renders for as long as a test takes.
async fn long_job(stack: &Stack, bearer: &str) -> Value {
    let bytes = std::fs::read(sample()).expect("the sample");
    let body = json!({"filename": "game.mp4", "content_type": "video/mp4", "size_bytes": bytes.len()});
    let (_, target) = ask(stack, bearer, Method::POST, "/api/videos/upload-url", &body).await;
    let put = bare_http().put(target["upload_url"].as_str().expect("a URL"));
    let put = put.header("content-type", "video/mp4").body(bytes).send().await.expect("an answer");
    assert!(put.status().is_success());
    let body = json!({
        "project_id": 7, "type": "overlay", "input_video_key": target["video_key"],
        "params": spotlight_params(),
    });
    let (status, job) = ask(stack, bearer, Method::POST, "/api/jobs", &body).await;
    assert_eq!(status, 201, "{job}");
    job
}

/// A socket of a job, by a token as a subprotocol; or the status of the refusal.
async fn open(stack: &Stack, job: &Value, token: &str) -> Result<Socket, u16> {
    let id = job["job_id"].as_str().expect("an id");
    let url = format!("{}/api/jobs/{id}/ws", stack.api_url().replace("http", "ws"));
    let mut request = url.into_client_request().expect("a request");
    let offered = format!("reel.v1, bearer.{token}").parse().expect("a header");
    request.headers_mut().insert("sec-websocket-protocol", offered);
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Refusal::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("no answer at all: {error}"),
    }
}

/// The code that the socket is closed with, after any messages.
async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        let frame = tokio::time::timeout(END_DEADLINE, socket.next()).await.expect("a frame");
        if let Frame::Close(close) = frame.expect("a frame").expect("a frame") {
            return close.expect("a code").code.into();
        }
    }
}

async fn stack(more: &[(&'static str, &str)]) -> Stack {
    let vars = [("WORKERS_API_KEY", API_KEY)];
    let vars = vars.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned())).collect();
    let mut stack = Stack::start(Options { vars, ..Options::default() }).await;
    stack.play(&json!({"fake_render_ms": 300_000})).await;
    stack
}

#[tokio::test]
async fn revoked_tokens_open_nothing_and_later_ones_do() {
    let stack = stack(&[]).await;
    let (alice, bob) = (token_of(&stack, "auth0|alice").await, token_of(&stack, "bob").await);
    let job = long_job(&stack, &alice).await;
    let of_bob = long_job(&stack, &bob).await;
    let link = job["websocket_url"].as_str().and_then(|url| url.split_once("token=")).expect("a link").1;
    let mut by_token = open(&stack, &job, &alice).await.expect("a socket");
    let mut by_link = open(&stack, &job, link).await.expect("a socket");
    let mut bobs = open(&stack, &of_bob, &bob).await.expect("a socket");
    let jobs = async |bearer: &str| ask(&stack, bearer, Method::GET, "/api/jobs", &Value::Null).await;
    wait_until("the index knows the job", async || {
        jobs(&alice).await.1["jobs"].as_array().is_some_and(|jobs| jobs.len() == 1)
    })
    .await;

    let path = "/api/owners/auth0%7Calice/revoke-tokens";
    assert_eq!(ask(&stack, &alice, Method::POST, path, &json!({})).await.0, 401, "a service does that");
    let (status, revoked) = ask(&stack, API_KEY, Method::POST, path, &json!({})).await;
    assert_eq!((status, &revoked["open_jobs"]), (200, &json!(1)), "{revoked}");
    assert_eq!((close_code(&mut by_token).await, close_code(&mut by_link).await), (1008, 1008));

    let (status, problem) = jobs(&alice).await;
    assert_eq!((status, &problem["code"]), (401, &json!("unauthorized")), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("revoked")), "{problem}");
    assert_eq!(open(&stack, &job, &alice).await.err(), Some(401));
    assert_eq!(open(&stack, &job, link).await.err(), Some(401));
    assert_eq!(jobs(&bob).await.0, 200, "nobody else");
    assert!(
        tokio::time::timeout(END_DEADLINE, bobs.next()).await.expect("a frame").is_some_and(|f| f.is_ok())
    );

    // A token has whole seconds: one of the second of the revocation is taken for an older one.
    let mut fresh = alice.clone();
    wait_until("a later token opens the API", async || {
        fresh = token_of(&stack, "auth0|alice").await;
        jobs(&fresh).await.0 == 200
    })
    .await;
    assert_eq!(jobs(&alice).await.0, 401, "the old one stays revoked");
    assert_eq!(ask(&stack, API_KEY, Method::POST, "/api/owners/%0A/revoke-tokens", &json!({})).await.0, 422);
}

#[tokio::test]
async fn a_revocation_outlives_the_isolate_that_made_it() {
    let mut stack = stack(&[]).await;
    let alice = token_of(&stack, "alice").await;
    let path = "/api/owners/alice/revoke-tokens";
    assert_eq!(ask(&stack, API_KEY, Method::POST, path, &json!({})).await.0, 200);
    stack.kill_worker();
    stack.restart_worker().await;
    assert_eq!(ask(&stack, &alice, Method::GET, "/api/jobs", &Value::Null).await.0, 401);
}

#[tokio::test]
async fn one_user_has_a_share_of_the_sockets_of_each_job() {
    let limits =
        [("LIMIT_JOBS_IN_FLIGHT", "2"), ("LIMIT_SOCKETS_PER_OWNER", "5"), ("LIMIT_SOCKETS_PER_JOB", "4")];
    let stack = stack(&limits).await;
    let alice = token_of(&stack, "alice").await;
    let (one, two) = (long_job(&stack, &alice).await, long_job(&stack, &alice).await);
    let mut held = Vec::new();
    for job in [&one, &one, &two, &two] {
        held.push(open(&stack, job, &alice).await.expect("a socket"));
    }
    assert_eq!(open(&stack, &one, &alice).await.err(), Some(429));
    held.push(open(&stack, &one, API_KEY).await.expect("a service has no share"));
    held.push(open(&stack, &one, API_KEY).await.expect("a service has no share"));
    assert_eq!(open(&stack, &one, API_KEY).await.err(), Some(503), "the job has its limit");
    let (_, limits) = ask(&stack, &alice, Method::GET, "/api/limits", &Value::Null).await;
    assert_eq!(limits["sockets"], json!({"limit": 5, "limit_per_job": 2}), "{limits}");
    assert_eq!(limits["sockets_per_job"], json!({"limit": 4}));
    held.remove(0).close(None).await.expect("to close");
    wait_until("its place is free", async || open(&stack, &one, &alice).await.is_ok()).await;
}
