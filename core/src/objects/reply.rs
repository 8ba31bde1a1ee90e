//! One text from an object to the Worker: a word that says what follows, and what follows.
//!
//! The body of a reply is JSON that a client gets as it is. Behind a word on the first line it crosses
//! without being escaped and parsed again.

use serde_json::{Value, json};

use crate::http::problem::{Problem, ProblemCode};
use crate::json::field_error::FieldError;

/// Joins a word and what follows it.
pub fn join(word: &str, rest: &str) -> String {
    let mut text = String::with_capacity(word.len() + 1 + rest.len());
    text.push_str(word);
    text.push('\n');
    text.push_str(rest);
    text
}

/// Cuts a text at its first line; `None` for a text that [`join`] did not write.
pub fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once('\n')
}

/// A problem as it crosses: with its code, its sentence and its field errors. Which methods a path has is
/// known before an object is asked.
pub fn problem_to_text(problem: &Problem) -> String {
    let errors: Vec<Value> =
        problem.errors.iter().map(|error| json!([error.pointer, error.detail])).collect();
    let problem = json!({ "code": problem.code.as_str(), "detail": problem.detail, "errors": errors });
    join(PROBLEM, &problem.to_string())
}

/// The problem behind the word [`PROBLEM`]; `None` for one with a code that this version does not know.
pub fn problem_from_text(rest: &str) -> Option<Problem> {
    let problem: Value = serde_json::from_str(rest).ok()?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let mut read =
        Problem::new(ProblemCode::from_word(problem.get("code")?.as_str()?)?, text(problem.get("detail"))?);
    for error in problem.get("errors")?.as_array()? {
        read.errors.push(FieldError { pointer: text(error.get(0))?, detail: text(error.get(1))? });
    }
    Some(read)
}

/// The word of a problem, for every object.
pub const PROBLEM: &str = "problem";
