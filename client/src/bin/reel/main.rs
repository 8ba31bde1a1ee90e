//! The command `reel`: one export from a clip on disk to a reel on disk, or a look at jobs on the server.
//!
//! Invariant: standard output carries results only (one line, or JSON with `--json`); progress and
//! complaints go to standard error. Exit codes are in [`failure`].

mod args;
mod edit;
mod export;
mod failure;
mod jobs;
mod notation;
mod screen;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::Parser as _;
use reel_client::{Client, JobId};

use args::{Args, Command};
use failure::Failure;
use screen::Screen;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let screen = Screen::new(args.json, std::io::stderr().is_terminal());
    let json = args.json;
    let followed = OnceLock::new();
    let outcome = tokio::select! {
        outcome = run(args, &screen, &followed) => outcome,
        signal = tokio::signal::ctrl_c() => match signal {
            Ok(()) => Err(Failure::Interrupted { job: followed.get().copied() }),
            Err(error) => Err(Failure::Usage(format!("Ctrl-C cannot be caught: {error}"))),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen.clear();
            if json {
                println!("{}", failure.json());
            }
            eprintln!("reel: {failure}");
            failure.exit_code()
        }
    }
}

/// `followed` learns the id of the job that goes on when this command is stopped.
async fn run(args: Args, screen: &Screen, followed: &OnceLock<JobId>) -> Result<(), Failure> {
    let client = Client::new(&args.api, args.api_key.filter(|key| !key.is_empty()))?;
    match args.command {
        Command::Export(export) => export::export(&client, &export, screen, followed).await,
        Command::Watch { job_id } => jobs::watch(&client, job_id, screen, followed).await,
        Command::Download { job_id, out } => jobs::download(&client, job_id, &out, screen).await,
        Command::Status { job_id } => jobs::status(&client, job_id, screen).await,
        Command::Cancel { job_id } => jobs::cancel(&client, job_id, screen).await,
        Command::Retry { job_id } => jobs::retry(&client, job_id, screen).await,
        Command::List(list) => jobs::list(&client, &list.into_filter(), screen).await,
    }
}
