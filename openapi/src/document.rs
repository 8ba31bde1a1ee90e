//! The document: paths from the core's routes, security from its access table, schemas from its types.

use reel_core::http::access::Credential;
use reel_core::http::problem::ProblemCode;
use reel_core::http::route::{ROUTES, Route, RouteRow};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::log::MessageType;
use reel_core::webhook::event_type::{TEST_EVENT, WebhookEventType};
use reel_core::wire::description::{add_answers, definitions, generator, reports};
use serde_json::{Map, Value, json};

use crate::operations::{Answer, Body, Operation, TAGS, operation};
use crate::parameters::{header_parameter, path_parameter, query_parameter};
use crate::problems::{codes, remedy};
use crate::{answers, requests};

/// The whole document, `OpenAPI` 3.1.
///
/// # Panics
/// When a route, a parameter or a schema is missing in the tables: a test and the build say which.
pub fn document() -> Value {
    let tags: Vec<Value> =
        TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Reel Ballers export API",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Upload a video, create an export job, follow it, download the reel.",
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "Where this document was found."}],
        "tags": tags,
        "paths": paths(),
        "webhooks": webhooks(),
        "components": {
            "schemas": schemas(),
            "securitySchemes": security_schemes(),
            "headers": headers(),
        },
    })
}

const ABOUT: &str = "Everything under `/api` is JSON, and a body says so (`Content-Type: application/json`). Every error \
    is `application/problem+json` (RFC 9457): one sentence a person can act on, a `code` for programs, and for a wrong \
    body every fault with its JSON pointer. A service calls with its key and may act for one user with \
    `On-Behalf-Of`; an end user calls with a token of their identity provider; the holder of a link may do what the \
    link is for. HEAD works wherever GET does, and a slash at the end of a path changes nothing.";

/// What is sent to the servers of users.
fn webhooks() -> Value {
    let in_header = |name: &str, description: &str| json!({"name": name, "in": "header", "required": true, "description": description, "schema": {"type": "string"}});
    let event = |event_type: &str, summary: &str, data: &str| {
        let schema = json!({
            "type": "object",
            "required": ["type", "timestamp", "data"],
            "properties": {
                "type": {"type": "string", "const": event_type},
                "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
                "data": {"$ref": requests::reference(data)},
            },
        });
        json!({"post": {
            "operationId": event_type.replace('.', "_"),
            "tags": ["Webhooks"],
            "summary": summary,
            "description": ABOUT_DELIVERIES,
            "security": [],
            "parameters": [
                in_header("webhook-id", "The event: the same with each attempt, and at each webhook."),
                in_header("webhook-timestamp", "When this attempt was sent, in seconds since 1970."),
                in_header("webhook-signature", "One signature for each valid secret, with a space between them: `v1,` \
                    and base64 of an HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`."),
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema": schema}}},
            "responses": {
                "2XX": {"description": "The event was taken."},
                "410": {"description": "The webhook is switched off."},
                "default": {"description": "It is sent again later."},
            },
        }})
    };
    let of_job = |event_type: WebhookEventType| {
        let summary = match event_type {
            WebhookEventType::Started => "A renderer has taken a job",
            WebhookEventType::Complete => "The result of a job is there",
            WebhookEventType::Error => "A job has failed",
            WebhookEventType::Cancelled => "A job was cancelled",
        };
        (event_type.as_str().to_owned(), event(event_type.as_str(), summary, "JobMessage"))
    };
    let test = (TEST_EVENT.to_owned(), event(TEST_EVENT, "Somebody tests a webhook", "WebhookTestData"));
    WebhookEventType::ALL.map(of_job).into_iter().chain([test]).collect::<Map<_, _>>().into()
}

const ABOUT_DELIVERIES: &str = "Sent at least once and in the order of `seq`; answer with 2xx within 15 seconds, and \
    verify the signature over the body as it came. What fails is tried again for 24 hours.";

fn paths() -> Value {
    let mut paths = Map::new();
    for row in ROUTES {
        let method = row.methods.to_ascii_lowercase();
        let operation = operation(&method, row.path)
            .unwrap_or_else(|| panic!("openapi/src/operations.rs lacks {method} {}", row.path));
        let item = paths.entry(row.path.replace("...}", "}")).or_insert_with(|| json!({}));
        item[&method] = operation_json(&operation, &method, row);
    }
    paths.into()
}

fn operation_json(operation: &Operation, method: &str, row: &RouteRow) -> Value {
    let filled = row.path_with(sample);
    let route = Route::parse(&method.to_ascii_uppercase(), &filled)
        .unwrap_or_else(|_| panic!("{method} {filled} is a route"));
    let mut json = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": parameters(operation, &route, row),
        "security": security(&route),
        "responses": responses(operation, &route, method),
    });
    let (name, required) = match operation.body {
        Body::None => ("", false),
        Body::Json(name) => (name, true),
        Body::OptionalJson(name) => (name, false),
    };
    if !name.is_empty() {
        let schema = json!({"schema": {"$ref": requests::reference(name)}});
        json["requestBody"] = json!({"required": required, "content": {"application/json": schema}});
    }
    if operation.is_deprecated {
        json["deprecated"] = true.into();
    }
    json
}

/// A value that every path with this parameter takes.
fn sample(name: &str) -> String {
    match name {
        "project_id" | "clip_index" => "1",
        "key" => "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4",
        "upload_id" => "-",
        "delivery_id" => "3.url",
        _ => "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50",
    }
    .to_owned()
}

fn parameters(operation: &Operation, route: &Route<'_>, row: &RouteRow) -> Vec<Value> {
    let known = |found: Option<Value>, name: &str| {
        found.unwrap_or_else(|| panic!("openapi/src/parameters.rs lacks {name} of {}", row.path))
    };
    let in_path = row.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?.trim_end_matches('.');
        Some(known(path_parameter(name), name))
    });
    let in_query = operation.query.iter().map(|name| known(query_parameter(name), name));
    let acts_for_users = route.accepts().iter().any(|credential| matches!(credential, Credential::User(_)));
    let on_behalf = acts_for_users.then_some("On-Behalf-Of");
    let in_header =
        operation.headers.iter().copied().chain(on_behalf).map(|name| known(header_parameter(name), name));
    in_path.chain(in_query).chain(in_header).collect()
}

fn security(route: &Route<'_>) -> Vec<Value> {
    let accepted = route.accepts();
    let one = |credential: &Credential<'_>| match credential {
        Credential::Nothing | Credential::WebhookToken(..) | Credential::CallbackToken(_, Some(_)) => {
            json!({})
        }
        Credential::ApiKey => json!({"apiKey": []}),
        Credential::User(scope) => json!({"userToken": [scope.as_str()]}),
        Credential::WatchToken(_) => json!({"watchToken": []}),
        Credential::CallbackToken(_, None) => json!({"attemptToken": []}),
        Credential::UploadToken(_) => json!({"uploadToken": [], "videoKey": []}),
    };
    accepted.iter().map(one).collect()
}

fn security_schemes() -> Value {
    let in_header = |name: &str, description: &str| json!({"type": "apiKey", "in": "header", "name": name, "description": description});
    json!({
        "apiKey": {"type": "http", "scheme": "bearer",
            "description": "A service's key. Development without a key takes calls at a loopback address."},
        "userToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An end user's token, of the identity provider or of `POST /api/tokens`, with the scope."},
        "watchToken": {"type": "apiKey", "in": "query", "name": "token",
            "description": "The token of a job's `websocket_url`: whoever holds the link may read the job."},
        "attemptToken": {"type": "http", "scheme": "bearer",
            "description": "The token of one attempt, for the renderer's reports."},
        "uploadToken": in_header("Upload-Token", "The `upload_id`, for a path with `-` in its place."),
        "videoKey": in_header("Video-Key", "The upload's `video_key`, percent-encoded."),
    })
}

fn responses(operation: &Operation, route: &Route<'_>, method: &str) -> Value {
    let mut responses = Map::new();
    for (status, answer) in operation.answers {
        let mut response = json!({"description": success_sentence(*status)});
        let content = |media_type: &str, schema: Value| json!({ media_type: { "schema": schema } });
        match answer {
            Answer::Empty => {}
            Answer::Json(name) => {
                response["content"] = content("application/json", json!({"$ref": requests::reference(name)}));
            }
            Answer::Bytes => response["content"] = json!({"video/*": {}, "image/*": {}}),
            Answer::WebVtt => response["content"] = content("text/vtt", json!({"type": "string"})),
            Answer::Socket(name) => response["x-messages"] = json!({"$ref": requests::reference(name)}),
        }
        responses.insert(status.to_string(), response);
    }
    let codes = codes(operation, route, method);
    for status in codes.iter().map(|code| code.status()) {
        let of_status: Vec<ProblemCode> =
            codes.iter().copied().filter(|code| code.status() == status).collect();
        responses.insert(status.to_string(), problem_response(status, &of_status));
    }
    responses.into()
}

fn problem_response(status: u16, codes: &[ProblemCode]) -> Value {
    let lines: Vec<String> =
        codes.iter().map(|code| format!("`{code}`: {}. {}", code.title(), remedy(*code))).collect();
    let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let schema = json!({"schema": {"$ref": requests::reference("Problem")}});
    let mut response = json!({
        "description": lines.join("\n\n"),
        "content": { "application/problem+json": schema },
        "x-problem-codes": words,
    });
    let header = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    match status {
        401 => response["headers"] = json!({"WWW-Authenticate": header("Challenge")}),
        429 => response["headers"] = json!({"Retry-After": header("RetryAfter")}),
        _ => {}
    }
    response
}

const fn success_sentence(status: u16) -> &'static str {
    match status {
        101 => "The socket is open.",
        201 => "It was made.",
        206 => "The part that was asked for.",
        304 => "It has not changed.",
        503 => "A setting is missing.",
        _ => "All is well.",
    }
}

fn headers() -> Value {
    json!({
        "Challenge": {"description": "Which credential is missing or wrong (RFC 6750 3).", "schema": {"type": "string"}},
        "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    })
}

fn schemas() -> Value {
    let mut generator = generator();
    add_answers(&mut generator);
    answers::add(&mut generator);
    let mut schemas = definitions(generator);
    schemas.extend(reports());
    schemas.extend(requests::schemas());
    // Between the Worker and RunPod: no route takes them.
    schemas.remove("RunInput");
    schemas.remove("CallbackAddress");
    let job = schemas.get("Job").cloned().unwrap_or_default();
    schemas.insert("JobMessage".to_owned(), message(job.clone()));
    schemas.insert("LegacyMessage".to_owned(), legacy_message(job));
    let test_data = json!({
        "type": "object",
        "description": "What a test event is about.",
        "required": ["webhook_id"],
        "properties": {"webhook_id": {"type": "string", "format": "uuid", "description": "The webhook."}},
    });
    schemas.insert("WebhookTestData".to_owned(), test_data);
    if let Some(codes) = schemas.get_mut("ErrorCode") {
        let lines: Vec<String> =
            ErrorCode::ALL.iter().map(|code| format!("`{code}`: {}", code.default_message())).collect();
        codes["description"] = format!("Why a job failed.\n\n{}", lines.join("\n\n")).into();
    }
    if let Some(problem) = schemas.get_mut("Problem") {
        problem["properties"]["code"]["enum"] = json!(ProblemCode::ALL.map(ProblemCode::as_str).as_slice());
    }
    let mut schemas = Value::from(schemas);
    tidy(&mut schemas);
    schemas
}

/// The job as it is in a message.
fn message(mut job: Value) -> Value {
    job["title"] = "JobMessage".into();
    job["description"] = "A message of a job's socket: the job as it is now.".into();
    let words = MessageType::ALL.map(MessageType::as_str);
    job["properties"]["type"] = json!({"type": "string", "enum": words,
        "description": "The kind of message. `complete` and `error` are the last."});
    if let Some(required) = job["required"].as_array_mut() {
        required.push("job_type".into());
    }
    job
}

fn legacy_message(mut job: Value) -> Value {
    job["title"] = "LegacyMessage".into();
    job["description"] = "A message of the FastAPI backend's socket: the job as it is now.".into();
    if let Some(required) = job["required"].as_array_mut() {
        required.push("projectId".into());
    }
    job
}

/// Takes out what says nothing: formats that only Rust knows, and titles that repeat a name.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.remove("$schema");
            let is_rust = |format: &Value| {
                format.as_str().is_some_and(|format| {
                    format.starts_with("uint") || format.starts_with("int") || format == "double"
                })
            };
            if members.get("format").is_some_and(is_rust) {
                members.remove("format");
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
