//! Query strings, read parameter by parameter, with every error at once.

use crate::http::problem::Problem;
use crate::json::field_error::FieldError;
use crate::json::suggest::did_you_mean;

/// Hands each parameter to `read`, as it was sent; `None` from it is an unknown name, and `known` are those
/// that may have been meant.
///
/// # Errors
/// 422; the pointers name the parameters.
pub(crate) fn read_query(
    query: &str,
    known: &[&'static str],
    mut read: impl FnMut(&str, &str) -> Option<Result<(), String>>,
) -> Result<(), Problem> {
    let mut errors = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let unknown =
            || Err(format!("is not a known parameter{}", did_you_mean(name, known.iter().copied())));
        if let Err(detail) = read(name, value).unwrap_or_else(unknown) {
            let name: String = name.chars().take(40).collect();
            errors.push(FieldError { pointer: format!("/{name}"), detail });
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}
