//! `gpu-worker attempt`: one job of a queue that somebody else keeps, RunPod's above all.
//!
//! Invariant: stdout carries the result and nothing else; everything for people goes to stderr.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use gpu_worker::serve::{Alone, Log, StartError, Timing};
use reel_core::job::gpu_service::RunpodJobId;
use serde_json::Value;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Do one attempt of a job, as RunPod's workers do, and print its result as one line of JSON
#[derive(Debug, Args)]
pub struct AttemptArgs {
    /// The job's `input` as RunPod hands it out; - reads it from stdin
    #[arg(value_name = "INPUT.json")]
    input: PathBuf,
    /// RunPod's id of the job; the API is told it, and cancels by it
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    runpod_job_id: Option<RunpodJobId>,
    /// Folder for the videos in work; what a killed attempt left there is removed [default: a folder
    /// in the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// How it went, for whoever started the program.
enum End {
    /// The result for RunPod.
    Result(Value),
    /// Ended by this signal: nobody waits for a result.
    Signal(SignalKind),
}

#[derive(Debug, Error)]
enum AttemptError {
    #[error("the job's input cannot be read: {0}")]
    Input(std::io::Error),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the system refuses to run it: {0}")]
    System(#[from] std::io::Error),
}

impl AttemptArgs {
    /// Exit code 0 after a success, 1 after a failure, 128 and the signal's number after a signal.
    pub fn run(self) -> ExitCode {
        match self.attempt().and_then(|end| finish(&end)) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("gpu-worker: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn attempt(self) -> Result<End, AttemptError> {
        let input = read_input(&self.input).map_err(AttemptError::Input)?;
        let alone = Alone {
            input,
            runpod_job_id: self.runpod_job_id,
            scratch: self.scratch.unwrap_or_else(|| std::env::temp_dir().join("reel-gpu-worker")),
            timing: Timing::default(),
            log: Log::Stderr,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let end = runtime.block_on(async {
            let interrupt = signal(SignalKind::interrupt())?;
            let terminate = signal(SignalKind::terminate())?;
            run(alone, interrupt, terminate).await
        });
        // A call that hangs must not keep a finished job waiting.
        runtime.shutdown_background();
        end
    }
}

async fn run(alone: Alone, mut interrupt: Signal, mut terminate: Signal) -> Result<End, AttemptError> {
    let stop = CancellationToken::new();
    let mut work = std::pin::pin!(alone.run(stop.clone()));
    let received = tokio::select! {
        result = &mut work => return Ok(End::Result(result?)),
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
    };
    stop.cancel();
    // ffmpeg and the files go within a second; whoever waits for us must not wait for ever.
    let _ = tokio::time::timeout(STOP_PATIENCE, work).await;
    Ok(End::Signal(received))
}

fn finish(end: &End) -> Result<ExitCode, AttemptError> {
    match end {
        End::Result(result) => {
            writeln!(std::io::stdout(), "{result}")?;
            Ok(if result.get("error").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        End::Signal(signal) => {
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
    RunpodJobId::parse(text).ok_or("it is made of letters, digits, - and _")
}

const STOP_PATIENCE: Duration = Duration::from_secs(5);
