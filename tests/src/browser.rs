//! A real Chromium: a script in `tests/browser/` drives it, a test says what to do and reads what it saw.

use std::ffi::OsString;
use std::process::Command;

use serde_json::Value;

use crate::process::{root, run};

/// Runs `tests/browser/{script}` with this task and gives what it printed. The task names the
/// `page_port` that the page is served from, since an API must allow that origin before it starts.
pub async fn browse(script: &'static str, task: Value) -> Value {
    let told = tokio::task::spawn_blocking(move || {
        let bin = root().join("node_modules/.bin");
        let mut path = OsString::from(&bin);
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        let script = root().join("tests/browser").join(script);
        run(Command::new("node").env("PATH", path).arg(script).arg(task.to_string()))
    });
    let told = told.await.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
    serde_json::from_str(&told).expect("a line of JSON")
}
