//! ffmpeg as child processes that never outlive their render.
//!
//! Invariant: every process started here is reaped before [`Children`] is dropped, and the
//! kernel kills it when the thread that started it dies (where util-linux is installed).

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use shared_child::SharedChild;

use super::RenderError;

/// All processes of one render.
#[derive(Debug, Default)]
pub(super) struct Children {
    started: Mutex<Vec<Arc<SharedChild>>>,
}

/// One running ffmpeg or ffprobe.
#[derive(Debug)]
pub(super) struct Tool {
    child: Arc<SharedChild>,
    complaints: Option<JoinHandle<Vec<String>>>,
}

/// How a process ended, and the last lines that it wrote to its error output.
#[derive(Debug)]
pub(super) struct Ended {
    pub status: ExitStatus,
    pub complaints: Vec<String>,
}

impl Children {
    /// Starts a process with all of its pipes in our hands; reads its complaints at once,
    /// so that a talkative ffmpeg cannot block on them.
    pub(super) fn start(
        &self,
        tool: &'static str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Tool, RenderError> {
        let mut command = mortal(tool);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = SharedChild::spawn(&mut command).map_err(|error| RenderError::no_tool(tool, &error))?;
        let child = Arc::new(child);
        self.started.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&child));
        let complaints = child.take_stderr().map(|stderr| std::thread::spawn(move || last_lines(stderr)));
        Ok(Tool { child, complaints })
    }

    /// Kills whatever still runs. Their pipes then close, and every thread at one wakes up.
    pub(super) fn kill_all(&self) {
        for child in self.started.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // An error here means that it has ended already.
            let _ = child.kill();
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.kill_all();
        for child in self.started.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = child.wait();
        }
    }
}

impl Tool {
    pub(super) fn stdin(&self) -> Option<std::process::ChildStdin> {
        self.child.take_stdin().inspect(widen)
    }

    pub(super) fn stdout(&self) -> Option<std::process::ChildStdout> {
        self.child.take_stdout().inspect(widen)
    }

    pub(super) fn kill(&self) {
        let _ = self.child.kill();
    }

    /// Waits for the end; another thread may kill it meanwhile.
    pub(super) fn wait(self) -> Result<Ended, RenderError> {
        let status = self
            .child
            .wait()
            .map_err(|error| RenderError::machine(format!("ffmpeg could not be waited for: {error}.")))?;
        let complaints = self.complaints.and_then(|reader| reader.join().ok()).unwrap_or_default();
        Ok(Ended { status, complaints })
    }
}

impl Ended {
    /// The error of a process that a signal ended, which says nothing of the video: the machine ran out of
    /// memory (the kernel then sends SIGKILL), or somebody stopped the process.
    pub(super) fn killed(&self) -> Option<RenderError> {
        let signal = self.status.signal()?;
        Some(if signal == SIGKILL {
            RenderError::out_of_memory()
        } else {
            RenderError::machine(format!("ffmpeg was stopped on the renderer (signal {signal})."))
        })
    }

    /// The last complaint, as part of a sentence: without addresses of code and without paths.
    pub(super) fn last_complaint(&self) -> String {
        let line = self.complaints.iter().rev().find(|line| !line.trim().is_empty());
        let Some(line) = line else { return format!("{}", self.status) };
        // "[mov,mp4 @ 0x55d0] text" says nothing by its address.
        let text = if line.starts_with('[') {
            line.split_once("] ").map_or(line.as_str(), |(_, rest)| rest)
        } else {
            line
        };
        let no_paths: Vec<&str> = text.split_whitespace().filter(|word| !word.contains('/')).collect();
        no_paths.join(" ").trim_end_matches(['.', ':']).to_owned()
    }
}

/// A command that the kernel kills when our thread dies. `setpriv` sets that up and then
/// becomes the tool itself; a fork hook of our own would need `unsafe`.
fn mortal(tool: &str) -> Command {
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
    // Without the tool itself, `setpriv` would report its absence in words of its own.
    if !on_path(tool) || !*SETPRIV.get_or_init(works) {
        return Command::new(tool);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", tool]);
    command
}

fn on_path(tool: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()))
}

/// A frame is megabytes and a pipe 64 KiB: a wider one saves most of the switches between the
/// processes. Refusal (a user's pipe quota) only costs speed.
fn widen(pipe: &impl std::os::fd::AsFd) {
    const BYTES: usize = 1 << 20;
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, BYTES);
}

fn last_lines(stderr: std::process::ChildStderr) -> Vec<String> {
    const KEPT: usize = 20;
    const LONGEST: usize = 500;
    let mut lines = std::collections::VecDeque::with_capacity(KEPT);
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(&line).chars().take(LONGEST).collect());
    }
    lines.into()
}

/// Its number on every Unix (POSIX `kill -9`).
const SIGKILL: i32 = 9;

#[cfg(test)]
mod tests {
    use super::*;
    use reel_core::job::error_code::ErrorCode;

    #[test]
    fn a_signal_blames_the_machine_and_an_exit_blames_nobody() {
        let children = Children::default();
        let code = |script: &str| {
            let tool = children.start("sh", ["-c", script]).expect("a shell");
            tool.wait().expect("an end").killed().map(|error| error.code)
        };
        assert_eq!(code("kill -KILL $$"), Some(ErrorCode::GpuOutOfMemory));
        assert_eq!(code("kill -INT $$"), Some(ErrorCode::GpuError));
        assert_eq!(code("exit 1"), None);
    }
}
