//! The command `reel`: export a clip to a reel, upload a video, and list, follow and download jobs.
//!
//! Invariant: standard output carries results only (one line, or JSON with `--json`); progress and errors go to
//! standard error. The exit codes are in [`error`].

mod api_key;
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
    let json = args.json;
    let ui = Ui::new(json, std::io::stderr().is_terminal());
    let interrupt = InterruptState::default();
    let outcome = tokio::select! {
        outcome = run(args, &ui, &interrupt) => outcome,
        signal = tokio::signal::ctrl_c() => match signal {
            Ok(()) => Err(CliError::Interrupted(interrupt.get())),
            Err(error) => Err(CliError::Usage(format!("Ctrl-C cannot be handled: {error}"))),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui.clear();
            if json {
                println!("{}", error.json());
            }
            eprintln!("reel: {error}");
            error.exit_code()
        }
    }
}

async fn run(args: Args, ui: &Ui, interrupt: &InterruptState) -> Result<(), CliError> {
    let client = Client::new(&args.api, api_key::find(args.api_key, &args.api))?;
    match args.command {
        Command::Export(args) => export::run(&client, &args, ui, interrupt).await,
        Command::Upload(args) => upload::run(&client, &args, ui, interrupt).await,
        Command::Watch { job_id } => jobs::watch(&client, job_id, ui, interrupt).await,
        Command::Download { job_id, out } => jobs::download(&client, job_id, &out, ui).await,
        Command::Status { job_id } => jobs::status(&client, job_id, ui).await,
        Command::Cancel { job_id } => jobs::cancel(&client, job_id, ui).await,
        Command::Retry { job_id } => jobs::retry(&client, job_id, ui).await,
        Command::List(list) => jobs::list(&client, &list.into_filter(), ui).await,
    }
}
