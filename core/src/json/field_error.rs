//! What is wrong with a body, and where. Errors are collected: none of them stops the reader.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::Value;

use crate::json::reader::json_type_name;

/// One error in a request: where it is and what is wrong.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body; empty for the body itself.
    pub pointer: String,
    /// What is wrong, worded so that it can follow the name of the field.
    pub detail: String,
}

/// A place in the body that is being read, and the list that its errors go to.
#[derive(Debug)]
pub struct FieldContext<'f> {
    pointer: String,
    errors: &'f mut Vec<FieldError>,
    pub(crate) known: &'static [&'static str],
    #[cfg(feature = "describe")]
    schema: Option<&'f mut Value>,
}

impl<'f> FieldContext<'f> {
    /// The whole body.
    pub fn root(errors: &'f mut Vec<FieldError>) -> Self {
        Self {
            pointer: String::new(),
            errors,
            known: &[],
            #[cfg(feature = "describe")]
            schema: None,
        }
    }

    /// The whole body, whose reader is to write what it takes into `schema`.
    #[cfg(feature = "describe")]
    pub(crate) fn describing(errors: &'f mut Vec<FieldError>, schema: &'f mut Value) -> Self {
        Self { pointer: String::new(), errors, known: &[], schema: Some(schema) }
    }

    /// A member or an element below this place; escapes `~` and `/` as RFC 6901 requires.
    pub fn child(&mut self, token: &str) -> FieldContext<'_> {
        let token = token.replace('~', "~0").replace('/', "~1");
        FieldContext {
            pointer: format!("{}/{token}", self.pointer),
            errors: self.errors,
            known: &[],
            #[cfg(feature = "describe")]
            schema: None,
        }
    }

    /// The same place again, for a reader whose result is then checked as a whole.
    pub fn reborrow(&mut self) -> FieldContext<'_> {
        FieldContext {
            pointer: self.pointer.clone(),
            errors: self.errors,
            known: self.known,
            #[cfg(feature = "describe")]
            schema: self.schema.as_deref_mut(),
        }
    }

    /// The same place, with members that another reader reads: they are not unknown fields here.
    #[must_use]
    pub fn with_known_fields(self, known: &'static [&'static str]) -> Self {
        Self { known, ..self }
    }

    /// Records an error here and returns `None`, so that a reader can end with it. After [`MAX_FIELD_ERRORS`]
    /// errors, one last entry says that there are more.
    pub fn reject<T>(&mut self, detail: impl Into<String>) -> Option<T> {
        match self.errors.len().cmp(&MAX_FIELD_ERRORS) {
            Ordering::Less => {
                self.errors.push(FieldError { pointer: self.pointer.clone(), detail: detail.into() });
            }
            Ordering::Equal => {
                self.errors.push(FieldError { pointer: String::new(), detail: MORE_ERRORS.to_owned() });
            }
            Ordering::Greater => {}
        }
        None
    }

    /// Records "must be X, not a Y".
    pub(crate) fn expected<T>(&mut self, expected: &str, found: &Value) -> Option<T> {
        self.reject(format!("must be {expected}, not {}", json_type_name(found)))
    }
}

/// What readers say of themselves. Without the feature `describe`, which the Worker does not have, nothing of it
/// is compiled.
impl FieldContext<'_> {
    /// Says what is read here, as keywords of JSON Schema; they add to those that were said before.
    #[cfg(feature = "describe")]
    pub(crate) fn describe(&mut self, schema: impl FnOnce() -> Value) {
        if let Some(known) = self.schema.as_deref_mut() {
            crate::json::description::add(known, schema());
        }
    }

    /// Says nothing.
    #[cfg(not(feature = "describe"))]
    #[allow(clippy::unused_self, reason = "the same call with and without the feature")]
    pub(crate) fn describe(&mut self, _: impl FnOnce() -> Value) {}

    /// The place of a member, whose reader describes it.
    #[cfg(feature = "describe")]
    pub(crate) fn member(&mut self, name: &str, required: bool) -> FieldContext<'_> {
        let schema = self.schema.as_deref_mut();
        let schema = schema.map(|schema| crate::json::description::property(schema, name, required));
        FieldContext { pointer: format!("{}/{name}", self.pointer), errors: self.errors, known: &[], schema }
    }

    /// The place of a member.
    #[cfg(not(feature = "describe"))]
    pub(crate) fn member(&mut self, name: &str, _required: bool) -> FieldContext<'_> {
        self.child(name)
    }

    /// The place of each item of a list, while the list is described.
    #[cfg(feature = "describe")]
    pub(crate) fn described_items(&mut self) -> Option<FieldContext<'_>> {
        let items = crate::json::description::items(self.schema.as_deref_mut()?);
        Some(FieldContext { pointer: String::new(), errors: self.errors, known: &[], schema: Some(items) })
    }

    /// The place of each value of an object with any names, for a reader that describes itself and reads nothing.
    #[cfg(feature = "describe")]
    pub(crate) fn described_values(&mut self) -> FieldContext<'_> {
        let schema = self.schema.as_deref_mut().map(crate::json::description::values);
        FieldContext { pointer: String::new(), errors: self.errors, known: &[], schema }
    }

    /// Whether the reader is asked what it takes, and not given a body.
    #[cfg(feature = "describe")]
    pub(crate) fn is_describing(&self) -> bool {
        self.schema.is_some()
    }
}

/// The number of errors that one response lists. A body of 1 MiB can have half a million errors, and a
/// response with all of them would not fit into an isolate's memory.
pub const MAX_FIELD_ERRORS: usize = 100;

const MORE_ERRORS: &str = "has more errors than are listed here; fix these and try again";
