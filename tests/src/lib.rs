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
mod bucket_tap;
mod exchange;
mod flow;
mod part_upload;
mod pins;
mod pool;
mod ports;
mod process;
mod python;
mod socket;
mod stack;
mod story;
mod video;
mod wiretap;
mod worker;

pub use browser::browse;
pub use bucket_tap::{AcceptedPart, BucketProxy};
pub use exchange::{Body, ExchangeRecorder, RecordedResponse, Request, SocketRecorder};
pub use flow::{
    END_DEADLINE, bare_http, create, new_job, render, sample, spotlight_params, upload, wait_until,
};
pub use part_upload::{PartUpload, now};
pub use pins::GoldenFiles;
pub use pool::PooledStack;
pub use ports::free_port;
pub use process::{root, run};
pub use python::python;
pub use socket::{RawSocket, SocketTranscript};
pub use stack::{Options, SharedStack, Stack};
pub use story::{ExpectedEnd, JobScenario};
pub use video::{Probe, luma};
pub use wiretap::{RecordedRequest, RunpodProxy};
