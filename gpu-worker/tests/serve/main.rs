//! `serve` and `attempt` from outside: real requests, real callbacks, real transfers on localhost.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod attempt;
mod call_log;
mod emulator_client;
mod excerpts;
mod failures;
mod fake_api;
mod faults;
mod jobs;
mod process;
mod queue;
mod test_backend;
mod verified;
mod web_pages;
mod webhooks;
