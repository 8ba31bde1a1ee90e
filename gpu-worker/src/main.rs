//! The program `gpu-worker`: renders export jobs with ffmpeg.

mod cli;

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
    Attempt(cli::attempt::AttemptArgs),
    Render(cli::render::RenderArgs),
    Serve(cli::serve::ServeArgs),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Attempt(args) => args.run(),
        Command::Render(args) => args.run(),
        Command::Serve(args) => args.run(),
    }
}
