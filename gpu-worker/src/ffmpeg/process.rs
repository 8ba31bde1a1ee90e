//! ffmpeg as child processes that never outlive their render.
//!
//! Invariant: every process started here is reaped before [`ProcessGroup`] is dropped, and the
//! kernel kills it when the thread that started it dies (where util-linux is installed).

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use shared_child::SharedChild;

use super::FfmpegError;
use super::args::QUIET;

/// All processes of one render.
#[derive(Debug, Default)]
pub struct ProcessGroup {
    started: Mutex<Vec<Arc<SharedChild>>>,
}

/// One running ffmpeg or ffprobe.
#[derive(Debug)]
pub struct FfmpegProcess {
    child: Arc<SharedChild>,
    stderr_tail: Option<JoinHandle<Vec<String>>>,
}

/// How a process ended, and the last lines that it wrote to its error output.
#[derive(Debug)]
pub struct ProcessExit {
    pub status: ExitStatus,
    pub stderr_tail: Vec<String>,
}

impl ProcessGroup {
    /// Starts a process with pipes for stdin, stdout and stderr. A thread drains stderr, so that
    /// ffmpeg cannot block on it.
    pub fn start(
        &self,
        program: &str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<FfmpegProcess, FfmpegError> {
        let mut command = command_with_parent_death_signal(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child =
            SharedChild::spawn(&mut command).map_err(|error| FfmpegError::not_started(program, &error))?;
        let child = Arc::new(child);
        limit_memory(child.id());
        self.started.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&child));
        let stderr_tail = child.take_stderr().map(|stderr| std::thread::spawn(move || last_lines(stderr)));
        Ok(FfmpegProcess { child, stderr_tail })
    }

    /// Kills every process that still runs. Their pipes then close, and every thread that reads or
    /// writes one wakes up.
    pub fn kill_all(&self) {
        for child in self.started.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // An error here means that it has ended already.
            let _ = child.kill();
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill_all();
        for child in self.started.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = child.wait();
        }
    }
}

impl FfmpegProcess {
    pub fn stdin(&self) -> Option<std::process::ChildStdin> {
        self.child.take_stdin().inspect(enlarge_pipe)
    }

    pub fn stdout(&self) -> Option<std::process::ChildStdout> {
        self.child.take_stdout().inspect(enlarge_pipe)
    }

    pub fn kill(&self) {
        let _ = self.child.kill();
    }

    /// Waits for the end; another thread may kill it meanwhile.
    pub fn wait(self) -> Result<ProcessExit, FfmpegError> {
        let status = self
            .child
            .wait()
            .map_err(|error| FfmpegError::failed(format!("ffmpeg could not be waited for: {error}.")))?;
        let stderr_tail = self.stderr_tail.and_then(|reader| reader.join().ok()).unwrap_or_default();
        Ok(ProcessExit { status, stderr_tail })
    }
}

impl ProcessExit {
    /// The error of a process that a signal ended, which says nothing of the video: the machine ran out of
    /// memory (the kernel then sends SIGKILL), or somebody stopped the process.
    pub fn signal_error(&self) -> Option<FfmpegError> {
        let signal = self.status.signal()?;
        Some(if signal == SIGKILL {
            FfmpegError::OutOfMemory
        } else {
            FfmpegError::failed(format!("ffmpeg was stopped on the renderer (signal {signal})."))
        })
    }

    /// The error of a video that needs more than it may have: a picture with too many pixels, or more memory
    /// than [`MAX_MEMORY_BYTES`].
    pub fn limit_error(&self) -> Option<FfmpegError> {
        let reports = |what: &str| self.stderr_tail.iter().any(|line| line.contains(what));
        if reports("exceeds specified max pixel count") {
            return Some(FfmpegError::invalid_input(
                "The video has pictures of more than 67 million pixels. Scale it down and upload it again.",
            ));
        }
        (reports("Cannot allocate memory") || reports("out of memory")).then(|| {
            FfmpegError::invalid_input(
                "The video takes more memory to decode than the renderer has. Scale it down and upload it again.",
            )
        })
    }

    /// The last line of stderr as part of a sentence, without memory addresses and paths.
    pub fn last_error_line(&self) -> String {
        let line = self.stderr_tail.iter().rev().find(|line| !line.trim().is_empty());
        let Some(line) = line else { return format!("{}", self.status) };
        // As in "[mov,mp4 @ 0x55d0] text".
        let text = if line.starts_with('[') {
            line.split_once("] ").map_or(line.as_str(), |(_, rest)| rest)
        } else {
            line
        };
        let no_paths: Vec<&str> = text.split_whitespace().filter(|word| !word.contains('/')).collect();
        no_paths.join(" ").trim_end_matches(['.', ':']).to_owned()
    }
}

/// What ffmpeg prints; `None` when it fails.
pub(super) fn output_of(args: &[&str]) -> Option<String> {
    let processes = ProcessGroup::default();
    let process = processes.start("ffmpeg", QUIET.iter().chain(args)).ok()?;
    let mut output = String::new();
    process.stdout()?.read_to_string(&mut output).ok()?;
    process.wait().ok().filter(|exit| exit.status.success()).map(|_| output)
}

/// A command that the kernel kills when our thread dies. `setpriv` sets that up and then
/// becomes the program itself; a fork hook of our own would need `unsafe`.
fn command_with_parent_death_signal(program: &str) -> Command {
    static SETPRIV: OnceLock<bool> = OnceLock::new();
    let works = || {
        let mut probe = Command::new("setpriv");
        probe
            .args(["--pdeathsig", "KILL", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    // For a missing program, `setpriv` would fail with a message of its own.
    if !on_path(program) || !*SETPRIV.get_or_init(works) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// What one ffmpeg may take: decoding 8K in all threads takes about half.
const MAX_MEMORY_BYTES: u64 = 4 << 30;

/// Has the kernel refuse a child more memory than the limit. The limit is on memory that is written
/// (`RLIMIT_DATA`), since address space is also reserved, by threads and by CUDA, and never used. It is set from
/// outside just after the start, so that no wrapper is needed; a refusal only leaves the child without it.
fn limit_memory(process_id: u32) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = i32::try_from(process_id).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let limit = Rlimit { current: Some(MAX_MEMORY_BYTES), maximum: Some(MAX_MEMORY_BYTES) };
        let _ = prlimit(Some(pid), Resource::Data, limit);
    }
}

/// A frame is megabytes and a pipe holds 64 KiB: a larger one saves most of the context switches.
/// A refusal (the user's pipe quota) only costs speed.
fn enlarge_pipe(pipe: &impl std::os::fd::AsFd) {
    const BYTES: usize = 1 << 20;
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, BYTES);
}

fn last_lines(stderr: std::process::ChildStderr) -> Vec<String> {
    const MAX_LINES: usize = 20;
    const MAX_CHARS: usize = 500;
    // Of a stream that is never decoded, such as a cover or a timecode.
    const HARMLESS: &[u8] = b"not on whitelist";
    let mut lines = std::collections::VecDeque::with_capacity(MAX_LINES);
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        if line.windows(HARMLESS.len()).any(|part| part == HARMLESS) {
            continue;
        }
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(&line).chars().take(MAX_CHARS).collect());
    }
    lines.into()
}

/// Its number on every Unix (POSIX `kill -9`).
const SIGKILL: i32 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_cannot_take_more_memory_than_the_limit() {
        let processes = ProcessGroup::default();
        let script = "ulimit -d";
        // The limit comes from outside: the shell waits for a line first.
        let process = processes.start("sh", ["-c", &format!("read line; {script} >&2")]).expect("a shell");
        drop(process.stdin());
        let exit = process.wait().expect("an exit");
        assert_eq!(exit.stderr_tail, [(MAX_MEMORY_BYTES / 1024).to_string()]);
    }

    #[test]
    fn only_a_signal_is_an_error_of_the_machine() {
        let processes = ProcessGroup::default();
        let error = |script: &str| {
            let process = processes.start("sh", ["-c", script]).expect("a shell");
            process.wait().expect("an exit").signal_error()
        };
        assert_eq!(error("kill -KILL $$"), Some(FfmpegError::OutOfMemory));
        assert!(matches!(error("kill -INT $$"), Some(FfmpegError::Failed(_))));
        assert_eq!(error("exit 1"), None);
    }
}
