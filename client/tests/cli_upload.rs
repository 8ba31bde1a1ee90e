//! The command `reel upload`, interrupted and run again.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]
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
    storage: FakeStorage,
    server: TestServer,
    folder: TempDir,
    clip: PathBuf,
    bytes: Vec<u8>,
}

impl CliEnv {
    async fn new() -> Self {
        let storage = FakeStorage::new();
        let server = storage.serve().await;
        let folder = tempfile::tempdir().unwrap();
        let bytes = video(SIZE);
        let clip = folder.path().join("clip.mp4");
        fs::write(&clip, &bytes).unwrap();
        Self { storage, server, folder, clip, bytes }
    }

    fn reel(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reel"));
        command
            .arg("upload")
            .arg(&self.clip)
            .args(args)
            .env("REEL_API_URL", &self.server.origin)
            .env("REEL_API_KEY", "key-of-the-api")
            .env("XDG_STATE_HOME", self.state_dir());
        command
    }

    async fn run(&self, args: &[&str]) -> Output {
        let mut command = self.reel(args);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Kills an upload while two parts are half sent; the other three have arrived.
    async fn kill_upload(&self) {
        self.storage.inject(4, &[StorageFault::Held]);
        self.storage.inject(5, &[StorageFault::Held]);
        let mut child = self
            .reel(&["--parallel", "2", "--part-size", "5"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.storage.wait_for_held(2).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn resume_files(&self) -> Vec<PathBuf> {
        let Ok(folder) = fs::read_dir(self.state_dir().join("reel/uploads")) else { return Vec::new() };
        folder.map(|entry| entry.unwrap().path()).collect()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_is_resumed_with_the_missing_parts() {
    let env = CliEnv::new().await;
    env.kill_upload().await;
    let output = env.run(&["--parallel", "2"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("{KEY}\n"), "the key and nothing else");
    assert!(
        text(&output.stderr).contains("15.00 MiB of 20.00 MiB already uploaded"),
        "{}",
        text(&output.stderr)
    );
    assert!(env.storage.content() == env.bytes);
    assert_eq!(env.storage.accepted_counts(), [1; 5], "no part was sent twice");
    assert_eq!(env.storage.state().created, 1);
    assert!(env.resume_files().is_empty(), "nothing is left to resume");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_starts_over_when_the_file_has_changed() {
    let env = CliEnv::new().await;
    env.kill_upload().await;
    let mut bytes = env.bytes.clone();
    bytes.push(1);
    fs::write(&env.clip, &bytes).unwrap();
    let output = env.run(&["--json", "--part-size", "5"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&done["video_key"], &done["resumed_bytes"]), (&KEY.into(), &0.into()));
    assert!(env.storage.content() == bytes);
    assert_eq!(env.storage.state().created, 2);

    let env = CliEnv::new().await;
    env.kill_upload().await;
    let later = fs::metadata(&env.clip).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
    fs::File::options().write(true).open(&env.clip).unwrap().set_modified(later).unwrap();
    let output = env.run(&[]).await;
    assert!(text(&output.stderr).contains("has changed since the upload started; starting over"));
    assert_eq!(env.storage.state().created, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_needs_the_key_the_id_and_the_same_file() {
    let env = CliEnv::new().await;
    env.kill_upload().await;
    for resume_file in env.resume_files() {
        fs::remove_file(resume_file).unwrap();
    }
    let resume = ["--resume", KEY, "up-1.mac"];
    let first = env.bytes[0];
    fs::write(&env.clip, [&[!first], &env.bytes[1..]].concat()).unwrap();
    let output = env.run(&resume).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("part 1 of the upload does not match this file"),
        "{}",
        text(&output.stderr)
    );
    fs::write(&env.clip, &env.bytes[1..]).unwrap();
    let output = env.run(&resume).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("it is not the same file"), "{}", text(&output.stderr));

    fs::write(&env.clip, &env.bytes).unwrap();
    let output = env.run(&resume).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(env.storage.content() == env.bytes);
    assert_eq!(env.storage.accepted_counts(), [1; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_shows_how_to_resume_and_nothing_that_permits_it() {
    let env = CliEnv::new().await;
    env.storage.inject(2, &[StorageFault::Held]);
    let child = env
        .reel(&["--parallel", "1", "--part-size", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    env.storage.wait_for_held(1).await;
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("Run the same command again to resume"), "{stderr}");
    assert!(!stderr.contains("up-1.mac") && !stderr.contains("Signature"), "{stderr}");
    let resume_file = env.resume_files().pop().unwrap();
    assert!(stderr.contains(&resume_file.display().to_string()), "{stderr}");
    assert_eq!(mode(&resume_file), 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_can_be_aborted() {
    let env = CliEnv::new().await;
    let output = env.run(&["--abort"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("No unfinished upload of"), "{}", text(&output.stderr));
    env.kill_upload().await;
    let output = env.run(&["--abort"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(env.storage.state().gone);
    assert!(env.resume_files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_has_expired_starts_over() {
    let env = CliEnv::new().await;
    env.kill_upload().await;
    env.storage.state().gone = true;
    let output = env.run(&["--part-size", "5"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("has expired; starting over"), "{}", text(&output.stderr));
    assert!(env.storage.content() == env.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_commands_do_not_upload_the_same_file_at_once() {
    let env = CliEnv::new().await;
    env.storage.inject(1, &[StorageFault::Held]);
    let mut child = env
        .reel(&["--parallel", "1", "--part-size", "5"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    env.storage.wait_for_held(1).await;
    let output = env.run(&[]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("another `reel` process is already uploading this file"),
        "{}",
        text(&output.stderr)
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_works_when_the_resume_file_cannot_be_created() {
    let env = CliEnv::new().await;
    fs::write(env.state_dir(), b"a file instead of a directory").unwrap();
    let output = env.run(&[]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("this upload cannot be resumed if it is interrupted"),
        "{}",
        text(&output.stderr)
    );
    assert!(env.storage.content() == env.bytes);
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
