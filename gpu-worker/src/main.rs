//! The program `gpu-worker`: renders export jobs with ffmpeg.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Renders export jobs with ffmpeg
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Attempt(command::attempt::AttemptArgs),
    Render(command::render::RenderArgs),
    Serve(command::serve::ServeArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Attempt(args) => return args.run(),
        Command::Render(args) => return args.run(),
        Command::Serve(args) => args.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gpu-worker: {error}");
            ExitCode::FAILURE
        }
    }
}
