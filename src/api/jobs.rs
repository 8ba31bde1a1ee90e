//! Jobs: parse, ask the job's object, answer.

use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::http::problems::missing_inputs_problem;
use reel_core::http::requests::jobs::{CreateJobRequest, idempotency_key};
use reel_core::job::spec::{JobSpec, ProjectExport};
use reel_core::sql::jobs::JobListQuery;
use reel_core::wire::job_list::to_page_json;
use std::time::Duration;
use wasm_bindgen::JsValue;
use worker::{Env, Headers, Method, ObjectNamespace, Request, RequestInit, Response, console_error, web_sys};

use super::{HandlerResponse, RequestContext};
use crate::index::jobs as jobs_index;
use crate::objects::job::{JobCommand, RESULT_URL_LIFETIME};
use crate::objects::subscribers::SocketProtocol;
use crate::platform::http::HttpResponse;
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};

/// `POST /api/jobs`.
pub async fn create(visit: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let named_by_key = job_id_from_idempotency_key(visit)?;
    let new = CreateJobRequest::parse(&visit.call.body(BODY_MAX_BYTES).await?)?;
    forward_response(create_job(visit, new, None, named_by_key).await?).await
}

/// The job that an `Idempotency-Key` stands for.
pub fn job_id_from_idempotency_key(visit: &RequestContext<'_>) -> Result<Option<JobId>, Problem> {
    let key = visit.call.header("idempotency-key");
    Ok(key.as_deref().map(idempotency_key).transpose()?.map(|key| visit.config.signer.derive_job_id(key)))
}

/// Hands a new job to its object, which answers with the job JSON.
pub async fn create_job(
    visit: &RequestContext<'_>,
    new: CreateJobRequest,
    export: Option<ProjectExport>,
    named_by_key: Option<JobId>,
) -> Result<Response, Problem> {
    if visit.config.runpod.is_none() {
        return Err(Problem::new(
            ProblemCode::NotConfigured,
            "Exports are switched off: RUNPOD_ENDPOINT is not configured.",
        ));
    }
    let named = new.job_id.or(named_by_key);
    let order = JobSpec {
        id: named.unwrap_or_else(clock::job_id),
        project_id: new.project_id,
        job_type: new.job_type,
        input_key: new.input_key.clone(),
        extra_inputs: new.clip_videos.iter().map(|(_, key)| key.clone()).collect(),
        params: new.params.clone(),
        created_at: clock::now(),
        export,
    };
    let mut missing = Vec::new();
    // One after the other: nearly every job has one, and a reel's few take milliseconds each.
    for input in new.inputs() {
        if !is_in_bucket(visit, input.1).await? {
            missing.push(input);
        }
    }
    let refusal = (!missing.is_empty()).then(|| missing_inputs_problem(&order, &missing));
    if named.is_none()
        && let Some(refusal) = refusal
    {
        return Err(refusal);
    }
    let inputs_found = refusal.is_none();
    let answer =
        call_job(visit.env, order.id, visit.request_id, &JobCommand::Create { order, inputs_found }).await?;
    match refusal {
        // The object knows only that it must not begin; here it is known what lacks.
        Some(refusal) if answer.status_code() == ProblemCode::InputNotFound.status() => Err(refusal),
        _ => Ok(answer),
    }
}

/// Whether an object is there.
pub async fn is_in_bucket(visit: &RequestContext<'_>, key: &ObjectKey) -> Result<bool, Problem> {
    let bucket = env::videos(visit.env)?;
    let head = with_timeout(BINDING, bucket.head(key.as_str())).await;
    Ok(head.map_err(|cause| unavailable("the bucket", &cause))?.is_some())
}

/// `GET /api/jobs`.
pub async fn list(visit: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let listing = JobListQuery::parse(visit.call.query_string())?;
    let database = env::database(visit.env)?;
    let rows = with_timeout(BINDING, jobs_index::list(&database, &listing)).await;
    let rows = rows.map_err(|cause| unavailable("the index", &cause))?;
    let page = to_page_json(&listing, rows, &visit.config.presigner, RESULT_URL_LIFETIME, clock::now());
    Ok(HandlerResponse::Answer(HttpResponse::json(200, page)))
}

/// `GET /api/jobs/{id}/ws` and `GET /ws/export/{id}`.
pub async fn watch(
    visit: &RequestContext<'_>,
    id: JobId,
    tongue: SocketProtocol,
) -> Result<HandlerResponse, Problem> {
    if !visit.call.wants_websocket() {
        return Err(Problem::new(
            ProblemCode::UpgradeRequired,
            "Open this path as a WebSocket, or poll GET /api/jobs/{id}.",
        ));
    }
    let after = parse_after(visit)?.map_or_else(|| "-".to_owned(), |after| after.to_string());
    let headers = Headers::new();
    let built = headers.set("upgrade", "websocket").and_then(|()| {
        let mut init = RequestInit::new();
        init.with_headers(headers);
        Request::new_with_init(&format!("https://job/watch/{}/{after}", tongue.tag()), &init)
    });
    let response = ask(visit.env, id, built).await?;
    if response.status_code() == 101 {
        return Ok(HandlerResponse::Raw(web_sys::Response::from(response)));
    }
    forward_response(response).await
}

/// Sends a command to a job's object and hands its answer on.
pub async fn command(
    visit: &RequestContext<'_>,
    id: JobId,
    command: &JobCommand,
) -> Result<HandlerResponse, Problem> {
    forward_response(call_job(visit.env, id, visit.request_id, command).await?).await
}

/// A command to a job's object, and the object's own answer.
///
/// # Errors
/// 503 when it does not answer in time.
pub async fn call_job(
    env: &Env,
    id: JobId,
    request_id: &str,
    command: &JobCommand,
) -> Result<Response, Problem> {
    let body = serde_json::to_string(command).map_err(|_| Problem::internal())?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(JsValue::from_str(&body)));
    ask(env, id, Request::new_with_init(&format!("https://job/{request_id}"), &init)).await
}

async fn ask(env: &Env, id: JobId, request: worker::Result<Request>) -> Result<Response, Problem> {
    call_object(&env::jobs(env)?, &id.to_string(), request, OBJECT_ANSWERS_WITHIN).await
}

/// A request to an object of this name, and its answer.
pub(super) async fn call_object(
    objects: &ObjectNamespace,
    name: &str,
    request: worker::Result<Request>,
    limit: Duration,
) -> Result<Response, Problem> {
    let request = request.map_err(|cause| unavailable("a request", &cause))?;
    let stub = objects.get_by_name(name).map_err(|cause| unavailable("an object", &cause))?;
    let answer = with_timeout(limit, stub.fetch_with_request(request)).await;
    answer.map_err(|cause| unavailable("an object", &cause))
}

/// An object's answer, as the caller gets it.
pub(super) async fn forward_response(response: Response) -> Result<HandlerResponse, Problem> {
    let (status, body) = read_response(response).await?;
    Ok(passthrough(status, body))
}

/// An answer that an object has written.
pub(super) fn passthrough(status: u16, body: String) -> HandlerResponse {
    HandlerResponse::Answer(if status < 400 {
        HttpResponse::json(status, body)
    } else {
        let answer = HttpResponse::from_problem_json(status, body);
        if status == 503 { answer.with("retry-after", "2") } else { answer }
    })
}

/// An object's answer: its status and its body.
pub async fn read_response(mut response: Response) -> Result<(u16, String), Problem> {
    let body =
        with_timeout(BINDING, response.text()).await.map_err(|cause| unavailable("the job", &cause))?;
    Ok((response.status_code(), body))
}

/// `?after=N`, the number of the last event that the caller has.
pub fn parse_after(visit: &RequestContext<'_>) -> Result<Option<u64>, Problem> {
    visit
        .call
        .query("after")
        .map(|text| {
            text.parse().map_err(|_| {
                Problem::new(
                    ProblemCode::InvalidRequest,
                    "The parameter after must be a whole number, the seq of the last event you have.",
                )
            })
        })
        .transpose()
}

/// Something did not answer: logged once, told as a pause.
pub(super) fn unavailable(what: &str, cause: &worker::Error) -> Problem {
    console_error!("{what} did not answer: {cause}");
    busy()
}

fn busy() -> Problem {
    Problem::new(ProblemCode::Unavailable, "The service is busy; try again in a moment.")
}

/// 1 MiB (design.md 3).
pub const BODY_MAX_BYTES: usize = 1024 * 1024;
/// An object that verifies a result asks the bucket first; everything else takes milliseconds.
const OBJECT_ANSWERS_WITHIN: Duration = Duration::from_secs(15);
