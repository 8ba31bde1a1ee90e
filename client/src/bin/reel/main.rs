//! The command `reel`: one export from a clip on disk to a reel on disk, an upload alone, or a look at
//! jobs on the server.
//!
//! Invariant: standard output carries results only (one line, or JSON with `--json`); progress and
//! complaints go to standard error. Exit codes are in [`failure`].

mod args;
mod commands;
mod error;
mod interrupt;
mod params;
mod resume_file;
mod shorthand;
mod ui;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use reel_client::Client;

use args::{Args, Command};
use commands::{export, jobs, upload};
use error::CliError;
use interrupt::InterruptState;
use ui::Ui;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let screen = Ui::new(args.json, std::io::stderr().is_terminal());
    let json = args.json;
    let under_way = InterruptState::default();
    let outcome = tokio::select! {
        outcome = run(args, &screen, &under_way) => outcome,
        signal = tokio::signal::ctrl_c() => match signal {
            Ok(()) => Err(CliError::Interrupted(under_way.get())),
            Err(error) => Err(CliError::Usage(format!("Ctrl-C cannot be caught: {error}"))),
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

/// `under_way` learns what goes on, or can be taken up again, when this command is stopped.
async fn run(args: Args, screen: &Ui, under_way: &InterruptState) -> Result<(), CliError> {
    let client = Client::new(&args.api, args.api_key.filter(|key| !key.is_empty()))?;
    match args.command {
        Command::Export(export) => export::export(&client, &export, screen, under_way).await,
        Command::Upload(args) => upload::run(&client, &args, screen, under_way).await,
        Command::Watch { job_id } => jobs::watch(&client, job_id, screen, under_way).await,
        Command::Download { job_id, out } => jobs::download(&client, job_id, &out, screen).await,
        Command::Status { job_id } => jobs::status(&client, job_id, screen).await,
        Command::Cancel { job_id } => jobs::cancel(&client, job_id, screen).await,
        Command::Retry { job_id } => jobs::retry(&client, job_id, screen).await,
        Command::List(list) => jobs::list(&client, &list.into_filter(), screen).await,
    }
}
