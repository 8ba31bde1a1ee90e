//! What is wrong with a body, and where: every error is collected, none ends the reading.

use crate::json::reader::json_type_name;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cmp::Ordering;

/// One thing wrong with a request, where it is and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body; empty for the body itself.
    pub pointer: String,
    /// One sentence a person can act on.
    pub detail: String,
}

/// A place in the body that is being read, and the list that its faults go to.
#[derive(Debug)]
pub struct FieldContext<'f> {
    pointer: String,
    faults: &'f mut Vec<FieldError>,
    pub(crate) known: &'static [&'static str],
}

impl<'f> FieldContext<'f> {
    /// The whole body.
    pub fn root(faults: &'f mut Vec<FieldError>) -> Self {
        Self { pointer: String::new(), faults, known: &[] }
    }

    /// A member or an element below this place; escapes `~` and `/` as RFC 6901 asks.
    pub fn child(&mut self, token: &str) -> FieldContext<'_> {
        let token = token.replace('~', "~0").replace('/', "~1");
        FieldContext { pointer: format!("{}/{token}", self.pointer), faults: self.faults, known: &[] }
    }

    /// The same place once more, for a reader whose result is then checked as a whole.
    pub fn reborrow(&mut self) -> FieldContext<'_> {
        FieldContext { pointer: self.pointer.clone(), faults: self.faults, known: self.known }
    }

    /// The same place, whose object also has these members: another reader reads them, so they are not
    /// unknown to this one.
    #[must_use]
    pub fn with_known_fields(self, known: &'static [&'static str]) -> Self {
        Self { known, ..self }
    }

    /// Records a fault here and answers `None`, so that a reader can end with it. After [`MAX_FAULTS`]
    /// one last entry says that there are more.
    pub fn reject<T>(&mut self, detail: impl Into<String>) -> Option<T> {
        match self.faults.len().cmp(&MAX_FAULTS) {
            Ordering::Less => {
                self.faults.push(FieldError { pointer: self.pointer.clone(), detail: detail.into() });
            }
            Ordering::Equal => {
                self.faults.push(FieldError { pointer: String::new(), detail: MORE_FAULTS.to_owned() });
            }
            Ordering::Greater => {}
        }
        None
    }

    /// Records "must be X, not a Y".
    pub(crate) fn expected<T>(&mut self, wanted: &str, found: &Value) -> Option<T> {
        self.reject(format!("must be {wanted}, not {}", json_type_name(found)))
    }
}

/// Faults that one answer lists. A body of 1 MiB has room for half a million, whose answer would not fit
/// into an isolate's memory.
pub const MAX_FAULTS: usize = 100;

const MORE_FAULTS: &str = "has more faults than are listed; mend these and send it again";
