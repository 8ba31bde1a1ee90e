//! What a person is told about wrong params: the tables in `core/tests/params/`, row by row.
//!
//! A row changes a good edit (`base`) and lists every fault that must be told, in order:
//!
//! ```text
//! set POINTER JSON        puts a value there
//! fill POINTER N JSON     puts a list of N times the value there
//! drop POINTER            takes it away
//! text JSON...            or: the whole params as text
//!     POINTER  sentence   a fault; `(all)` points to the params themselves
//!     fine                or: none
//! ```

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use reel_core::edit::{Edit, JobType};
use reel_core::http::problem::ProblemCode;
use reel_core::http::requests::jobs::CreateJobRequest;
use reel_core::json::field_error::{FieldError, MAX_FAULTS};
use serde_json::{Value, json};

/// One edit and what must be said of it.
struct Row {
    /// The lines of the table that make the edit.
    steps: Vec<String>,
    params: String,
    faults: Vec<String>,
}

#[test]
fn every_row_is_told_as_the_tables_say() {
    let mut wrong = String::new();
    let mut told = 0;
    for (word, kind) in JobType::WORDS {
        for row in rows(*kind) {
            let faults = faults_of(*kind, &row.params);
            told += usize::from(!faults.is_empty());
            if faults != row.faults {
                let listed = if faults.is_empty() { vec!["fine".to_owned()] } else { faults };
                let _ = writeln!(
                    wrong,
                    "# {word}.txt\n{}\n    {}\n",
                    row.steps.join("\n"),
                    listed.join("\n    ")
                );
            }
        }
    }
    assert!(wrong.is_empty(), "these rows are told otherwise, as follows:\n\n{wrong}");
    println!("{told} wrong params, each told as the tables say");
}

#[test]
fn a_create_names_the_same_faults_below_params() {
    for (word, kind) in JobType::WORDS {
        // `null` is no params at all there, as everywhere in a body; and the longest are read once.
        let told_alike = |row: &Row| row.params != "null" && row.params.len() < 100_000;
        for row in rows(*kind).into_iter().filter(told_alike) {
            let body = format!(
                r#"{{"project_id":1,"type":"{word}","input_video_key":"input/a/b.mp4","params":{}}}"#,
                row.params
            );
            let faults = match CreateJobRequest::parse(body.as_bytes()) {
                Ok(_) => Vec::new(),
                // The text breaks off: nothing can be pointed to.
                Err(problem) if problem.code == ProblemCode::NotJson => continue,
                Err(problem) => problem.faults,
            };
            let below = |fault: FieldError| FieldError {
                pointer: fault.pointer.strip_prefix("/params").unwrap_or("").to_owned(),
                ..fault
            };
            let faults: Vec<String> = faults.into_iter().map(|fault| line(&below(fault))).collect();
            assert_eq!(faults, row.faults, "{}", row.steps.join("\n"));
        }
    }
}

#[test]
fn more_faults_than_a_person_reads_are_counted_and_not_listed() {
    // Without an end to the list the answer to 1 MiB would be fifty times as long.
    let params = format!(r#"{{"crop_keyframes":[{}1]}}"#, "1,".repeat(9_999));
    let faults = faults_of(JobType::Framing, &params);
    assert_eq!(faults.len(), MAX_FAULTS + 1);
    assert_eq!(faults[MAX_FAULTS - 1], "/crop_keyframes/99  must be an object, not a number");
    assert_eq!(faults[MAX_FAULTS], "(all)  has more faults than are listed; mend these and send it again");
    let body =
        format!(r#"{{"project_id":1,"type":"framing","input_video_key":"input/a/b.mp4","params":{params}}}"#);
    assert_eq!(
        CreateJobRequest::parse(body.as_bytes()).expect_err("wrong").detail,
        "The request has more than 100 errors. First: params.crop_keyframes.0 must be an object, not a number."
    );
}

fn faults_of(kind: JobType, params: &str) -> Vec<String> {
    match Edit::parse(kind, params) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(line).collect(),
    }
}

fn line(fault: &FieldError) -> String {
    let place = if fault.pointer.is_empty() { "(all)" } else { &fault.pointer };
    format!("{place}  {}", fault.detail)
}

/// The rows of a kind's table; rows end at an empty line, `base` starts a new edit, `#` a comment.
fn rows(kind: JobType) -> Vec<Row> {
    let file = file_of(kind);
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
    let mut row = Row { steps: Vec::new(), params: String::new(), faults: Vec::new() };
    for line in lines {
        if let Some(fault) = line.strip_prefix("    ") {
            row.faults.extend((fault != "fine").then(|| fault.to_owned()));
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

fn file_of(kind: JobType) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/params").join(format!("{}.txt", kind.as_str()))
}
