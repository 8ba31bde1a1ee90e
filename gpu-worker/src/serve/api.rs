//! The routes: RunPod's queue API for one endpoint.
//!
//! Invariant: a handler reads, asks the queue, and answers; nothing is decided here but the form
//! of the answer. Bodies of errors are RunPod's as far as they are known: plain text for a wrong
//! key or endpoint, a problem with a numeric `status` for a job that is not there.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::chaos::Call;
use super::chaos::Canned;
use super::chaos::Lie;
use super::desk::Desk;
use super::desk::job_json;
use super::queue::Job;
use super::submission::Submission;

/// All routes of the server.
pub fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/v2/{endpoint}/run", post(run))
        .route("/v2/{endpoint}/status/{id}", get(status).post(status))
        .route("/v2/{endpoint}/cancel/{id}", post(cancel))
        .route("/v2/{endpoint}/retry/{id}", post(retry))
        .route("/v2/{endpoint}/purge-queue", post(purge_queue))
        .route("/v2/{endpoint}/health", get(health))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found") })
        .layer(from_fn_with_state(desk.clone(), admit))
        .with_state(desk)
}

type Job404 = (StatusCode, [(header::HeaderName, &'static str); 1], String);

/// The key first, then the endpoint: a stranger does not learn which endpoints there are.
async fn admit(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    if let Some(refusal) = refusal(desk.api_key.as_deref(), request.headers()) {
        return (StatusCode::UNAUTHORIZED, refusal).into_response();
    }
    let mut segments = request.uri().path().split('/').skip(1);
    if (segments.next(), segments.next()) != (Some("v2"), Some(&desk.endpoint)) {
        return (StatusCode::NOT_FOUND, "endpoint not found").into_response();
    }
    next.run(request).await
}

fn refusal(key: Option<&str>, headers: &HeaderMap) -> Option<&'static str> {
    let key = key?;
    let Some(given) = headers.get(header::AUTHORIZATION) else { return Some("no token provided") };
    // RunPod takes the bare key, too.
    let given = given.to_str().unwrap_or_default();
    (given.strip_prefix("Bearer ").unwrap_or(given) != key).then_some("unauthorized")
}

/// `POST /run`
async fn run(State(desk): State<Arc<Desk>>, body: Body) -> Response {
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return bad_request("the body is larger than 10 MB");
    };
    let submission = match Submission::parse(&body, desk.shop.timing.policy_floor) {
        Ok(submission) => submission,
        Err(bad) => return bad_request(&bad.to_string()),
    };
    let plan = desk.chaos.plan(&submission.input);
    if let Some(canned) = plan.answer(Call::Run) {
        return canned.send().await;
    }
    let Some((hold, runs)) = plan.held_submit() else {
        let id = desk.submit(submission, plan);
        return json_answer(&json!({"id": id, "status": "IN_QUEUE"}));
    };
    if runs {
        desk.submit(submission, plan);
    }
    tokio::time::sleep(hold).await;
    (StatusCode::GATEWAY_TIMEOUT, "gateway timeout").into_response()
}

/// `GET` or `POST /status/{id}`
async fn status(State(desk): State<Arc<Desk>>, Path((_, id)): Path<(String, String)>) -> Response {
    if let Some(canned) = canned(&desk, &id, Call::Status) {
        return canned.send().await;
    }
    let now = Instant::now();
    let mut queue = desk.queue();
    let Some(job) = queue.job(&id, now) else { return not_found().into_response() };
    let age = now - job.submitted_at;
    if job.plan.hides(age, job.ended_at.map(|ended| now - ended)) {
        return not_found().into_response();
    }
    match job.plan.lie(age) {
        Some(lie) => json_answer(&lied(&id, job, lie)),
        None => json_answer(&job_json(&id, job)),
    }
}

/// `POST /cancel/{id}`
async fn cancel(State(desk): State<Arc<Desk>>, Path((_, id)): Path<(String, String)>) -> Response {
    if let Some(canned) = canned(&desk, &id, Call::Cancel) {
        return canned.send().await;
    }
    let cancelled = desk.queue().cancel(&id, Instant::now());
    let Some(status) = cancelled else { return not_found().into_response() };
    desk.shop.log.job(&id, format_args!("cancel: {}", status.as_str()));
    json_answer(&json!({"id": id, "status": status.as_str()}))
}

/// `POST /retry/{id}`
async fn retry(State(desk): State<Arc<Desk>>, Path((_, id)): Path<(String, String)>) -> Response {
    let retried = desk.queue().retry(&id, Instant::now());
    match retried {
        None => not_found().into_response(),
        Some(Err(status)) => {
            bad_request(&format!("only a failed job can be retried, this one is {}", status.as_str()))
        }
        Some(Ok(())) => {
            desk.wake_worker();
            json_answer(&json!({"id": id, "status": "IN_QUEUE"}))
        }
    }
}

/// `POST /purge-queue`
async fn purge_queue(State(desk): State<Arc<Desk>>) -> Response {
    let removed = desk.queue().purge(Instant::now());
    json_answer(&json!({"removed": removed, "status": "completed"}))
}

/// `GET /health`
async fn health(State(desk): State<Arc<Desk>>) -> Response {
    let counts = desk.queue().counts(Instant::now());
    let idle = if counts.hides_workers { 0 } else { desk.workers.saturating_sub(counts.busy_workers) };
    json_answer(&json!({
        "jobs": {
            "completed": counts.completed,
            "failed": counts.failed,
            "inProgress": counts.in_progress,
            "inQueue": counts.in_queue,
            "retried": counts.retried,
        },
        "workers": {
            "idle": idle,
            "initializing": 0,
            "ready": idle,
            "running": counts.busy_workers,
            "throttled": 0,
            "unhealthy": 0,
        },
    }))
}

fn canned(desk: &Desk, id: &str, call: Call) -> Option<Canned> {
    desk.queue().job(id, Instant::now())?.plan.answer(call)
}

fn lied(id: &str, job: &Job, lie: Lie) -> Value {
    let mut answer = job_json(id, job);
    if let Value::Object(members) = &mut answer {
        members.remove("output");
        members.remove("error");
        members.insert("status".to_owned(), lie.status);
        members.extend(lie.output.map(|output| ("output".to_owned(), output)));
        members.extend(lie.error.map(|error| ("error".to_owned(), error)));
    }
    answer
}

fn json_answer(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn bad_request(sentence: &str) -> Response {
    (
        StatusCode::BAD_REQUEST,
        [(header::CONTENT_TYPE, "application/json")],
        json!({"error": sentence}).to_string(),
    )
        .into_response()
}

fn not_found() -> Job404 {
    let problem = json!({"status": 404, "title": "Not Found", "detail": "job not found"});
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/problem+json")], problem.to_string())
}

impl Canned {
    async fn send(self) -> Response {
        tokio::time::sleep(self.delay).await;
        let mut answer = Response::builder().status(self.http);
        for (name, value) in &self.headers {
            answer = answer.header(name, value);
        }
        let body = match self.body {
            Value::Null => Bytes::new(),
            Value::String(text) => text.into(),
            other => other.to_string().into(),
        };
        // A header that HTTP does not allow: the script's author sees it at once.
        let broken = |_| (StatusCode::INTERNAL_SERVER_ERROR, "this answer of the chaos script is not HTTP");
        answer.body(Body::from(body)).map_err(broken).into_response()
    }
}

const MAX_BODY_BYTES: usize = 10 * 1000 * 1000;
