//! The key of an input video, read from a body.

use serde_json::{Value, json};

use crate::base::object_key::{KEY_MAX_BYTES, ObjectKey};
use crate::json::field_error::FieldContext;

/// Reads the key of an upload: what a client names as a job's input.
pub(crate) fn input_key(value: &Value, mut at: FieldContext<'_>) -> Option<ObjectKey> {
    at.describe(
        || json!({"type": "string", "pattern": ObjectKey::INPUT_PATTERN, "maxLength": KEY_MAX_BYTES}),
    );
    let Value::String(text) = value else { return at.reject("must be a string") };
    ObjectKey::parse_input(text).or_else(|error| at.reject(error.to_string()).ok_or(error)).ok()
}
