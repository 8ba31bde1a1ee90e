//! The Durable Objects, one of each job and one of each upload in parts, and the calls to them.
//!
//! Invariant: an object answers HTTP 200 with a reply that the core reads. Any other status, and a reply
//! that cannot be read, mean that the object could not be reached.

pub mod job;
pub mod job_store;
pub mod subscribers;
pub mod upload;
pub mod upload_store;

use std::time::Duration;

use reel_core::base::id::{JobId, UploadId};
use reel_core::base::owner::Visibility;
use reel_core::http::problem::Problem;
use reel_core::http::subprotocol::SUBPROTOCOL;
use reel_core::objects::job::{JobCommand, JobReply};
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::objects::subscribe::SubscribeRequest;
use reel_core::objects::upload::{UploadCommand, UploadReply};
use reel_core::sql::lacks_tables;
use wasm_bindgen::JsValue;
use worker::{Env, Headers, Method, ObjectNamespace, Request, RequestInit, Response, web_sys};

use crate::platform::env;
use crate::platform::log::log;
use crate::platform::timeout::with_timeout;

/// Sends a command to a job's object, for a caller who sees so much.
///
/// # Errors
/// 503 when it cannot be reached.
pub async fn call_job(
    env: &Env,
    id: JobId,
    subject: LogSubject<'_>,
    visibility: Visibility,
    command: &JobCommand,
) -> Result<JobReply, Problem> {
    let body = command.to_text(visibility)?;
    let text = call_object(&env::jobs(env)?, &id.to_string(), subject, &body, JOB_REPLY_TIMEOUT).await?;
    JobReply::from_text(&text).ok_or_else(|| {
        log(subject, LogEvent::UnreadableReply, "from a job's object");
        Problem::unavailable()
    })
}

/// Sends a command to an upload's object.
///
/// # Errors
/// 503 when it cannot be reached.
pub async fn call_upload(
    env: &Env,
    id: UploadId,
    subject: LogSubject<'_>,
    command: &UploadCommand,
) -> Result<UploadReply, Problem> {
    let (uploads, body) = (env::uploads(env)?, command.to_text());
    let text = call_object(&uploads, &id.to_string(), subject, &body, UPLOAD_REPLY_TIMEOUT).await?;
    UploadReply::from_text(&text).ok_or_else(|| {
        log(subject, LogEvent::UnreadableReply, "from an upload's object");
        Problem::unavailable()
    })
}

/// Opens a socket at a job's object: its response to the upgrade, or the problem that it replied.
///
/// # Errors
/// The problem, or 503 when the object cannot be reached.
pub async fn subscribe_to_job(
    env: &Env,
    id: JobId,
    subject: LogSubject<'_>,
    request: SubscribeRequest,
    answer_subprotocol: bool,
) -> Result<web_sys::Response, Problem> {
    let headers = Headers::new();
    let built = headers.set("upgrade", "websocket").and_then(|()| {
        let mut init = RequestInit::new();
        init.with_headers(headers);
        Request::new_with_init(&format!("https://object{}", request.to_path()), &init)
    });
    let mut response =
        fetch_object(&env::jobs(env)?, &id.to_string(), subject, built, JOB_REPLY_TIMEOUT).await?;
    if response.status_code() == SWITCHING_PROTOCOLS {
        let response = if answer_subprotocol { with_subprotocol(response, subject)? } else { response };
        return Ok(web_sys::Response::from(response));
    }
    let text = response.text().await.map_err(|cause| unavailable(subject, "a job's object", &cause))?;
    match JobReply::from_text(&text) {
        Some(JobReply::Problem(problem)) => Err(problem),
        _ => Err(Problem::unavailable()),
    }
}

/// The same socket, with the subprotocol that the client offered.
fn with_subprotocol(response: Response, subject: LogSubject<'_>) -> Result<Response, Problem> {
    let socket = response.websocket().ok_or_else(Problem::internal)?;
    let answer = Response::builder().with_status(SWITCHING_PROTOCOLS).with_websocket(socket);
    let answer = answer.with_header("sec-websocket-protocol", SUBPROTOCOL);
    Ok(answer.map_err(|cause| unavailable(subject, "the runtime", &cause))?.empty())
}

/// Sends a text to an object of this name and gives its reply.
///
/// # Errors
/// 503 when it cannot be reached in time.
async fn call_object(
    objects: &ObjectNamespace,
    name: &str,
    subject: LogSubject<'_>,
    body: &str,
    timeout: Duration,
) -> Result<String, Problem> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(JsValue::from_str(body)));
    let request = Request::new_with_init("https://object/", &init);
    let mut response = fetch_object(objects, name, subject, request, timeout).await?;
    if response.status_code() != 200 {
        log(subject, LogEvent::Unavailable, &format!("an object answered {}", response.status_code()));
        return Err(Problem::unavailable());
    }
    let text = with_timeout(timeout, response.text()).await;
    text.map_err(|cause| unavailable(subject, "an object", &cause))
}

async fn fetch_object(
    objects: &ObjectNamespace,
    name: &str,
    subject: LogSubject<'_>,
    request: worker::Result<Request>,
    timeout: Duration,
) -> Result<Response, Problem> {
    let failed = |cause: worker::Error| unavailable(subject, "an object", &cause);
    let stub = objects.get_by_name(name).map_err(failed)?;
    with_timeout(timeout, stub.fetch_with_request(request.map_err(failed)?)).await.map_err(failed)
}

/// Logs that something did not answer, and makes the problem that the caller gets.
pub fn unavailable(subject: LogSubject<'_>, what: &str, cause: &worker::Error) -> Problem {
    let cause = cause.to_string();
    log(subject, LogEvent::Unavailable, &format!("{what} did not answer: {cause}"));
    if lacks_tables(&cause) { Problem::index_without_tables() } else { Problem::unavailable() }
}

/// An object's reply, on its way to the Worker.
pub fn reply_response(text: String) -> Response {
    Response::builder().fixed(text.into_bytes())
}

/// An object that verifies a result asks the bucket first; everything else takes milliseconds.
const JOB_REPLY_TIMEOUT: Duration = Duration::from_secs(15);
/// A completion calls the bucket several times, and may have to wait for another's end.
const UPLOAD_REPLY_TIMEOUT: Duration = Duration::from_mins(1);
const SWITCHING_PROTOCOLS: u16 = 101;
