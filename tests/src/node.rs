//! Scripts for Node, such as users of the TypeScript client and drivers of a browser.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::process::{root, run};

/// A command that runs a script with the Node of `node_modules`.
pub fn node(script: &Path) -> Command {
    let bin = root().join("node_modules/.bin");
    let mut path = OsString::from(&bin);
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    let mut command = Command::new(bin.join("node"));
    // Without an optional package for this machine, Node is where the PATH has it.
    if !bin.join("node").exists() {
        command = Command::new("node");
    }
    command.env("PATH", path).arg(script);
    command
}

/// Runs a script with a task as its argument, and gives the JSON that it prints.
pub async fn run_script(script: PathBuf, task: Value) -> Value {
    let told = tokio::task::spawn_blocking(move || run(node(&script).arg(task.to_string())));
    let told = told.await.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
    serde_json::from_str(&told).expect("a line of JSON")
}

/// The folder of the TypeScript client, compiled before the first use.
pub fn typescript_client() -> &'static Path {
    static CLIENT: OnceLock<PathBuf> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let folder = root().join("clients/typescript");
        run(node(&root().join("node_modules/typescript/bin/tsc")).arg("-p").arg(&folder));
        folder
    })
}
