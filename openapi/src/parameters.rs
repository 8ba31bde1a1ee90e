//! Parameters of paths, queries and headers.

use reel_core::edit::JobType;
use reel_core::job::status::JobStatus;
use serde_json::{Value, json};

/// A path's parameter.
pub fn path_parameter(name: &str) -> Option<Value> {
    let (description, schema) = match name {
        "job_id" => ("The job.", json!({"type": "string", "format": "uuid"})),
        "webhook_id" => ("The webhook.", json!({"type": "string", "format": "uuid"})),
        "delivery_id" => ("The `delivery_id` of the list.", json!({"type": "string", "minLength": 1})),
        "upload_id" => (
            "The upload, or `-` with the headers `Upload-Token` and `Video-Key`, which no log of URLs keeps.",
            json!({"type": "string", "minLength": 1}),
        ),
        "project_id" => ("The project, as the client numbers it.", json!({"type": "integer", "minimum": 1})),
        "clip_index" => ("The clip.", json!({"type": "integer", "minimum": 0, "maximum": 999})),
        "subject" => ("The user, percent-encoded.", json!({"type": "string", "minLength": 1})),
        "token" => ("A capability of one attempt.", json!({"type": "string", "minLength": 1})),
        "key" => ("The video or picture. Its slashes may stand as they are.", json!({"type": "string"})),
        _ => return None,
    };
    Some(parameter(name, "path", true, description, &schema))
}

/// A query's parameter.
pub fn query_parameter(name: &str) -> Option<Value> {
    let (description, schema) = match name {
        "project_id" => ("Only jobs of this project.", json!({"type": "integer"})),
        "status" => (
            "Only jobs in this state.",
            json!({"type": "string", "enum": words(&JobStatus::ALL.map(JobStatus::as_str))}),
        ),
        "type" => (
            "Only jobs of this type.",
            json!({"type": "string", "enum": words(&JobType::ALL.map(JobType::as_str))}),
        ),
        "dry_run" => {
            ("`true` checks the request and creates nothing.", json!({"type": "boolean", "default": false}))
        }
        "label" => (
            "Only jobs with this label, as `key:value`.",
            json!({"type": "string", "pattern": "^[A-Za-z0-9._-]+:."}),
        ),
        "limit" => {
            ("How many at most.", json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 20}))
        }
        "cursor" => ("The `next_cursor` of the page before.", json!({"type": "string"})),
        "after" => ("The `seq` of the last event that is known.", json!({"type": "integer", "minimum": 0})),
        "subject" => ("Only what this user did, percent-encoded.", json!({"type": "string", "minLength": 1})),
        "filename" => ("The name of the file.", json!({"type": "string"})),
        "inline" => ("`1` shows it in the page instead of saving it.", json!({"type": "string"})),
        _ => return None,
    };
    Some(parameter(name, "query", false, description, &schema))
}

/// A header that a request may have.
pub fn header_parameter(name: &str) -> Option<Value> {
    let (description, schema) = match name {
        "Idempotency-Key" => (
            "Chosen by the client: the same key gets the same job.",
            json!({"type": "string", "minLength": 1, "maxLength": 255}),
        ),
        "Range" => ("Bytes to send (RFC 9110 14.2).", json!({"type": "string"})),
        "If-None-Match" => ("The `ETag` that is known already.", json!({"type": "string"})),
        "On-Behalf-Of" => (
            "By a service: the end user for whom it acts, percent-encoded.",
            json!({"type": "string", "minLength": 1}),
        ),
        _ => return None,
    };
    Some(parameter(name, "header", false, description, &schema))
}

fn words(words: &[&str]) -> Value {
    json!(words)
}

fn parameter(name: &str, place: &str, required: bool, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": place, "required": required, "description": description, "schema": schema})
}
