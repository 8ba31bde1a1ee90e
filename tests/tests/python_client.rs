//! The Python client of `clients/python`: its own tests and checks, its wheel in fresh environments, and what it
//! does to a real API, also through accidents.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use e2e::{Options, Stack, python, root, run, sample, wait_until};
use tempfile::TempDir;
use tokio::sync::OnceCell;

const KEY: &str = "a-key-of-this-test-and-of-nothing-else";
/// The scripts of this test, from the folder of the client's sources.
const SCRIPTS: &str = "../../tests/python/client";
const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn its_own_tests_pass() {
    run_tool(&["-m", "pytest", "-p", "no:cacheprovider"]).await;
}

#[tokio::test]
async fn its_types_are_strict() {
    run_tool(&["-m", "mypy", "--cache-dir", "/dev/null"]).await;
}

#[tokio::test]
async fn it_is_formatted_and_linted() {
    run_tool(&["-m", "ruff", "check", "--no-cache", ".", SCRIPTS]).await;
    run_tool(&["-m", "ruff", "format", "--no-cache", "--check", ".", SCRIPTS]).await;
}

#[tokio::test]
async fn the_wheel_installs_into_a_fresh_environment_and_is_typed() {
    let folder = tempfile::tempdir().expect("a folder");
    let interpreter = folder.path().join("bin/python");
    run(Command::new("python3").args(["-m", "venv"]).arg(folder.path()));
    let locked = sources().join("requirements.txt");
    run(Command::new(&interpreter)
        .args(PIP)
        .args(["install", "--quiet", "--require-hashes", "-r"])
        .arg(locked));
    install(&interpreter, wheel().await);
    run(Command::new(&interpreter).args(PIP).arg("check"));
    let said =
        run(Command::new(&interpreter).args(["-c", "import reel_client; print(reel_client.__version__)"]));
    assert_eq!(said.trim(), env!("CARGO_PKG_VERSION"), "it has the version of the API that it is for");
    let typed = "from importlib.resources import files; assert (files('reel_client') / 'py.typed').is_file()";
    run(Command::new(&interpreter).args(["-c", typed]));
}

#[tokio::test]
async fn the_blocking_client_does_everything_that_it_offers() {
    let stack = start(false).await;
    let said = script(&stack, "blocking.py", &[sample(), stack.folder().to_owned()]).await;
    assert!(said.contains("the blocking client does it all"), "{said}");
}

#[tokio::test]
async fn the_async_client_uploads_in_parts_and_follows_two_jobs_at_once() {
    let stack = start(false).await;
    let said = script(&stack, "with_asyncio.py", &[sample(), stack.folder().to_owned()]).await;
    assert!(said.contains("the async client does it all"), "{said}");
}

#[tokio::test]
async fn an_upload_that_is_killed_goes_on_and_sends_no_part_twice() {
    let stack = start(true).await;
    let tap = stack.bucket_tap();
    let (clip, resume_file) = (stack.folder().join("clip.mp4"), stack.folder().join("resume.json"));
    std::fs::write(&clip, vec![7; 17 * MIB]).expect("to write the clip");
    let arguments = [clip.clone(), resume_file.clone()];

    tap.let_pass(2);
    let mut killed = Running::start(&mut prepared(&stack, "resume.py", &arguments).await);
    wait_until("the third part is half-way", async || tap.accepted().len() == 2 && tap.stopped() == 1).await;
    killed.kill();
    tap.cut();
    tap.let_all_pass();

    let said = script(&stack, "resume.py", &arguments).await;
    let (_, first) = said.split_once("first ").expect("the first progress");
    let first: usize = first.lines().next().expect("a line").parse().expect("a number");
    assert!(first > 10 * MIB, "two parts were there: {first}");
    let sent: Vec<_> = tap.times_accepted().into_iter().collect();
    assert_eq!(sent, [(1, 1), (2, 1), (3, 1), (4, 1)], "how often each part was accepted");
    assert!(!resume_file.exists(), "the upload is over");
}

#[tokio::test]
async fn a_watcher_loses_nothing_when_the_api_is_killed() {
    // Faster, a busy machine would reach the deadline of the render.
    let options = Options {
        vars: vec![("WORKERS_API_KEY", KEY.to_owned()), ("CLOCK_SPEED", "3".to_owned())],
        ..Options::default()
    };
    let mut stack = Stack::start(options).await;
    let mut watcher = Running::start(&mut prepared(&stack, "follow.py", &[sample()]).await);
    assert_eq!(watcher.line(), "half-way");
    stack.kill_worker();
    stack.restart_worker().await;
    let said = tokio::task::spawn_blocking(move || watcher.line()).await.expect("the watcher");
    assert_eq!(said, "nothing was lost");
}

#[tokio::test]
async fn the_guides_example_runs_as_it_is_written() {
    let stack = start(false).await;
    let guide = std::fs::read_to_string(root().join("docs/guides/python.md")).expect("the guide");
    let (_, example) = guide.split_once("```python\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    std::fs::write(stack.folder().join("example.py"), example).expect("to write the example");
    std::fs::copy(sample(), stack.folder().join("clip.mp4")).expect("to copy the clip");

    let mut command = Command::new(client_python().await);
    command.arg("example.py").current_dir(stack.folder());
    let said = run_with_settings(&stack, command).await;
    assert!(said.contains("100 %") && said.contains("saved reel.mp4"), "{said}");
    assert!(e2e::Probe::of(&stack.folder().join("reel.mp4")).frames > 0);
}

#[tokio::test]
async fn the_backend_changes_one_import() {
    let stack = start(false).await;
    let backend = backend_with_one_import_changed();
    for name in ["direct_export.py", "facade_export.py"] {
        let mut command = Command::new(client_python().await);
        command.arg(backend.path().join(name)).arg(sample());
        let said = run_with_settings(&stack, command).await;
        assert!(said.contains("all answers are the FastAPI backend's"), "{said}");
    }
}

/// The scripts of the backend's own clients, which import those of this package instead.
fn backend_with_one_import_changed() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (root().join("tests/python"), folder.path());
    std::fs::create_dir(to.join("backend")).expect("a folder");
    for name in ["direct_export.py", "facade_export.py", "backend/config.py", "backend/websocket_proxy.py"] {
        std::fs::copy(from.join(name), to.join(name)).expect("a script");
    }
    for (module, class) in [("workers_client", "WorkersClient"), ("r2_client", "R2Client")] {
        let source = format!("from reel_client.fastapi import {class}\n\n__all__ = [\"{class}\"]\n");
        std::fs::write(to.join(format!("backend/{module}.py")), source).expect("a module");
    }
    folder
}

async fn start(bucket_tap: bool) -> Stack {
    let vars = vec![("WORKERS_API_KEY", KEY.to_owned())];
    Stack::start(Options { vars, bucket_tap, ..Options::default() }).await
}

/// Runs a script of `tests/python/client` to its end.
async fn script(stack: &Stack, name: &str, arguments: &[PathBuf]) -> String {
    let mut command = prepared(stack, name, arguments).await;
    tokio::task::spawn_blocking(move || run(&mut command)).await.expect("the script ends")
}

async fn prepared(stack: &Stack, name: &str, arguments: &[PathBuf]) -> Command {
    let mut command = Command::new(client_python().await);
    command.arg(root().join("tests/python/client").join(name)).args(arguments);
    set(stack, &mut command);
    command
}

async fn run_with_settings(stack: &Stack, mut command: Command) -> String {
    set(stack, &mut command);
    tokio::task::spawn_blocking(move || run(&mut command)).await.expect("the script ends")
}

fn set(stack: &Stack, command: &mut Command) {
    command.env("REEL_API_URL", stack.api_url()).env("REEL_API_KEY", KEY);
    command.env("WORKERS_API_URL", stack.api_url()).env("WORKERS_API_KEY", KEY);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
}

/// An interpreter with the wheel and the locked versions of what it needs.
async fn client_python() -> &'static Path {
    static PYTHON: OnceCell<PathBuf> = OnceCell::const_new();
    PYTHON
        .get_or_init(async || {
            let interpreter = python("e2e-python-client", &sources().join("requirements.txt")).await;
            install(&interpreter, wheel().await);
            interpreter
        })
        .await
}

/// Builds the wheel, once.
async fn wheel() -> &'static Path {
    static WHEEL: OnceCell<PathBuf> = OnceCell::const_new();
    WHEEL
        .get_or_init(async || {
            let folder = tempfile::tempdir().expect("a folder").keep();
            let mut command = tool().await;
            run(command.args(["-m", "hatchling", "build", "-t", "wheel", "-d"]).arg(&folder));
            let mut files = std::fs::read_dir(&folder).expect("the folder").flatten();
            files.next().expect("a wheel").path()
        })
        .await
}

fn install(interpreter: &Path, wheel: &Path) {
    run(Command::new(interpreter).args(PIP).args(INSTALL_ONLY).arg(wheel));
}

async fn run_tool(arguments: &[&str]) {
    let mut command = tool().await;
    command.args(arguments);
    let said = tokio::task::spawn_blocking(move || run(&mut command)).await.expect("the tool ends");
    println!("{said}");
}

/// The interpreter with the tools, in the folder of the sources.
async fn tool() -> Command {
    let interpreter = python("e2e-python-tools", &sources().join("requirements-dev.txt")).await;
    let mut command = Command::new(interpreter);
    command.current_dir(sources()).env("PYTHONPATH", "src").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn sources() -> PathBuf {
    root().join("clients/python")
}

/// A script that runs; SIGKILL ends it when it is dropped, also by a panic.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the script starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, output }
    }

    /// The next line of its output.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("its output");
        line.trim_end().to_owned()
    }

    fn kill(&mut self) {
        // It may have ended by itself; then the test says so in other words.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

const PIP: [&str; 3] = ["-m", "pip", "--disable-pip-version-check"];
const INSTALL_ONLY: [&str; 5] = ["install", "--quiet", "--no-deps", "--no-index", "--force-reinstall"];
