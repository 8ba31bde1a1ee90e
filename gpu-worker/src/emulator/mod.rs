//! `gpu-worker serve`: RunPod's queue API on localhost, for development and tests, with real renders
//! behind it.
//!
//! A client that works against `https://api.runpod.ai/v2/{endpoint}` works against this server
//! unchanged: same routes, same bodies, same webhook, same deadlines. Jobs live in memory. [`faults`]
//! makes it fail as RunPod and GPU workers do.

mod door;
mod faults;
mod queue;
mod routes;
mod run_request;
mod server;
mod slot;
mod state;
mod timeouts;
mod webhook;

pub use faults::{FaultInjector, HELP as FAULTS_HELP, ScriptError};
pub use run_request::PolicyMinimums;
pub use server::{Server, ServerSettings, StartError};
pub use timeouts::EmulatorTimeouts;
