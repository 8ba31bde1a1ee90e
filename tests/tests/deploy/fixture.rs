//! The state of an older release, as `tests/fixtures/` keeps it: one archive of what wrangler keeps, and a
//! manifest of what was in it and how each job must end.
//!
//! Invariant: nothing here knows what is stored, or how. Times can be moved, so that a test is the same
//! whenever it runs.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::{root, run};
use serde_json::Value;
use tempfile::TempDir;

/// The release whose state is opened.
pub const RELEASE: &str = "0.1.0";

/// A copy that may be changed; gone when it is dropped.
pub struct Fixture {
    folder: TempDir,
    /// What was recorded, see `record.rs`: settings, jobs, uploads, reads.
    pub manifest: Value,
}

impl Fixture {
    /// As it was recorded.
    pub fn unpack() -> Self {
        let folder = tempfile::Builder::new().prefix("reel-release-").tempdir().expect("a temporary folder");
        run(Command::new("tar").arg("-xzf").arg(place().join(ARCHIVE)).arg("-C").arg(folder.path()));
        fs::copy(place().join(MANIFEST), folder.path().join(MANIFEST)).expect("to copy the manifest");
        let manifest = read(&folder.path().join(MANIFEST));
        Self { folder, manifest }
    }

    /// As if it had been recorded so long ago, with RunPod at `endpoint`.
    pub fn moved(mut self, age: Duration, endpoint: &str) -> Self {
        let (state, manifest) = (self.state(), self.folder.path().join(MANIFEST));
        let age_ms = age.as_millis().to_string();
        script("move", &[state.as_ref(), manifest.as_ref(), age_ms.as_ref(), endpoint.as_ref()]);
        self.manifest = read(&manifest);
        self
    }

    /// The folder for [`e2e::Options::state`].
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The jobs of the manifest, each with its name.
    pub fn jobs(&self) -> impl Iterator<Item = (&str, &Value)> {
        let jobs = self.manifest["jobs"].as_object().expect("jobs");
        jobs.iter().map(|(name, job)| (name.as_str(), job))
    }
}

/// Closes the databases of a stopped Worker's state, and gives the time and the jobs' own records, by id:
/// `now_ms` and `jobs`.
pub fn close(state: &Path) -> Value {
    serde_json::from_str(&script("close", &[state.as_ref()])).expect("JSON")
}

/// Packs a state that was closed, with its manifest.
pub fn pack(state: &Path, manifest: &Value) {
    fs::create_dir_all(place()).expect("to create the folder of the fixture");
    let mut tar = Command::new("tar");
    tar.env("GZIP", "-9").arg("-czf").arg(place().join(ARCHIVE));
    tar.arg("-C").arg(state.parent().expect("a state lies in a folder"));
    // The rest of what wrangler keeps are its own logs and caches.
    run(tar.args(["--numeric-owner", "state/v3/do", "state/v3/d1", "state/v3/r2"]));
    let text = serde_json::to_string_pretty(manifest).expect("JSON");
    fs::write(place().join(MANIFEST), text + "\n").expect("to write the manifest");
}

/// Where the fixture lies.
pub fn place() -> PathBuf {
    root().join("tests/fixtures").join(format!("release-{RELEASE}"))
}

fn read(manifest: &Path) -> Value {
    let text = fs::read_to_string(manifest).expect("the manifest");
    serde_json::from_str(&text).expect("a manifest is JSON")
}

/// Runs `state.mjs` under wrangler's own Node, which has SQLite.
fn script(task: &str, given: &[&OsStr]) -> String {
    let mut path = OsString::from(root().join("node_modules/.bin"));
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    let mut node = Command::new("node");
    node.env("PATH", path).arg("--no-warnings").arg(root().join("tests/tests/deploy/state.mjs"));
    run(node.arg(task).args(given))
}

const ARCHIVE: &str = "state.tar.gz";
const MANIFEST: &str = "manifest.json";
