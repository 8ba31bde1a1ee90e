//! `serve` and `attempt` from outside: real requests, real callbacks, real transfers on loopback.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod api;
mod attempt;
mod chaos;
mod jobs;
mod program;
mod queue;
mod troubles;
mod webhooks;
mod world;
