//! The Python clients that the migration describes get the answers they expect, from an API with a key and
//! from one that is open to this machine.

use std::path::Path;
use std::process::Command;

use e2e::{Options, Stack, python, root, run, sample};
use toml::Table;

#[tokio::test]
async fn the_backends_clients_export_through_the_jobs_api() {
    assert_answers_are_the_seeds("direct_export.py", Some(KEY)).await;
}

#[tokio::test]
async fn the_backends_clients_need_no_key_in_open_development() {
    assert_answers_are_the_seeds("direct_export.py", None).await;
}

#[tokio::test]
async fn the_seeds_export_routes_answer_as_the_backend_did_and_the_socket_may_come_first() {
    assert_answers_are_the_seeds("facade_export.py", Some(KEY)).await;
}

/// Runs a script of `tests/python` on a stack of its own.
async fn assert_answers_are_the_seeds(script: &str, key: Option<&str>) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let mut command = Command::new(python("e2e-python", &here.join("requirements.txt")).await);
    let vars = key.map(|key| ("WORKERS_API_KEY", key.to_owned())).into_iter().collect();
    let stack = Stack::start(Options { vars, ..Options::default() }).await;

    command.arg(here.join(script)).arg(sample());
    command.env("WORKERS_API_URL", stack.api_url()).env("WORKERS_API_KEY", key.unwrap_or_default());
    command.env("R2_ENDPOINT", format!("{}/cdn-cgi/local/r2/s3", stack.api_url()));
    for (name, value) in development_settings(&["R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "R2_BUCKET_NAME"])
    {
        command.env(name, value);
    }
    let said = tokio::task::spawn_blocking(move || run(&mut command)).await.expect("the script ends");
    assert!(said.contains("all answers are the FastAPI backend's"), "{said}");
}

/// Settings of the local bucket, which wrangler.toml has for development.
fn development_settings(names: &[&'static str]) -> Vec<(&'static str, String)> {
    let text = std::fs::read_to_string(root().join("wrangler.toml")).expect("wrangler.toml");
    let config: Table = text.parse().expect("wrangler.toml is TOML");
    let value = |name: &str| config["vars"][name].as_str().expect("a text").to_owned();
    names.iter().map(|name| (*name, value(name))).collect()
}

const KEY: &str = "a-key-of-this-test-and-of-nothing-else";
