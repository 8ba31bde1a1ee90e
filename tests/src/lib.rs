//! Starts and stops the real pieces for the end-to-end tests: the Worker in workerd through
//! `wrangler dev`, and `gpu-worker serve`, each on a free port with a state folder of its own.
//!
//! Invariants: whatever a test starts is ended when the test ends, also by a panic, by its own process
//! group and never by a name. Tests wait for conditions, with a deadline that only a fault can reach.
//! What fails here panics with a sentence: the reader is a person with a red test.

#![allow(
    clippy::missing_panics_doc,
    reason = "everything here panics when it fails: that is how a test ends"
)]

mod browser;
mod bucket_proxy;
mod flow;
mod golden;
mod jose;
mod key_server;
mod log_check;
mod node;
mod part_upload;
mod pool;
mod ports;
mod process;
mod python;
mod recorder;
mod runpod_proxy;
mod scenario;
mod stack;
mod token_places;
mod transcript;
mod video;
mod webhook_receiver;
mod worker;

pub use browser::browse;
pub use bucket_proxy::{AcceptedPart, BucketProxy};
pub use flow::{
    END_DEADLINE, bare_http, create, new_job, render, sample, spotlight_params, upload, wait_until,
};
pub use golden::GoldenFiles;
pub use jose::jose;
pub use key_server::{KeyAnswer, KeyServer};
pub use log_check::{Leak, LogCheck};
pub use node::{node, run_script, typescript_client};
pub use part_upload::{PartUpload, now};
pub use pool::PooledStack;
pub use ports::free_port;
pub use process::{Process, root, run};
pub use python::python;
pub use recorder::{Body, ExchangeRecorder, RecordedResponse, Request, SocketRecorder};
pub use runpod_proxy::{RecordedRequest, RunpodProxy};
pub use scenario::{ExpectedEnd, JobScenario};
pub use stack::{Options, SharedStack, Stack, programs};
pub use transcript::{RawSocket, SocketTranscript};
pub use video::{Probe, luma};
pub use webhook_receiver::{ReceivedWebhook, WebhookAnswer, WebhookReceiver};
