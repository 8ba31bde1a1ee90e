//! Log lines: one JSON object a line, of a closed list of events.
//!
//! Invariant: every line names what it is about (a request, a job and attempt, an upload, the sweep), and no
//! line has a URL, a token or a key. `docs/operations.md` has a row for each event: what it means, and what
//! an operator does. A test compares the two.

use std::fmt::Write as _;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// A fault, or data that may be wrong.
    Error,
    /// Something outside did not do what it should; it is repeated.
    Warn,
    /// What was done on schedule.
    Info,
}

impl LogLevel {
    /// Its word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
        }
    }
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSubject<'s> {
    /// A request to the Worker.
    Request(&'s str),
    /// A job, and its attempt when that is known.
    Job(&'s str, Option<u32>),
    /// An upload in parts.
    Upload(&'s str),
    /// The GPU endpoint, for all its jobs.
    Endpoint,
    /// The scheduled sweep.
    Sweep,
    /// The Worker's start.
    Startup,
}

macro_rules! log_events {
    ($($(#[$doc:meta])* $name:ident $level:ident $word:literal,)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum LogEvent { $($(#[$doc])* $name,)* }

        impl LogEvent {
            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its word in the log.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// How much it matters.
            pub const fn level(self) -> LogLevel {
                match self { $(Self::$name => LogLevel::$level,)* }
            }
        }
    };
}

log_events! {
    /// Settings are missing or wrong; the detail names them.
    NotConfigured Error "not_configured",
    /// A setting works and should be changed; the detail says how.
    SettingsWarning Warn "settings_warning",
    /// A line of the audit log could not be written.
    AuditFailed Error "audit_failed",
    /// The platform gave no random bytes.
    NoRandomness Error "no_randomness",
    /// A request was answered 500.
    RequestFailed Error "request_failed",
    /// The bucket, the index or an object did not answer; the client got 503.
    Unavailable Error "unavailable",
    /// An object replied with something that this version cannot read.
    UnreadableReply Error "unreadable_reply",
    /// Something of a job's object failed; the detail says what.
    JobFailed Error "job_failed",
    /// A job's alarm failed and rings again.
    JobAlarmFailed Error "job_alarm_failed",
    /// A commit wrote another number of rows than it is billed for.
    RowsMiscounted Error "rows_miscounted",
    /// RunPod answered with an error status.
    RunpodRefused Warn "runpod_refused",
    /// RunPod did not answer.
    RunpodSilent Warn "runpod_silent",
    /// RunPod did not answer several times in a row: questions wait. The detail has counts and some jobs.
    RunpodPaused Warn "runpod_paused",
    /// RunPod answers again; the detail has counts and some jobs.
    RunpodResumed Info "runpod_resumed",
    /// The identity provider gave no key set; the detail says why.
    KeySetUnavailable Warn "key_set_unavailable",
    /// An attempt to deliver an event to a webhook failed; the detail has the event, the attempt and the status.
    WebhookFailed Warn "webhook_failed",
    /// Something of an upload's object failed; the detail says what.
    UploadFailed Error "upload_failed",
    /// An upload's alarm failed and rings again.
    UploadAlarmFailed Error "upload_alarm_failed",
    /// The bucket did not list the parts of an upload.
    PartsNotListed Warn "parts_not_listed",
    /// A part of the sweep failed; the next run tries again.
    SweepFailed Error "sweep_failed",
    /// The sweep compared rows of the index.
    RowsReconciled Info "rows_reconciled",
    /// The sweep deleted inputs past their retention.
    InputsExpired Info "inputs_expired",
}

/// One line.
pub fn log_line(subject: LogSubject<'_>, event: LogEvent, detail: &str) -> String {
    let mut line = format!("{{\"level\":\"{}\",\"event\":\"{}\"", event.level().as_str(), event.as_str());
    // Writing to a string cannot fail. Ids and words need no escape, a detail may.
    let _ = match subject {
        LogSubject::Request(id) => write!(line, ",\"request_id\":\"{id}\""),
        LogSubject::Job(id, None) => write!(line, ",\"job_id\":\"{id}\""),
        LogSubject::Job(id, Some(attempt)) => write!(line, ",\"job_id\":\"{id}\",\"attempt\":{attempt}"),
        LogSubject::Upload(id) => write!(line, ",\"upload_id\":\"{id}\""),
        LogSubject::Endpoint => write!(line, ",\"part\":\"endpoint\""),
        LogSubject::Sweep => write!(line, ",\"part\":\"sweep\""),
        LogSubject::Startup => write!(line, ",\"part\":\"startup\""),
    };
    let _ = write!(line, ",\"detail\":{}}}", serde_json::Value::from(detail));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_that_names_its_subject() {
        let line = |subject| log_line(subject, LogEvent::JobFailed, "a commit failed: \"disk\"\n");
        let rest = r#""detail":"a commit failed: \"disk\"\n"}"#;
        for (subject, named) in [
            (LogSubject::Request("00ff"), r#""request_id":"00ff""#),
            (LogSubject::Job("3f2b", Some(2)), r#""job_id":"3f2b","attempt":2"#),
            (LogSubject::Job("3f2b", None), r#""job_id":"3f2b""#),
            (LogSubject::Upload("3f2b"), r#""upload_id":"3f2b""#),
            (LogSubject::Endpoint, r#""part":"endpoint""#),
            (LogSubject::Sweep, r#""part":"sweep""#),
        ] {
            assert_eq!(line(subject), format!(r#"{{"level":"error","event":"job_failed",{named},{rest}"#));
        }
    }

    #[test]
    fn every_event_is_explained_to_operators() {
        let docs = include_str!("../../../docs/operations.md");
        for event in LogEvent::ALL {
            let row = format!("| `{}` | {} |", event.as_str(), event.level().as_str());
            assert!(docs.contains(&row), "docs/operations.md has no row {row}");
        }
        let rows = docs.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, LogEvent::ALL.len() + 1, "docs/operations.md has a row of an event that is gone");
    }

    #[test]
    fn words_are_used_once() {
        let mut words: Vec<&str> = LogEvent::ALL.iter().map(|event| event.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), LogEvent::ALL.len());
    }
}
