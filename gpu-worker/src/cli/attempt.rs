//! `gpu-worker attempt`: one job of RunPod's queue.
//!
//! Invariant: stdout carries the result and nothing else; everything for people goes to stderr.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use gpu_worker::attempt::{AttemptContext, Log, SetupError, WorkerTimeouts, run_attempt};
use reel_core::job::gpu_service::RunpodJobId;
use serde_json::Value;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Run one attempt of a job, as a RunPod worker does, and print the result as one line of JSON
#[derive(Debug, Args)]
pub struct AttemptArgs {
    /// The job's `input` from RunPod; - reads it from stdin
    #[arg(value_name = "INPUT.json")]
    input: PathBuf,
    /// RunPod's id of the job; the API uses it to cancel the job
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    runpod_job_id: Option<RunpodJobId>,
    /// Directory for temporary files; leftovers of a killed attempt are removed [default: a
    /// subdirectory of the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// How the attempt ended.
enum AttemptExit {
    /// With a result for RunPod.
    Result(Value),
    /// By this signal: nobody waits for a result.
    Signal(SignalKind),
}

#[derive(Debug, Error)]
enum AttemptCommandError {
    #[error("the job's input cannot be read: {0}")]
    Input(std::io::Error),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("could not start: {0}")]
    System(#[from] std::io::Error),
}

impl AttemptArgs {
    /// Exit code 0 after a success, 1 after a failure, 128 and the signal's number after a signal.
    pub fn run(self) -> ExitCode {
        match self.run_until_signal().and_then(|exit| print_result(&exit)) {
            Ok(code) => code,
            Err(error) => super::fail(error),
        }
    }

    fn run_until_signal(self) -> Result<AttemptExit, AttemptCommandError> {
        let input = read_input(&self.input).map_err(AttemptCommandError::Input)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let exit = runtime.block_on(self.attempt(&input));
        // A call that hangs must not keep a finished job waiting.
        runtime.shutdown_background();
        exit
    }

    async fn attempt(self, input: &str) -> Result<AttemptExit, AttemptCommandError> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let scratch = self.scratch.unwrap_or_else(super::default_scratch);
        let context = AttemptContext::open(&scratch, WorkerTimeouts::default(), Log::Stderr)?;
        let stop = CancellationToken::new();
        let runpod_job_id = self.runpod_job_id.as_ref().map(RunpodJobId::as_str);
        let mut attempt = std::pin::pin!(run_attempt(context, runpod_job_id, input, stop.clone()));
        let received = tokio::select! {
            result = &mut attempt => return Ok(AttemptExit::Result(result)),
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
        };
        stop.cancel();
        // ffmpeg and the files go within a second; RunPod must not wait for ever.
        let _ = tokio::time::timeout(STOP_TIMEOUT, attempt).await;
        Ok(AttemptExit::Signal(received))
    }
}

fn print_result(exit: &AttemptExit) -> Result<ExitCode, AttemptCommandError> {
    match exit {
        AttemptExit::Result(result) => {
            writeln!(std::io::stdout(), "{result}")?;
            Ok(if result.get("error").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        AttemptExit::Signal(signal) => {
            let number = u8::try_from(signal.as_raw_value()).unwrap_or_default();
            Ok(ExitCode::from(number.saturating_add(128)))
        }
    }
}

fn read_input(path: &Path) -> std::io::Result<String> {
    if path != Path::new("-") {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn parse_id(text: &str) -> Result<RunpodJobId, &'static str> {
    RunpodJobId::parse(text).ok_or("must contain only letters, digits, - and _")
}

const STOP_TIMEOUT: Duration = Duration::from_secs(5);
