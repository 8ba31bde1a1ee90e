//! Labels: what a caller notes on a job, and finds it by.
//!
//! Invariant: a key has no colon, so that `key:value` is one label and no other.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::json::field_error::FieldContext;
use crate::json::reader::text;

/// The labels of a job, as canonical JSON: an object of texts, its keys sorted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(Box<RawValue>);

impl Labels {
    /// Reads at most [`LABELS_MAX`] labels; `None` inside for an object without any.
    #[allow(clippy::option_option, reason = "none and invalid are different results")]
    pub(crate) fn read(value: &Value, mut at: FieldContext<'_>) -> Option<Option<Self>> {
        at.describe(|| {
            json!({
                "type": "object",
                "maxProperties": LABELS_MAX,
                "propertyNames": {"pattern": KEY_PATTERN, "maxLength": KEY_MAX_CHARS},
            })
        });
        #[cfg(feature = "describe")]
        if at.is_describing() {
            text(VALUE_MAX_CHARS)(&Value::Null, at.described_values());
        }
        let Value::Object(labels) = value else { return at.expected("an object", value) };
        if labels.len() > LABELS_MAX {
            return at.reject(format!("must have at most {LABELS_MAX} labels, but has {}", labels.len()));
        }
        let mut is_valid = true;
        for (key, value) in labels {
            if !is_key(key) {
                at.child(key).reject::<()>(format!(
                    "must be a key of 1 to {KEY_MAX_CHARS} letters, digits, '.', '-' and '_'"
                ));
                is_valid = false;
            } else if text(VALUE_MAX_CHARS)(value, at.child(key)).is_none() {
                is_valid = false;
            }
        }
        let json = is_valid.then(|| RawValue::from_string(value.to_string()).ok())??;
        Some((!labels.is_empty()).then_some(Self(json)))
    }

    /// As JSON.
    pub fn json(&self) -> &RawValue {
        &self.0
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Labels {}

/// Whether a text is `key:value`, as a list is asked for.
pub fn is_label(text: &str) -> bool {
    text.split_once(':').is_some_and(|(key, value)| is_key(key) && !value.is_empty())
}

fn is_key(key: &str) -> bool {
    (1..=KEY_MAX_CHARS).contains(&key.len())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Labels of one job. Each is a row of the index.
const LABELS_MAX: usize = 16;
const KEY_MAX_CHARS: usize = 64;
const VALUE_MAX_CHARS: usize = 256;
const KEY_PATTERN: &str = "^[A-Za-z0-9._-]+$";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Result<Option<String>, Vec<String>> {
        let mut errors = Vec::new();
        let labels = Labels::read(value, FieldContext::root(&mut errors));
        match labels {
            Some(labels) if errors.is_empty() => Ok(labels.map(|labels| labels.json().get().to_owned())),
            _ => Err(errors.into_iter().map(|error| error.pointer).collect()),
        }
    }

    #[test]
    fn labels_are_short_texts_by_key() {
        let labels = json!({"team": "U12", "coach.id": "é 7"});
        assert_eq!(read(&labels), Ok(Some(r#"{"coach.id":"é 7","team":"U12"}"#.to_owned())));
        assert_eq!(read(&json!({})), Ok(None));
        let wrong = json!({"a:b": "x", "": "x", "ok": 7, "fine": "", "long": "x".repeat(257), "é": "x"});
        assert_eq!(read(&wrong).unwrap_err().len(), 6, "every fault at once");
        let many: serde_json::Map<_, _> = (0..17).map(|n| (format!("k{n}"), json!("v"))).collect();
        assert_eq!(read(&many.into()), Err(vec![String::new()]));
        assert_eq!(read(&json!(["a"])), Err(vec![String::new()]));
    }

    #[test]
    fn a_label_of_a_list_has_a_key_and_a_value() {
        assert!(is_label("team:U12") && is_label("a.b:c:d"));
        for wrong in ["team", "team:", ":U12", "te am:x", ""] {
            assert!(!is_label(wrong), "{wrong}");
        }
    }
}
