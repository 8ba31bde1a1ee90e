//! Requests and answers over `web_sys`: read only what a route needs, answer with as few crossings
//! between JavaScript and wasm as can be. Handlers see nothing of `worker::Request`.

use crate::platform::log::log;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use std::borrow::Cow;

use reel_core::http::problem::{Problem, ProblemCode};
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::js_sys::{self};
use worker::web_sys;

/// An incoming request.
pub struct HttpRequest {
    raw: web_sys::Request,
    origin: String,
    host: String,
    path: String,
    query: String,
}

impl HttpRequest {
    /// Takes a request apart as far as routing needs it.
    pub fn new(raw: web_sys::Request) -> Self {
        let url = raw.url();
        let after_host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let host = after_host.split('/').next().unwrap_or_default();
        let target = after_host.get(host.len()..).filter(|rest| !rest.is_empty()).unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let origin_len = url.len() - after_host.len() + host.len();
        let origin = url.get(..origin_len).unwrap_or_default().to_owned();
        Self { origin, host: host.to_owned(), path: path.to_owned(), query: query.to_owned(), raw }
    }

    /// The method, in capitals.
    pub fn method(&self) -> String {
        self.raw.method()
    }

    /// Scheme, host and port that the request was sent to.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Host and port that the request was sent to.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path, still percent-encoded: no segment of ours needs decoding.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, without its question mark.
    pub fn query_string(&self) -> &str {
        &self.query
    }

    /// A query parameter, as it was sent.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<String> {
        self.raw.headers().get(name).ok().flatten()
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
        let too_large = || {
            Problem::new(
                ProblemCode::BodyTooLarge,
                format!(
                    "The body must have at most {max_bytes} bytes; videos go straight to storage, see POST /api/videos/upload-url."
                ),
            )
        };
        let unread =
            |_: JsValue| Problem::new(ProblemCode::NotJson, "The body could not be read; send it again.");
        let declared = self.header("content-length").and_then(|text| text.parse::<usize>().ok());
        if let Some(length) = declared {
            if length > max_bytes {
                return Err(too_large());
            }
            let buffer = JsFuture::from(self.raw.array_buffer().map_err(unread)?).await.map_err(unread)?;
            return Ok(js_sys::Uint8Array::new(&buffer).to_vec());
        }
        let Some(stream) = self.raw.body() else { return Ok(Vec::new()) };
        let reader: web_sys::ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
        let mut body = Vec::new();
        loop {
            let chunk = JsFuture::from(reader.read()).await.map_err(unread)?;
            let done = js_sys::Reflect::get(&chunk, &JsValue::from_str("done")).map_err(unread)?;
            if done.is_truthy() {
                return Ok(body);
            }
            let value = js_sys::Reflect::get(&chunk, &JsValue::from_str("value")).map_err(unread)?;
            let bytes = js_sys::Uint8Array::new(&value);
            if body.len() + usize::try_from(bytes.length()).unwrap_or(usize::MAX) > max_bytes {
                // The client may never stop sending; it is told now, and the rest is not read.
                let _cancelled = reader.cancel();
                return Err(too_large());
            }
            body.extend(bytes.to_vec());
        }
    }
}

/// An answer in the making.
pub struct HttpResponse {
    status: u16,
    content_type: Cow<'static, str>,
    body: ResponseBody,
    headers: Vec<(&'static str, String)>,
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
    pub fn bytes(status: u16, content_type: &str, stream: Option<web_sys::ReadableStream>) -> Self {
        let body = stream.map_or(ResponseBody::Empty, ResponseBody::Stream);
        Self { status, content_type: Cow::Owned(content_type.to_owned()), body, headers: Vec::new() }
    }

    /// Nothing but headers.
    pub fn empty(status: u16) -> Self {
        Self { status, content_type: Cow::Borrowed(""), body: ResponseBody::Empty, headers: Vec::new() }
    }

    /// A problem (RFC 9457).
    pub fn problem(problem: &Problem, request_id: &str) -> Self {
        let mut answer = Self::from_problem_json(problem.code.status(), problem.body(request_id));
        if let Some(methods) = &problem.allow {
            answer = answer.with("allow", methods.as_str());
        }
        if let Some(challenge) = problem.challenge() {
            answer = answer.with("www-authenticate", challenge);
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
            content_type: Cow::Borrowed(content_type),
            body: ResponseBody::Text(body),
            headers: Vec::new(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Hands the answer to the runtime. `HEAD`, 204 and 304 have no body.
    pub fn send(self, request_id: &str, with_body: bool) -> web_sys::Response {
        match self.build(request_id, with_body) {
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

    fn build(self, request_id: &str, with_body: bool) -> Result<web_sys::Response, JsValue> {
        let headers = web_sys::Headers::new()?;
        headers.set("x-request-id", request_id)?;
        headers.set("cache-control", "no-store")?;
        let bodiless = matches!(self.status, 204 | 304);
        if !bodiless {
            headers.set("content-type", &self.content_type)?;
        }
        for (name, value) in &self.headers {
            headers.set(name, value)?;
        }
        let init = web_sys::ResponseInit::new();
        init.set_status(self.status);
        init.set_headers(&headers);
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
