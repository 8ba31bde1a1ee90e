//! Tokens of the well-known library jose: a script makes them, a test says which.

use std::ffi::OsString;
use std::process::Command;

use serde_json::Value;

use crate::process::{root, run};

/// What `tests/jose/tokens.mjs` prints for this task, which its head describes.
pub async fn jose(task: Value) -> Value {
    let made = tokio::task::spawn_blocking(move || {
        let mut path = OsString::from(root().join("node_modules/.bin"));
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        let script = root().join("tests/jose/tokens.mjs");
        run(Command::new("node").env("PATH", path).arg(script).arg(task.to_string()))
    });
    let made = made.await.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
    serde_json::from_str(&made).expect("a line of JSON")
}
