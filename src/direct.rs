//! What the entry module calls: the way of a request that asks one object, and the beginning of every other.
//!
//! Invariant: nothing here waits but [`handle`]. What is asked and answered is decided by
//! `reel_core::objects::direct`; what is not plain goes the long way.

use reel_core::http::access::{Credential, Presented, admit_host, authorize, user_token};
use reel_core::http::cross_site::check_arrival;
use reel_core::http::problem::Problem;
use reel_core::http::request_head::RequestHead;
use reel_core::http::response_headers::ContentKind;
use reel_core::http::route::Route;
use reel_core::objects::direct::{DirectStep, ReportTicket};
use reel_core::objects::job::JobReply;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::Context as JsContext;
use worker::{Context, Env, web_sys};

use crate::platform::http::{HttpResponse, body_timed_out};
use crate::platform::log::log;
use crate::platform::{clock, env};
use crate::{api, limits, users};

/// Reads the settings, before the first request of an instance.
#[wasm_bindgen]
#[allow(clippy::needless_pass_by_value, reason = "JavaScript hands over what it passes")]
pub fn read_settings(env: Env) {
    env::read_settings(&env);
}

/// What to do first for a request with this head: the text of a [`DirectStep`], or nothing if it goes the long
/// way, as every request does while the settings are wrong.
#[wasm_bindgen]
pub fn first_step(head: &str) -> Option<String> {
    let head = RequestHead::parse(head)?;
    let route = Route::parse(head.method, head.path).ok()?;
    if !DirectStep::is_for(&route) {
        return None;
    }
    let config = env::kept_config(head.called_origin)?;
    admit_host(&config, head.host()).ok()?;
    if route == Route::Health {
        let step = DirectStep::Answer { status: 200, body: api::health::json_of(&config) };
        return Some(step.to_text(&clock::request_id()));
    }
    check_arrival(&route, &head, &config).ok()?;
    if limits::has_refused() && route.accepts().contains(&Credential::ApiKey) {
        return None;
    }
    let presented = Presented {
        host: head.host(),
        authorization: head.header("authorization"),
        on_behalf_of: head.header("on-behalf-of"),
        token: head.query("token"),
        ..Presented::default()
    };
    let user = match user_token(&route, &presented, &config) {
        Some(token) => Some(Ok(users::known_user(&config, token)?)),
        None => None,
    };
    let presented = Presented { user: user.as_ref(), ..presented };
    let caller = authorize(&route, &presented, &config, clock::now()).ok()?;
    let step = DirectStep::first(&route, &caller, head.content_length())?;
    env::follow(&config);
    limits::admit_at_once(&caller, &config.limits).then(|| step.to_text(&clock::request_id()))
}

/// The command of a report whose body was read; nothing if the long way is to say what is wrong with it.
#[wasm_bindgen]
pub fn report_command(job: &str, ticket: &str, body: &str) -> Option<String> {
    ReportTicket::from_text(ticket)?.command(job.parse().ok()?, body.as_bytes())
}

/// The response to a reply of a job's object that is no JSON for the client.
#[wasm_bindgen]
pub fn job_response(head: &str, request_id: &str, reply: &str) -> web_sys::Response {
    let body = JobReply::from_text(reply).map_or_else(
        || {
            log(LogSubject::Request(request_id), LogEvent::UnreadableReply, "from a job's object");
            Err(Problem::unavailable())
        },
        JobReply::into_body,
    );
    match body {
        Ok(body) => send(HttpResponse::json(200, body), head, request_id),
        Err(problem) => send(HttpResponse::problem(&problem, request_id), head, request_id),
    }
}

/// The response to a request whose body did not arrive in time.
#[wasm_bindgen]
pub fn late_body(head: &str, request_id: &str) -> web_sys::Response {
    send(HttpResponse::problem(&body_timed_out(), request_id), head, request_id)
}

/// The response to a request that came to no answer: its object could not be asked, or the instance trapped.
#[wasm_bindgen]
pub fn unanswered(head: &str, cause: &str) -> web_sys::Response {
    let request_id = clock::request_id();
    log(LogSubject::Request(&request_id), LogEvent::Unavailable, cause);
    send(HttpResponse::problem(&Problem::unavailable(), &request_id), head, &request_id)
}

/// The headers of a JSON response to a page of this origin, as a JSON object.
#[wasm_bindgen]
pub fn standing_headers(origin: &str) -> String {
    let config = env::any_kept_config();
    let origin = Some(origin).filter(|origin| !origin.is_empty());
    let standing =
        reel_core::http::response_headers::standing_headers(ContentKind::Api, config.as_deref(), origin);
    let mut headers = serde_json::Map::new();
    for (name, value) in standing {
        headers.insert(name.to_owned(), value.into_owned().into());
    }
    headers.insert("content-type".to_owned(), "application/json".into());
    serde_json::Value::Object(headers).to_string()
}

/// The long way: everything that a request may need.
#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
pub async fn handle(
    head: String,
    request: web_sys::Request,
    env: Env,
    context: JsContext,
) -> web_sys::Response {
    api::handle_request(&head, request, env, Context::new(context)).await
}

fn send(answer: HttpResponse, head: &str, request_id: &str) -> web_sys::Response {
    let (config, head) = (env::any_kept_config(), RequestHead::parse(head).unwrap_or_default());
    let standing = reel_core::http::response_headers::standing_headers(
        answer.kind(),
        config.as_deref(),
        head.header("origin"),
    );
    answer.send(request_id, &standing, head.method != "HEAD")
}
