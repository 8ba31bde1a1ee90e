//! What is wrong with a body, and where. Errors are collected: none of them stops the reader.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::Value;

use crate::json::reader::json_type_name;

/// One error in a request: where it is and what is wrong.
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
}

impl<'f> FieldContext<'f> {
    /// The whole body.
    pub fn root(errors: &'f mut Vec<FieldError>) -> Self {
        Self { pointer: String::new(), errors, known: &[] }
    }

    /// A member or an element below this place; escapes `~` and `/` as RFC 6901 requires.
    pub fn child(&mut self, token: &str) -> FieldContext<'_> {
        let token = token.replace('~', "~0").replace('/', "~1");
        FieldContext { pointer: format!("{}/{token}", self.pointer), errors: self.errors, known: &[] }
    }

    /// The same place again, for a reader whose result is then checked as a whole.
    pub fn reborrow(&mut self) -> FieldContext<'_> {
        FieldContext { pointer: self.pointer.clone(), errors: self.errors, known: self.known }
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

/// The number of errors that one response lists. A body of 1 MiB can have half a million errors, and a
/// response with all of them would not fit into an isolate's memory.
pub const MAX_FIELD_ERRORS: usize = 100;

const MORE_ERRORS: &str = "has more errors than are listed here; fix these and try again";
