//! The program `gpu-worker serve`: its first line, its signals, its errors.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::emulator_client::EmulatorClient;
use crate::test_backend::{TestBackend, files_below, overlay, sample};

/// A running `gpu-worker serve`; killed when the test ends early.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(scratch: &Path, more: &[&str]) -> Self {
        let mut child = command()
            .args(["--port", "0", "--scratch"])
            .arg(scratch)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("gpu-worker listening on ").unwrap().to_owned();
        Self { child, url }
    }

    fn emulator(&self) -> EmulatorClient {
        EmulatorClient { url: self.url.clone(), client: reqwest::Client::new() }
    }

    /// The ffmpeg processes that it has started and that still live.
    fn ffmpeg(&self) -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of_task = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children"));
        let lists = tasks.flatten().map(|task| of_task(task).unwrap_or_default());
        let pids = lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let name = |pid: &String| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        pids.filter(|pid| name(pid).trim_end() == "ffmpeg").collect()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.as_mut().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-worker"));
    command.arg("serve").env_remove("RUNPOD_API_KEY");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_mid_render_ends_everything_and_the_log_keeps_secrets() {
    // Its server is not used: its API, storage and webhook are.
    let backend = TestBackend::new().await;
    backend.log.put_input(std::fs::read(sample()).unwrap());
    backend.log.grant("overlay", overlay());
    let scratch = tempfile::tempdir().unwrap();
    let mut program = Program::start(scratch.path(), &[]);
    assert!(program.url.starts_with("http://127.0.0.1:") && program.url.ends_with("/v2/local"));
    program.emulator().run(&backend.run_request_with_webhook()).await;
    backend.log.wait_for_stage("rendering").await;
    let ffmpeg = wait_for_ffmpeg(&program).await;
    program.signal("TERM");
    let asked_at = std::time::Instant::now();
    let exit = program.child.wait().unwrap();
    assert!(exit.success(), "{exit}");
    assert!(asked_at.elapsed().as_secs_f64() < 3.0, "{:?}", asked_at.elapsed());
    for pid in ffmpeg {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "process {pid} lives on");
    }
    let left = std::fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["start.lock"]);
    let log = program.stderr();
    assert!(log.contains("terminated, stopping") && log.contains("overlay"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_that_hits_ffmpeg_too_is_not_blamed_on_the_video() {
    let backend = TestBackend::new().await;
    backend.log.put_input(std::fs::read(sample()).unwrap());
    backend.log.grant("overlay", overlay());
    let scratch = tempfile::tempdir().unwrap();
    let mut program = Program::start(scratch.path(), &[]);
    program.emulator().run(&backend.run_request()).await;
    backend.log.wait_for_stage("rendering").await;
    let ffmpeg = wait_for_ffmpeg(&program).await;
    // A terminal sends Ctrl-C to all of them at once; here ffmpeg is even hit first.
    assert!(Command::new("kill").args(["-s", "INT"]).args(&ffmpeg).status().unwrap().success());
    program.signal("INT");
    assert!(program.child.wait().unwrap().success());
    assert_eq!(backend.log.count("error") + backend.log.count("complete"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_left_behind_is_removed_by_the_next() {
    let backend = TestBackend::new().await;
    backend.log.put_input(std::fs::read(sample()).unwrap());
    backend.log.grant("overlay", overlay());
    let scratch = tempfile::tempdir().unwrap();
    let mut program = Program::start(scratch.path(), &[]);
    program.emulator().run(&backend.run_request()).await;
    backend.log.wait_for_stage("rendering").await;
    let ffmpeg = wait_for_ffmpeg(&program).await;
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    assert!(!files_below(scratch.path()).is_empty());
    wait_until_gone(&ffmpeg).await;
    let _next = Program::start(scratch.path(), &[]);
    assert_eq!(files_below(scratch.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn an_address_that_others_can_reach_is_refused_unless_asked_for() {
    let refused = command().args(["--port", "0", "--host", "0.0.0.0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(stderr.contains("--allow-remote"), "{stderr}");
    for key in [&[][..], &["--api-key", ""], &["--api-key", "short"]] {
        let remote = ["--port", "0", "--host", "0.0.0.0", "--allow-remote"];
        let refused = command().args(remote).args(key).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{key:?}");
        let stderr = String::from_utf8_lossy(&refused.stderr);
        assert!(stderr.contains("need a key of at least 16 characters"), "{stderr}");
    }
    let scratch = tempfile::tempdir().unwrap();
    let key = ["--host", "0.0.0.0", "--allow-remote", "--api-key", "0123456789abcdef"];
    let allowed = Program::start(scratch.path(), &key);
    assert!(allowed.url.starts_with("http://0.0.0.0:"));
}

#[test]
fn a_broken_chaos_script_is_named_before_anything_starts() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), r#"{"rules": [{"faults": [{"fault": "explode"}]}]}"#).unwrap();
    let refused = command().args(["--port", "0", "--chaos"]).arg(file.path()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(stderr.contains("unknown variant `explode`"), "{stderr}");
}

async fn wait_until_gone(pids: &[String]) {
    let gone = async {
        while pids.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists()) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.expect("ffmpeg outlives its parent");
}

async fn wait_for_ffmpeg(program: &Program) -> Vec<String> {
    let found = async {
        loop {
            let ffmpeg = program.ffmpeg();
            // One decodes, one encodes.
            if ffmpeg.len() >= 2 {
                return ffmpeg;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), found).await.expect("no ffmpeg was started")
}
