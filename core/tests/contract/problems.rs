//! What callers are told when something is refused, and why a job failed.

use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::job::error_code::ErrorCode;
use reel_core::json::field_error::FieldError;
use serde_json::{Map, Value, json};

use crate::golden::GoldenFiles;
use crate::pretty;

pub fn pin(golden: &mut GoldenFiles) {
    let fault = |pointer: &str, detail: &str| FieldError { pointer: pointer.into(), detail: detail.into() };
    let faults =
        vec![fault("/type", "is required"), fault("/params/output_width", "must be even, for example 1080")];
    golden.pin("problem-with-faults.json", &pretty(&Problem::invalid(faults).body("REQUEST")));
    golden.pin("problem.json", &pretty(&Problem::job_not_found().body("REQUEST")));
    let codes: Map<String, Value> = ProblemCode::ALL
        .into_iter()
        .map(|code| (code.as_str().to_owned(), json!({"status": code.status(), "title": code.title()})))
        .collect();
    assert_eq!(codes.len(), ProblemCode::ALL.len(), "no two problems share a word");
    golden.pin("problem-codes.json", &pretty(&Value::Object(codes).to_string()));

    let codes: Map<String, Value> = ErrorCode::ALL
        .into_iter()
        .map(|code| {
            let told = json!({"retryable": code.retryable(), "sentence": code.default_message()});
            (code.as_str().to_owned(), told)
        })
        .collect();
    golden.pin("job-error-codes.json", &pretty(&Value::Object(codes).to_string()));
}
