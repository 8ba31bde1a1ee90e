//! The log: one function, one JSON object a line. What may be said is the core's closed list.

use reel_core::objects::log_event::{LogEvent, LogLevel, LogSubject, log_line};
use worker::{console_error, console_log, console_warn};

/// Writes one line.
pub fn log(subject: LogSubject<'_>, event: LogEvent, detail: &str) {
    let line = log_line(subject, event, detail);
    match event.level() {
        LogLevel::Error => console_error!("{line}"),
        LogLevel::Warn => console_warn!("{line}"),
        LogLevel::Info => console_log!("{line}"),
    }
}
