//! Problem responses, problem codes and error codes.

use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::job::error_code::ErrorCode;
use reel_core::json::field_error::FieldError;
use serde_json::{Map, Value, json};

use crate::golden::GoldenFiles;
use crate::pretty;

pub fn pin(golden: &mut GoldenFiles) {
    let field_error =
        |pointer: &str, detail: &str| FieldError { pointer: pointer.into(), detail: detail.into() };
    let errors = vec![
        field_error("/type", "is required"),
        field_error("/params/output_width", "must be even, for example 1080"),
    ];
    golden.pin("problem-with-faults.json", &pretty(&Problem::invalid(errors).body("REQUEST")));
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
            let entry = json!({"retryable": code.retryable(), "sentence": code.default_message()});
            (code.as_str().to_owned(), entry)
        })
        .collect();
    golden.pin("job-error-codes.json", &pretty(&Value::Object(codes).to_string()));
}
