//! One text from an object to the Worker: a word that says what follows, and what follows.
//!
//! The body of a reply is JSON that a client gets as it is. Behind a word on the first line it crosses
//! without being escaped and parsed again.

use crate::http::problem::Problem;

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

/// A problem as it crosses: whole, with its code and its field errors.
pub fn problem_to_text(problem: &Problem) -> String {
    join(PROBLEM, &serde_json::to_string(problem).unwrap_or_default())
}

/// The problem behind the word [`PROBLEM`].
pub fn problem_from_text(rest: &str) -> Option<Problem> {
    serde_json::from_str(rest).ok()
}

/// The word of a problem, for every object.
pub const PROBLEM: &str = "problem";
