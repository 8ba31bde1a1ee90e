//! The errors of invalid params, compared with the tables in `core/tests/params/`.
//!
//! A row changes a valid edit (`base`) and lists every error, in order:
//!
//! ```text
//! set POINTER JSON        puts a value there
//! fill POINTER N JSON     puts a list of N times the value there
//! drop POINTER            takes it away
//! text JSON...            or: the whole params as text
//!     POINTER  sentence   an error; `(all)` points to the params themselves
//!     fine                or: no error
//! ```

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use reel_core::edit::{Edit, JobType};
use reel_core::http::problem::ProblemCode;
use reel_core::http::requests::jobs::CreateJobRequest;
use reel_core::json::field_error::{FieldError, MAX_FIELD_ERRORS};
use reel_core::webhook::address::Reach;
use serde_json::{Value, json};

/// One edit with its errors.
struct Row {
    /// The lines of the table that change the edit.
    steps: Vec<String>,
    params: String,
    errors: Vec<String>,
}

#[test]
fn every_edit_has_the_errors_of_its_row() {
    let mut wrong = String::new();
    let mut invalid = 0;
    for (word, job_type) in JobType::WORDS {
        for row in rows(*job_type) {
            let errors = errors_of(*job_type, &row.params);
            invalid += usize::from(!errors.is_empty());
            if errors != row.errors {
                let listed = if errors.is_empty() { vec!["fine".to_owned()] } else { errors };
                let _ = writeln!(
                    wrong,
                    "# {word}.txt\n{}\n    {}\n",
                    row.steps.join("\n"),
                    listed.join("\n    ")
                );
            }
        }
    }
    assert!(wrong.is_empty(), "these rows have other errors, as follows:\n\n{wrong}");
    println!("{invalid} invalid edits have the errors of their rows");
}

#[test]
fn a_create_request_has_the_same_errors_below_params() {
    for (word, job_type) in JobType::WORDS {
        // In a body, `null` means that params are missing. The longest rows are left out to save time.
        let comparable = |row: &Row| row.params != "null" && row.params.len() < 100_000;
        for row in rows(*job_type).into_iter().filter(comparable) {
            let body = format!(
                r#"{{"project_id":1,"type":"{word}","input_video_key":"input/a/b.mp4","params":{}}}"#,
                row.params
            );
            let errors = match CreateJobRequest::parse(body.as_bytes(), Reach::Public) {
                Ok(_) => Vec::new(),
                // Invalid JSON has no pointers.
                Err(problem) if problem.code == ProblemCode::NotJson => continue,
                Err(problem) => problem.errors,
            };
            let below = |error: FieldError| FieldError {
                pointer: error.pointer.strip_prefix("/params").unwrap_or("").to_owned(),
                ..error
            };
            let errors: Vec<String> = errors.into_iter().map(|error| line(&below(error))).collect();
            assert_eq!(errors, row.errors, "{}", row.steps.join("\n"));
        }
    }
}

#[test]
fn at_most_a_hundred_errors_are_listed() {
    // Without a limit, the response to a body of 1 MiB would be fifty times as long.
    let params = format!(r#"{{"crop_keyframes":[{}1]}}"#, "1,".repeat(9_999));
    let errors = errors_of(JobType::Framing, &params);
    assert_eq!(errors.len(), MAX_FIELD_ERRORS + 1);
    assert_eq!(errors[MAX_FIELD_ERRORS - 1], "/crop_keyframes/99  must be an object, not a number");
    assert_eq!(
        errors[MAX_FIELD_ERRORS],
        "(all)  has more errors than are listed here; fix these and try again"
    );
    let body =
        format!(r#"{{"project_id":1,"type":"framing","input_video_key":"input/a/b.mp4","params":{params}}}"#);
    assert_eq!(
        CreateJobRequest::parse(body.as_bytes(), Reach::Public).expect_err("wrong").detail,
        "The request has more than 100 errors. First: params.crop_keyframes.0 must be an object, not a number."
    );
}

fn errors_of(job_type: JobType, params: &str) -> Vec<String> {
    match Edit::parse(job_type, params) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(line).collect(),
    }
}

fn line(error: &FieldError) -> String {
    let pointer = if error.pointer.is_empty() { "(all)" } else { &error.pointer };
    format!("{pointer}  {}", error.detail)
}

/// The rows of a job type's table. A row ends at an empty line, `base` starts a new edit, `#` a comment.
fn rows(job_type: JobType) -> Vec<Row> {
    let file = file_of(job_type);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut base = json!({});
    let mut rows = Vec::new();
    for block in text.split("\n\n") {
        let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with('#')).collect();
        if let [first, rest @ ..] = lines.as_slice()
            && let Some(json) = first.strip_prefix("base ")
        {
            let json = json.to_owned() + &rest.concat();
            base = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{block}: {error}"));
        } else if !lines.is_empty() {
            rows.push(row(&base, &lines));
        }
    }
    assert!(!rows.is_empty(), "{} has no rows", file.display());
    rows
}

fn row(base: &Value, lines: &[&str]) -> Row {
    let mut params = base.clone();
    let mut raw = None;
    let mut row = Row { steps: Vec::new(), params: String::new(), errors: Vec::new() };
    for line in lines {
        if let Some(error) = line.strip_prefix("    ") {
            row.errors.extend((error != "fine").then(|| error.to_owned()));
            continue;
        }
        row.steps.push((*line).to_owned());
        let (verb, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{line:?} does nothing"));
        let (pointer, value) = rest.split_once(' ').unwrap_or((rest, ""));
        match verb {
            "set" => put(&mut params, pointer, parse(value)),
            "fill" => {
                let (count, item) = value.split_once(' ').expect("a count and an item");
                let list = vec![parse(item); count.parse().expect("a count")];
                put(&mut params, pointer, Value::Array(list));
            }
            "drop" => take(&mut params, pointer),
            "text" => raw = Some(rest.to_owned()),
            _ => panic!("{line:?} starts with no known verb"),
        }
    }
    assert!(lines.iter().any(|line| line.starts_with("    ")), "{lines:?} expects nothing");
    row.params = raw.unwrap_or_else(|| params.to_string());
    row
}

/// Puts a value where the pointer says; the parent must be there.
fn put(params: &mut Value, pointer: &str, value: Value) {
    if pointer == "/" {
        *params = value;
        return;
    }
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    match params.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.insert(name.replace("~1", "/").replace("~0", "~"), value);
        }
        Some(Value::Array(items)) => match name.parse::<usize>() {
            Ok(index) if index < items.len() => items[index] = value,
            Ok(index) if index == items.len() => items.push(value),
            _ => panic!("{pointer} is not in the list"),
        },
        _ => panic!("{pointer} has no parent"),
    }
}

fn take(params: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let members = params.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    members.remove(name).unwrap_or_else(|| panic!("{pointer} is not there"));
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn file_of(job_type: JobType) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/params").join(format!("{}.txt", job_type.as_str()))
}
