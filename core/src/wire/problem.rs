//! `application/problem+json` (RFC 9457), read by three kinds of client: `detail` by those of the FastAPI
//! backend, `error` by those of the first Worker's plan, `errors` with pointers by ours.

use serde::Serialize;

use crate::json::field_error::FieldError;

/// What a problem says. `detail` is written twice, as `detail` and as `error`.
#[derive(Clone, Copy, Debug)]
pub struct ProblemJson<'p> {
    /// From the closed list.
    pub code: &'static str,
    /// The short name of the kind of problem.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// One sentence a person can act on.
    pub detail: &'p str,
    /// Every error of the body.
    pub errors: &'p [FieldError],
    /// The request's name in the logs.
    pub request_id: &'p str,
}

/// The body as text.
pub fn problem_json(problem: &ProblemJson<'_>) -> String {
    let wire = Wire {
        r#type: format!("https://reelballers.com/problems/{}", problem.code),
        title: problem.title,
        status: problem.status,
        detail: problem.detail,
        error: problem.detail,
        code: problem.code,
        errors: problem.errors,
        request_id: problem.request_id,
    };
    serde_json::to_string(&wire).unwrap_or_default()
}

#[cfg_attr(feature = "describe", derive(schemars::JsonSchema), schemars(rename = "Problem"))]
/// Why a request was refused (RFC 9457).
#[derive(Serialize)]
pub(crate) struct Wire<'p> {
    /// A URI for the kind of problem.
    r#type: String,
    /// The kind of problem in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// One sentence that a person can act on.
    detail: &'p str,
    /// The same sentence.
    error: &'p str,
    /// The kind of problem, for programs.
    code: &'static str,
    /// Every fault of the body or the query, with its place.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'p [FieldError],
    /// The request's name in the logs.
    request_id: &'p str,
}
