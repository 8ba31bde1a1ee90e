//! The command `reel upload`, killed and started again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod fake_storage;
mod test_server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fake_storage::{FakeStorage, KEY, StorageFault, video};
use serde_json::Value;
use tempfile::TempDir;
use test_server::TestServer;

/// Five parts of 5 MiB, the last of them short.
const SIZE: usize = 4 * 5 * 1024 * 1024 + 3;

struct CliEnv {
    bucket: FakeStorage,
    server: TestServer,
    folder: TempDir,
    clip: PathBuf,
    bytes: Vec<u8>,
}

impl CliEnv {
    async fn new() -> Self {
        let bucket = FakeStorage::new();
        let server = bucket.serve().await;
        let folder = tempfile::tempdir().unwrap();
        let bytes = video(SIZE);
        let clip = folder.path().join("clip.mp4");
        fs::write(&clip, &bytes).unwrap();
        Self { bucket, server, folder, clip, bytes }
    }

    fn reel(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reel"));
        command
            .arg("upload")
            .arg(&self.clip)
            .args(args)
            .env("REEL_API_URL", &self.server.origin)
            .env("WORKERS_API_KEY", "key-of-the-api")
            .env("XDG_STATE_HOME", self.state());
        command
    }

    async fn run(&self, args: &[&str]) -> Output {
        let mut command = self.reel(args);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Kills an upload with two parts half-way and three arrived or not begun.
    async fn killed(&self) {
        self.bucket.inject(4, &[StorageFault::Held]);
        self.bucket.inject(5, &[StorageFault::Held]);
        let mut child = self
            .reel(&["--parallel", "2", "--part-size", "5"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.bucket.wait_for_held(2).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn bookmarks(&self) -> Vec<PathBuf> {
        let Ok(folder) = fs::read_dir(self.state().join("reel/uploads")) else { return Vec::new() };
        folder.map(|entry| entry.unwrap().path()).collect()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_goes_on_with_what_is_missing() {
    let scene = CliEnv::new().await;
    scene.killed().await;
    let output = scene.run(&["--parallel", "2"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("{KEY}\n"), "the key and nothing else");
    assert!(
        text(&output.stderr).contains("15.00 MiB of 20.00 MiB are there already"),
        "{}",
        text(&output.stderr)
    );
    assert!(scene.bucket.content() == scene.bytes);
    assert_eq!(scene.bucket.accepted_counts(), [1; 5], "no part was sent twice");
    assert_eq!(scene.bucket.state().created, 1);
    assert!(scene.bookmarks().is_empty(), "nothing to go on with");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_meanwhile_starts_anew_with_a_sentence() {
    let scene = CliEnv::new().await;
    scene.killed().await;
    let mut bytes = scene.bytes.clone();
    bytes.push(1);
    fs::write(&scene.clip, &bytes).unwrap();
    let output = scene.run(&["--json", "--part-size", "5"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&done["video_key"], &done["resumed_bytes"]), (&KEY.into(), &0.into()));
    assert!(scene.bucket.content() == bytes);
    assert_eq!(scene.bucket.state().created, 2);

    let scene = CliEnv::new().await;
    scene.killed().await;
    let later = fs::metadata(&scene.clip).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
    fs::File::options().write(true).open(&scene.clip).unwrap().set_modified(later).unwrap();
    let output = scene.run(&[]).await;
    assert!(text(&output.stderr).contains("has changed since its upload began; it starts anew"));
    assert_eq!(scene.bucket.state().created, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_needs_the_key_the_id_and_the_same_file() {
    let scene = CliEnv::new().await;
    scene.killed().await;
    for bookmark in scene.bookmarks() {
        fs::remove_file(bookmark).unwrap();
    }
    let resume = ["--resume", KEY, "up-1.mac"];
    let first = scene.bytes[0];
    fs::write(&scene.clip, [&[!first], &scene.bytes[1..]].concat()).unwrap();
    let output = scene.run(&resume).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("part 1 of the upload is of another file"),
        "{}",
        text(&output.stderr)
    );
    fs::write(&scene.clip, &scene.bytes[1..]).unwrap();
    let output = scene.run(&resume).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("they do not belong together"), "{}", text(&output.stderr));

    fs::write(&scene.clip, &scene.bytes).unwrap();
    let output = scene.run(&resume).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(scene.bucket.content() == scene.bytes);
    assert_eq!(scene.bucket.accepted_counts(), [1; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_says_how_to_go_on_and_tells_no_capability() {
    let scene = CliEnv::new().await;
    scene.bucket.inject(2, &[StorageFault::Held]);
    let child = scene
        .reel(&["--parallel", "1", "--part-size", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    scene.bucket.wait_for_held(1).await;
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{complaint}");
    assert!(complaint.contains("the same command goes on from there"), "{complaint}");
    assert!(!complaint.contains("up-1.mac") && !complaint.contains("Signature"), "{complaint}");
    let bookmark = scene.bookmarks().pop().unwrap();
    assert!(complaint.contains(&bookmark.display().to_string()), "{complaint}");
    assert_eq!(mode(&bookmark), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_can_be_thrown_away() {
    let scene = CliEnv::new().await;
    let output = scene.run(&["--abort"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("No upload of"), "{}", text(&output.stderr));
    scene.killed().await;
    let output = scene.run(&["--abort"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(scene.bucket.state().gone);
    assert!(scene.bookmarks().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_the_server_has_thrown_away_starts_anew() {
    let scene = CliEnv::new().await;
    scene.killed().await;
    scene.bucket.state().gone = true;
    let output = scene.run(&["--part-size", "5"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("is gone; it starts anew"), "{}", text(&output.stderr));
    assert!(scene.bucket.content() == scene.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_is_not_sent_twice_at_once() {
    let scene = CliEnv::new().await;
    scene.bucket.inject(1, &[StorageFault::Held]);
    let mut child = scene
        .reel(&["--parallel", "1", "--part-size", "5"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    scene.bucket.wait_for_held(1).await;
    let output = scene.run(&[]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("another reel is uploading this file"), "{}", text(&output.stderr));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_for_its_bookmark_an_upload_still_works() {
    let scene = CliEnv::new().await;
    fs::write(scene.state(), b"a file where a folder should be").unwrap();
    let output = scene.run(&[]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("it cannot be resumed"), "{}", text(&output.stderr));
    assert!(scene.bucket.content() == scene.bytes);
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
