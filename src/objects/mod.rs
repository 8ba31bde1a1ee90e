//! The Durable Objects, one of each job and one of each upload in parts, and the calls to them.
//!
//! Invariant: a command is one text, and so is its reply; only a socket is opened by a request. A call that fails,
//! and a reply that cannot be read, mean that the object could not be reached.

pub mod job;
pub mod job_store;
pub mod subscribers;
pub mod upload;
pub mod upload_store;

use std::task::{Context, Poll, Waker};

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
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::futures::{JsFuture, future_to_promise};
use worker::{Env, Headers, ObjectNamespace, Request, RequestInit, Response, js_sys, web_sys};

use crate::platform::env;
use crate::platform::log::log;

#[wasm_bindgen]
extern "C" {
    /// An object as RPC shows it. Every name on it is a callable of the platform: it is called, and never looked at.
    type ObjectStub;
    #[wasm_bindgen(method, catch)]
    fn ask(this: &ObjectStub, text: &str) -> Result<js_sys::Promise, JsValue>;
}

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
    let text = call_object(&env::jobs(env)?, &id.to_string(), subject, &body).await?;
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
    let text = call_object(&uploads, &id.to_string(), subject, &body).await?;
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
    let mut response = fetch_object(&env::jobs(env)?, &id.to_string(), subject, built).await?;
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

/// Sends a text to an object of this name and gives its reply. The request that waits for it has a deadline, and
/// the object bounds each of its own waits.
///
/// # Errors
/// 503 when it cannot be reached.
async fn call_object(
    objects: &ObjectNamespace,
    name: &str,
    subject: LogSubject<'_>,
    text: &str,
) -> Result<String, Problem> {
    let failed = |cause: worker::Error| unavailable(subject, "an object", &cause);
    let stub: ObjectStub = objects.get_by_name(name).map_err(failed)?.into_rpc();
    let reply = JsFuture::from(stub.ask(text).map_err(|cause| failed(cause.into()))?).await;
    reply.map_err(|cause| failed(cause.into()))?.as_string().ok_or_else(|| failed("no text".into()))
}

async fn fetch_object(
    objects: &ObjectNamespace,
    name: &str,
    subject: LogSubject<'_>,
    request: worker::Result<Request>,
) -> Result<Response, Problem> {
    let failed = |cause: worker::Error| unavailable(subject, "an object", &cause);
    let stub = objects.get_by_name(name).map_err(failed)?;
    stub.fetch_with_request(request.map_err(failed)?).await.map_err(failed)
}

/// What an object's method replies: at once where nothing has to be waited for, so that a panic is thrown through
/// the call to its caller. Otherwise a promise.
pub fn poll_reply(reply: impl Future<Output = String> + 'static) -> JsValue {
    let mut reply = Box::pin(reply);
    // The task that goes on polls again, and registers its own waker.
    match reply.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(text) => JsValue::from_str(&text),
        Poll::Pending => future_to_promise(async move { Ok(JsValue::from_str(&reply.await)) }).into(),
    }
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

const SWITCHING_PROTOCOLS: u16 = 101;
