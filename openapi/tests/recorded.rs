//! Every exchange that the end-to-end tests have recorded is one that the document describes.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use openapi::document::document;
use reel_core::http::route::RouteRow;
use serde_json::{Value, json};

/// One request with its answer, as a file of `tests/contract/exchanges` has it.
struct Exchange {
    method: String,
    path: String,
    sent: Option<Value>,
    status: String,
    content_type: String,
    answered: Option<Value>,
}

#[test]
fn every_recorded_exchange_is_described() {
    let document = strict(document());
    let mut faults = Vec::new();
    let mut count = 0;
    for path in
        files("exchanges").into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "http"))
    {
        let exchange = exchange(&with_counts(&fs::read_to_string(&path).expect("a file")));
        if matches!(exchange.method.as_str(), "OPTIONS" | "HEAD")
            || exchange.status == "405"
            || is_unknown_path(&exchange)
        {
            continue;
        }
        count += 1;
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        faults.extend(faults_of(&document, &exchange).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(count > 70, "only {count} exchanges were found");
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_recorded_message_is_described() {
    let document = strict(document());
    for (file, schema) in [
        ("exchanges/socket.txt", "JobMessage"),
        ("exchanges/socket-of-an-ended-job.txt", "JobMessage"),
        ("exchanges/socket.legacy.txt", "LegacyMessage"),
    ] {
        let messages = server_messages(&with_counts(&fs::read_to_string(folder(file)).expect("a file")));
        assert!(!messages.is_empty(), "{file} has no message");
        for message in messages.iter().filter(|message| message["type"] != "pong") {
            assert_valid(&document, schema, message, file);
        }
    }
    for path in files("shapes") {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let schema = match name.as_str() {
            "job-error-codes.json" | "problem-codes.json" | "runpod-run.json" => continue,
            _ if name.ends_with(".legacy.json") => "LegacyMessage",
            _ if name.starts_with("message-") => "JobMessage",
            _ if name.starts_with("job-") => "Job",
            _ if name.starts_with("list") => "JobPage",
            _ if name.starts_with("problem") => "Problem",
            _ if name.starts_with("gpu-grant") => "ClaimResponse",
            _ if name.starts_with("gpu-receipt") => "CallbackResponse",
            _ if name.starts_with("gpu-report-claim") => "ClaimRequest",
            _ if name.starts_with("gpu-report-progress") => "ProgressReport",
            _ if name.starts_with("gpu-report-complete") => "CompleteReport",
            _ if name.starts_with("gpu-report-error") => "ErrorReport",
            _ => panic!("{name} has no schema here"),
        };
        let shape: Value = serde_json::from_str(&fs::read_to_string(&path).expect("a file")).expect("JSON");
        assert_valid(&document, schema, &shape, &name);
    }
}

fn faults_of(document: &Value, exchange: &Exchange) -> Vec<String> {
    let Some(row) = RouteRow::find(&exchange.method, &exchange.path) else {
        return vec![format!("{} {} is no route", exchange.method, exchange.path)];
    };
    let operation = &document["paths"][row.path.replace("...}", "}")][exchange.method.to_lowercase()];
    let Some(response) = operation["responses"].get(&exchange.status) else {
        return vec![format!("{} {} does not describe {}", exchange.method, row.path, exchange.status)];
    };
    let mut faults = Vec::new();
    if let Some(answered) = &exchange.answered {
        match response["content"].get(&exchange.content_type) {
            Some(content) => faults.extend(invalid(document, &content["schema"], answered)),
            None => faults.push(format!("{} is not described as {}", exchange.status, exchange.content_type)),
        }
        if let Some(codes) = response["x-problem-codes"].as_array()
            && !codes.contains(&answered["code"])
        {
            faults.push(format!("{} is no code of {}", answered["code"], operation["operationId"]));
        }
    }
    let is_good = exchange.status.starts_with('2');
    let body = operation["requestBody"]["content"]["application/json"].get("schema");
    if let (true, Some(sent), Some(body)) = (is_good, &exchange.sent, body) {
        faults.extend(invalid(document, body, sent).into_iter().map(|fault| format!("sent: {fault}")));
    }
    faults
}

fn is_unknown_path(exchange: &Exchange) -> bool {
    exchange.answered.as_ref().is_some_and(|answer| answer["code"] == "route_not_found")
}

fn exchange(text: &str) -> Exchange {
    let (request, response) = text.split_once("\n=== ").expect("a request and its answer");
    let (head, sent) = request.split_once("\n\n").unwrap_or((request, ""));
    let (method, target) = head.lines().next().and_then(|line| line.split_once(' ')).expect("a request line");
    let path = target.split('?').next().unwrap_or_default();
    let (status, response) = response.split_once('\n').unwrap_or((response, ""));
    let (headers, answered) = response.split_once("\n\n").unwrap_or((response, ""));
    let content_type = headers.lines().find_map(|line| line.strip_prefix("content-type: "));
    let answered = serde_json::from_str(answered).ok();
    assert!(answered.is_some() || !content_type.is_some_and(|kind| kind.ends_with("json")), "{text}");
    Exchange {
        method: method.to_owned(),
        path: path.to_owned(),
        sent: serde_json::from_str(sent).ok(),
        status: status.trim().to_owned(),
        content_type: content_type.unwrap_or_default().to_owned(),
        answered,
    }
}

/// Numbers that change with every run stand as a word in what was recorded.
fn with_counts(text: &str) -> String {
    text.replace("{count}", "1").replace("{ms}", "1")
}

/// What the server has said on a socket.
fn server_messages(text: &str) -> Vec<Value> {
    let sections = text.split("<<< server\n").skip(1);
    let of_server = sections.map(|section| section.split("\n>>> ").next().unwrap_or_default());
    let json = of_server.map(|section| section.split("\n=== ").next().unwrap_or_default());
    json.filter_map(|text| serde_json::from_str(text).ok()).collect()
}

fn assert_valid(document: &Value, schema: &str, value: &Value, file: &str) {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    assert_eq!(invalid(document, &schema, value), Vec::<String>::new(), "{file}");
}

fn invalid(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut whole = schema.clone();
    whole["components"] = document["components"].clone();
    let validator: Validator = jsonschema::draft202012::new(&whole).expect("a schema");
    validator.iter_errors(value).map(|error| format!("{} {error}", error.instance_path())).collect()
}

/// The document in which no object has members that are not described.
fn strict(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for member in members.values_mut() {
                *member = strict(member.take());
            }
            if members.get("properties").is_some_and(Value::is_object) && members.contains_key("type") {
                members.entry("additionalProperties").or_insert(false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = strict(item.take())),
        _ => {}
    }
    value
}

fn folder(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/contract").join(below)
}

fn files(below: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder(below)).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}
