//! One readable line per event on stderr: time, job, what happened.
//!
//! Invariant: no URL is written here except the server's own address, because callback and presigned
//! URLs are capabilities.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where log lines go.
#[derive(Clone, Copy, Debug)]
pub enum Log {
    /// To stderr.
    Stderr,
    /// Nowhere: for tests that do not read logs.
    Silent,
}

impl Log {
    /// Writes one line about a job, named by the first part of RunPod's id.
    pub fn job(self, id: &str, what: impl fmt::Display) {
        let short = id.split('-').next().unwrap_or(id);
        self.line(format_args!("{short:<8}  {what}"));
    }

    /// Writes one line about the server itself.
    pub fn server(self, what: impl fmt::Display) {
        self.line(format_args!("{:<8}  {what}", "server"));
    }

    fn line(self, what: impl fmt::Display) {
        match self {
            Self::Stderr => eprintln!("{}  {what}", time_of_day()),
            Self::Silent => {}
        }
    }
}

/// UTC, as `13:05:09.250`.
#[expect(clippy::disallowed_methods, reason = "a native log needs the wall clock; nothing is decided by it")]
fn time_of_day() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs() % 86_400;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", seconds % 60, now.subsec_millis())
}

/// A number of bytes for people.
pub(super) struct HumanBytes(pub u64);

impl fmt::Display for HumanBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ ..1_000_000 => write!(f, "{} kB", bytes.div_ceil(1000)),
            bytes => write!(f, "{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        }
    }
}
