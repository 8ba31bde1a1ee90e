//! The API's error body (RFC 9457), read leniently and shown so that a person can act on it.

use std::fmt;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::{Deserialize, Serialize};

/// One error in the body of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body that was sent; empty for the whole body.
    #[serde(default)]
    pub pointer: String,
    /// What is wrong, in one sentence.
    #[serde(default)]
    pub detail: String,
}

/// `application/problem+json` as this or another version of the API writes it.
///
/// Every member may be missing, and `code` is any text: a newer server has codes that this client does not know.
/// `Display` gives the server's sentence, then each field error on a line of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiProblem {
    /// A URI that names the type of problem.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The type of problem, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time, in one sentence.
    pub detail: String,
    /// The same sentence under the name that older clients read.
    pub error: String,
    /// The word that programs should match on.
    pub code: String,
    /// For an invalid request: everything that is wrong with it.
    pub errors: Vec<FieldError>,
    /// Finds this request in the server's logs.
    pub request_id: Option<String>,
    /// The header `Retry-After`, in seconds.
    #[serde(skip)]
    pub retry_after_s: Option<u64>,
}

impl ApiProblem {
    /// Reads an error response. A body that is no problem, such as a proxy's HTML, becomes a general sentence.
    pub(crate) fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut problem: Self = serde_json::from_slice(body).unwrap_or_default();
        problem.status = status.as_u16();
        problem.retry_after_s = retry_after_s(headers);
        if problem.sentence().is_empty() {
            problem.detail = format!("The server answered {status} and gave no reason.");
        }
        problem
    }

    /// The server's sentence, under whichever name it came.
    pub fn sentence(&self) -> &str {
        [&self.detail, &self.error, &self.title]
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or("", String::as_str)
    }
}

/// `Retry-After` in seconds. The form with a date is ignored: neither the API nor R2 sends it.
pub(crate) fn retry_after_s(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

impl fmt::Display for ApiProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())?;
        for error in &self.errors {
            let pointer = if error.pointer.is_empty() { "(request body)" } else { &error.pointer };
            write!(f, "\n  {pointer}: {}", error.detail)?;
        }
        match &self.request_id {
            Some(id) if self.status >= 500 => write!(f, "\n  (request {id})"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_the_sentence_and_every_field_error_with_its_pointer() {
        let body = br#"{"type":"about:blank","title":"Invalid request","status":400,
            "detail":"The request has 2 errors.","error":"The request has 2 errors.","code":"invalid_request",
            "errors":[{"pointer":"/params/effect_type","detail":"must be one of blur, spotlight"},
                      {"pointer":"","detail":"is odd"}],"request_id":"r1","new_field":1}"#;
        let problem = ApiProblem::parse(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
        assert_eq!(
            problem.to_string(),
            "The request has 2 errors.\n  /params/effect_type: must be one of blur, spotlight\n  (request body): is odd"
        );
        assert_eq!(problem.code, "invalid_request");
    }

    #[test]
    fn an_error_of_the_server_shows_the_request_id() {
        let problem = ApiProblem::parse(
            StatusCode::INTERNAL_SERVER_ERROR,
            &HeaderMap::new(),
            br#"{"detail":"Something went wrong on our side.","request_id":"r9"}"#,
        );
        assert_eq!(problem.to_string(), "Something went wrong on our side.\n  (request r9)");
    }

    #[test]
    fn a_body_that_is_no_problem_still_reads_as_a_sentence() {
        for body in [&b"<html>502</html>"[..], b"", b"null", b"[1]", br#"{"status":"x"}"#] {
            let problem = ApiProblem::parse(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body);
            assert_eq!(problem.to_string(), "The server answered 502 Bad Gateway and gave no reason.");
            assert_eq!(problem.status, 502);
        }
    }

    #[test]
    fn the_sentence_is_read_from_error_and_from_detail() {
        for body in [&br#"{"error":"Job not found"}"#[..], br#"{"detail":"Job not found"}"#] {
            let problem = ApiProblem::parse(StatusCode::NOT_FOUND, &HeaderMap::new(), body);
            assert_eq!(problem.sentence(), "Job not found");
        }
    }

    #[test]
    fn retry_after_is_read_in_seconds() {
        let retry_after_s = |value: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            ApiProblem::parse(StatusCode::TOO_MANY_REQUESTS, &headers, b"").retry_after_s
        };
        assert_eq!(retry_after_s("12"), Some(12));
        for other in ["soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(retry_after_s(other), None);
        }
    }
}
