//! Requests and answers over `web_sys`: read only what a route needs, answer with as few crossings
//! between JavaScript and wasm as can be. Handlers see nothing of `worker::Request`.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::Write as _;

use reel_core::http::cross_site::Arrival;
use reel_core::http::problem::{Problem, ProblemCode, ReachedLimit};
use reel_core::http::request_head::RequestHead;
use reel_core::http::response_headers::{ContentKind, Header};
use reel_core::objects::log_event::{LogEvent, LogSubject};
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::{js_sys, web_sys};

use crate::platform::log::log;
use crate::platform::stream::read_at_most;

/// An incoming request.
pub struct HttpRequest<'h> {
    raw: web_sys::Request,
    head: RequestHead<'h>,
    is_reading: Cell<bool>,
}

impl<'h> HttpRequest<'h> {
    /// A request and its head.
    pub const fn new(raw: web_sys::Request, head: RequestHead<'h>) -> Self {
        Self { raw, head, is_reading: Cell::new(false) }
    }

    /// Host and port that the request was sent to.
    pub fn host(&self) -> &'h str {
        self.head.host()
    }

    /// The path, still percent-encoded.
    pub const fn path(&self) -> &'h str {
        self.head.path
    }

    /// The query, without its question mark.
    pub const fn query_string(&self) -> &'h str {
        self.head.query
    }

    /// A query parameter, as it was sent.
    pub fn query(&self, name: &str) -> Option<&'h str> {
        self.head.query(name)
    }

    /// A header that every request is asked for.
    pub fn known_header(&self, name: &str) -> Option<&'h str> {
        self.head.header(name)
    }

    /// Any header: one crossing into JavaScript.
    pub fn header(&self, name: &str) -> Option<String> {
        self.raw.headers().get(name).ok().flatten()
    }

    /// Whether its body was asked for and has not arrived.
    pub fn is_reading(&self) -> bool {
        self.is_reading.get()
    }

    /// Whether the client asks for a WebSocket.
    pub fn wants_websocket(&self) -> bool {
        self.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
    }

    /// The body, if it is at most `max_bytes` long.
    ///
    /// # Errors
    /// 413 as soon as that is clear: from `Content-Length`, or while reading when there is none.
    pub async fn body(&self, max_bytes: usize) -> Result<Vec<u8>, Problem> {
        self.is_reading.set(true);
        let body = self.read_body(max_bytes).await;
        self.is_reading.set(false);
        body
    }

    async fn read_body(&self, max_bytes: usize) -> Result<Vec<u8>, Problem> {
        if let Some(length) = self.head.content_length() {
            if length > max_bytes {
                return Err(too_large(max_bytes));
            }
            let text = JsFuture::from(self.raw.text().map_err(unread)?).await.map_err(unread)?;
            return Ok(text.as_string().unwrap_or_default().into_bytes());
        }
        let Some(stream) = self.raw.body() else { return Ok(Vec::new()) };
        // The client may never stop sending: it is told now, and the rest is not read.
        read_at_most(&stream, max_bytes).await.map_err(unread)?.ok_or_else(|| too_large(max_bytes))
    }
}

impl Arrival for HttpRequest<'_> {
    fn method(&self) -> &str {
        self.head.method
    }

    fn called_origin(&self) -> &str {
        self.head.called_origin
    }

    fn origin(&self) -> Option<&str> {
        self.head.header("origin")
    }

    fn content_type(&self) -> Option<&str> {
        self.head.header("content-type")
    }

    fn content_encoding(&self) -> Option<&str> {
        self.head.header("content-encoding")
    }

    fn has_body(&self) -> bool {
        self.head.has_body()
    }
}

/// The body did not arrive in time, however little of it is missing.
pub fn body_timed_out() -> Problem {
    Problem::new(ProblemCode::RequestTimeout, "The body did not arrive within 30 s. Send the request again.")
}

fn too_large(max_bytes: usize) -> Problem {
    Problem::new(
        ProblemCode::BodyTooLarge,
        format!(
            "The body must have at most {max_bytes} bytes; videos go straight to storage, see POST /api/videos/upload-url."
        ),
    )
}

fn unread(_cause: JsValue) -> Problem {
    Problem::new(ProblemCode::NotJson, "The body could not be read; send it again.")
}

/// An answer in the making.
pub struct HttpResponse {
    status: u16,
    kind: ContentKind,
    content_type: &'static str,
    body: ResponseBody,
    headers: Vec<Header>,
}

/// What an answer carries.
enum ResponseBody {
    /// Written here.
    Text(String),
    /// From elsewhere: the runtime moves its bytes, and none of them comes through wasm.
    Stream(web_sys::ReadableStream),
    /// Nothing.
    Empty,
}

impl HttpResponse {
    /// JSON.
    pub fn json(status: u16, body: String) -> Self {
        Self::text(status, "application/json", body)
    }

    /// Bytes of the bucket, or none for HEAD: whoever answers so says how many there are.
    pub fn media(status: u16, content_type: &'static str, stream: Option<web_sys::ReadableStream>) -> Self {
        let body = stream.map_or(ResponseBody::Empty, ResponseBody::Stream);
        Self { kind: ContentKind::Media, body, ..Self::text(status, content_type, String::new()) }
    }

    /// `WebVTT` (W3C), which a player loads beside its video.
    pub fn vtt(body: String) -> Self {
        Self { kind: ContentKind::Media, ..Self::text(200, "text/vtt; charset=utf-8", body) }
    }

    /// Nothing but headers.
    pub fn empty(status: u16, kind: ContentKind) -> Self {
        Self { kind, body: ResponseBody::Empty, ..Self::text(status, "", String::new()) }
    }

    /// A problem (RFC 9457).
    pub fn problem(problem: &Problem, request_id: &str) -> Self {
        let mut answer = Self::from_problem_json(problem.code.status(), problem.body(request_id));
        if let Some(methods) = &problem.allow {
            answer = answer.with("allow", methods.clone());
        }
        if let Some(challenge) = problem.challenge() {
            answer = answer.with("www-authenticate", challenge);
        }
        for (name, value) in problem.limit.iter().flat_map(ReachedLimit::headers) {
            answer = answer.with(name, value);
        }
        if problem.code == ProblemCode::Unavailable {
            answer = answer.with("retry-after", "2");
        }
        if problem.code == ProblemCode::UpgradeRequired {
            answer = answer.with("upgrade", "websocket");
        }
        answer
    }

    /// A problem whose body is already written.
    pub fn from_problem_json(status: u16, body: String) -> Self {
        Self::text(status, "application/problem+json", body)
    }

    fn text(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            kind: ContentKind::Api,
            content_type,
            body: ResponseBody::Text(body),
            headers: Vec::new(),
        }
    }

    /// Its HTTP status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// What it is to a browser.
    pub const fn kind(&self) -> ContentKind {
        self.kind
    }

    /// The same with one more header. The last one of a name counts.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Hands the answer to the runtime, with these headers where it has none of its own. `HEAD`, 204 and
    /// 304 have no body.
    pub fn send(self, request_id: &str, standing: &[Header], with_body: bool) -> web_sys::Response {
        match self.build(request_id, standing, with_body) {
            Ok(response) => response,
            Err(cause) => {
                log(
                    LogSubject::Request(request_id),
                    LogEvent::RequestFailed,
                    &format!("the response could not be built: {cause:?}"),
                );
                web_sys::Response::error()
            }
        }
    }

    fn build(
        self,
        request_id: &str,
        standing: &[Header],
        with_body: bool,
    ) -> Result<web_sys::Response, JsValue> {
        let bodiless = matches!(self.status, 204 | 304);
        let id = ("x-request-id", Cow::Borrowed(request_id));
        let content_type = ("content-type", Cow::Borrowed(self.content_type));
        let own = self.headers.iter().chain((!bodiless).then_some(&content_type));
        let init = response_init(self.status, standing.iter().chain([&id]).chain(own))?;
        match self.body {
            ResponseBody::Text(text) if with_body && !bodiless => {
                web_sys::Response::new_with_opt_str_and_init(Some(&text), &init)
            }
            ResponseBody::Stream(stream) if with_body => {
                web_sys::Response::new_with_opt_readable_stream_and_init(Some(&stream), &init)
            }
            ResponseBody::Text(_) | ResponseBody::Stream(_) | ResponseBody::Empty => {
                web_sys::Response::new_with_opt_str_and_init(None, &init)
            }
        }
    }
}

/// Status and headers, made by one call: a call into JavaScript for each header costs more than all of them
/// written as JSON. Of several headers of one name the last counts.
fn response_init<'h>(
    status: u16,
    headers: impl Iterator<Item = &'h (&'h str, Cow<'h, str>)>,
) -> Result<web_sys::ResponseInit, JsValue> {
    let mut json = String::with_capacity(1024);
    // Writing to a string cannot fail.
    let _ = write!(json, "{{\"status\":{status},\"headers\":{{");
    for (index, (name, value)) in headers.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(json, "{comma}\"{name}\":{}", serde_json::Value::from(value.as_ref()));
    }
    json.push_str("}}");
    js_sys::JSON::parse(&json).map(JsCast::unchecked_into)
}
