//! The routes: RunPod's queue API for one endpoint.
//!
//! Invariant: a handler reads the request, calls the queue, and responds; it decides nothing but the form
//! of the response. Error bodies are RunPod's as far as they are known: plain text for a wrong key or
//! endpoint, a problem with a numeric `status` for an unknown job.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::faults::{Endpoint, ScriptedResponse, StatusOverride};
use super::queue::QueuedJob;
use super::run_request::RunRequest;
use super::state::EmulatorState;

/// All routes of the server.
pub fn router(state: Arc<EmulatorState>) -> Router {
    Router::new()
        .route("/v2/{endpoint}/run", post(run))
        .route("/v2/{endpoint}/status/{id}", get(status).post(status))
        .route("/v2/{endpoint}/cancel/{id}", post(cancel))
        .route("/v2/{endpoint}/retry/{id}", post(retry))
        .route("/v2/{endpoint}/purge-queue", post(purge_queue))
        .route("/v2/{endpoint}/health", get(health))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found") })
        .layer(from_fn_with_state(state.clone(), authenticate))
        .with_state(state)
}

/// The door first, then the endpoint: who is not let in learns not even which endpoints there are.
async fn authenticate(State(state): State<Arc<EmulatorState>>, request: Request, next: Next) -> Response {
    let has_body = !request.body().is_end_stream();
    if let Some(refusal) = state.door.refusal(has_body, request.headers()) {
        return refusal.into_response();
    }
    let mut segments = request.uri().path().split('/').skip(1);
    if (segments.next(), segments.next()) != (Some("v2"), Some(&state.endpoint)) {
        return (StatusCode::NOT_FOUND, "endpoint not found").into_response();
    }
    next.run(request).await
}

/// `POST /run`
async fn run(State(state): State<Arc<EmulatorState>>, body: Body) -> Response {
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return bad_request("the body is larger than 10 MB");
    };
    let request = match RunRequest::parse(&body, state.timeouts.policy_minimums) {
        Ok(request) => request,
        Err(error) => return bad_request(&error.to_string()),
    };
    let faults = state.faults.plan(&request.input);
    if let Some(scripted) = faults.scripted_response(Endpoint::Run) {
        return scripted.send().await;
    }
    let Some((hold, runs)) = faults.submit_timeout() else {
        let id = state.submit(request, faults);
        return json_response(&json!({"id": id, "status": "IN_QUEUE"}));
    };
    if runs {
        state.submit(request, faults);
    }
    tokio::time::sleep(hold).await;
    (StatusCode::GATEWAY_TIMEOUT, "gateway timeout").into_response()
}

/// `GET` or `POST /status/{id}`
async fn status(State(state): State<Arc<EmulatorState>>, Path((_, id)): Path<(String, String)>) -> Response {
    if let Some(scripted) = scripted_response(&state, &id, Endpoint::Status) {
        return scripted.send().await;
    }
    let now = Instant::now();
    let mut queue = state.queue();
    let Some(job) = queue.job(&id, now) else { return not_found() };
    let age = now - job.submitted_at;
    if job.faults.returns_not_found(age, job.ended_at.map(|ended| now - ended)) {
        return not_found();
    }
    match job.faults.status_override(age) {
        Some(false_status) => json_response(&override_status(&id, job, false_status)),
        None => json_response(&job_json(&id, job)),
    }
}

/// `POST /cancel/{id}`
async fn cancel(State(state): State<Arc<EmulatorState>>, Path((_, id)): Path<(String, String)>) -> Response {
    if let Some(scripted) = scripted_response(&state, &id, Endpoint::Cancel) {
        return scripted.send().await;
    }
    let cancelled = state.queue().cancel(&id, Instant::now());
    let Some(status) = cancelled else { return not_found() };
    state.context.log.job(&id, format_args!("cancel: {}", status.as_str()));
    json_response(&json!({"id": id, "status": status.as_str()}))
}

/// `POST /retry/{id}`
async fn retry(State(state): State<Arc<EmulatorState>>, Path((_, id)): Path<(String, String)>) -> Response {
    match state.retry(&id) {
        None => not_found(),
        Some(Err(status)) => {
            bad_request(&format!("only a failed job can be retried, this one is {}", status.as_str()))
        }
        Some(Ok(())) => json_response(&json!({"id": id, "status": "IN_QUEUE"})),
    }
}

/// `POST /purge-queue`
async fn purge_queue(State(state): State<Arc<EmulatorState>>) -> Response {
    let removed = state.queue().purge(Instant::now());
    json_response(&json!({"removed": removed, "status": "completed"}))
}

/// `GET /health`
async fn health(State(state): State<Arc<EmulatorState>>) -> Response {
    let counts = state.queue().counts(Instant::now());
    let idle = if counts.hides_workers { 0 } else { state.workers.saturating_sub(counts.busy_workers) };
    json_response(&json!({
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

fn scripted_response(state: &EmulatorState, id: &str, call: Endpoint) -> Option<ScriptedResponse> {
    state.queue().job(id, Instant::now())?.faults.scripted_response(call)
}

fn override_status(id: &str, job: &QueuedJob, false_status: StatusOverride) -> Value {
    let mut response = job_json(id, job);
    if let Value::Object(members) = &mut response {
        members.remove("output");
        members.remove("error");
        members.insert("status".to_owned(), false_status.status);
        members.extend(false_status.output.map(|output| ("output".to_owned(), output)));
        members.extend(false_status.error.map(|error| ("error".to_owned(), error)));
    }
    response
}

fn json_response(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn bad_request(error: &str) -> Response {
    (
        StatusCode::BAD_REQUEST,
        [(header::CONTENT_TYPE, "application/json")],
        json!({"error": error}).to_string(),
    )
        .into_response()
}

fn not_found() -> Response {
    let problem = json!({"status": 404, "title": "Not Found", "detail": "job not found"});
    let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::NOT_FOUND, content_type, problem.to_string()).into_response()
}

impl ScriptedResponse {
    async fn send(self) -> Response {
        tokio::time::sleep(self.delay).await;
        let mut response = Response::builder().status(self.http);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let body = match self.body {
            Value::Null => Bytes::new(),
            Value::String(text) => text.into(),
            other => other.to_string().into(),
        };
        // A header that HTTP does not allow.
        let invalid =
            |_| (StatusCode::INTERNAL_SERVER_ERROR, "this response of the chaos script is not HTTP");
        response.body(Body::from(body)).map_err(invalid).into_response()
    }
}

/// The job as `/status` responds.
fn job_json(id: &str, job: &QueuedJob) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        members.extend(value.map(|value| (name.to_owned(), value)));
    };
    let ms = |duration: Option<Duration>| {
        duration.map(|duration| json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    };
    put("id", Some(json!(id)));
    put("status", Some(json!(job.status.as_str())));
    put("delayTime", ms(job.delay));
    put("executionTime", ms(job.execution));
    put("output", job.output.clone());
    put("error", job.error.clone().map(Value::from));
    put("retries", (job.retries > 0).then(|| json!(job.retries)));
    put("workerId", job.worker.clone().map(Value::from));
    Value::Object(members)
}

const MAX_BODY_BYTES: usize = 10 * 1000 * 1000;
