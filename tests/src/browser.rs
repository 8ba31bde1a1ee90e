//! A real Chromium: a script in `tests/browser/` drives it, a test says what to do and reads what it saw.

use serde_json::Value;

use crate::node::run_script;
use crate::process::root;

/// Runs `tests/browser/{script}` with this task and gives what it printed. The task names the
/// `page_port` that the page is served from, since an API must allow that origin before it starts.
pub async fn browse(script: &'static str, task: Value) -> Value {
    run_script(root().join("tests/browser").join(script), task).await
}
