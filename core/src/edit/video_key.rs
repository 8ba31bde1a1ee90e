//! The key of an input video, read from a body.

use serde_json::Value;

use crate::base::object_key::ObjectKey;
use crate::json::field_error::FieldContext;

/// Reads the key of an upload: what a client names as a job's input.
pub(crate) fn input_key(value: &Value, mut at: FieldContext<'_>) -> Option<ObjectKey> {
    let Value::String(text) = value else { return at.reject("must be a string") };
    ObjectKey::parse_input(text).or_else(|error| at.reject(error.to_string()).ok_or(error)).ok()
}
