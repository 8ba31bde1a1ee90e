//! Lines of the audit log that wait to be written. While one write is under way, the lines of other requests
//! gather, and go with the next: under load a line costs a part of a write.
//!
//! Invariant: a line is given to one writer. A writer that is silent for too long has ended with its request, and
//! the next line finds another.

use crate::base::time::{DurationMs, Timestamp};
use crate::sql::audit::AuditEntry;

/// The lines of one isolate.
#[derive(Debug, Default)]
pub struct AuditQueue {
    waiting: Vec<AuditEntry>,
    /// When the writer last took lines.
    writing_since: Option<Timestamp>,
}

impl AuditQueue {
    /// Adds a line. Answers whether its request is to write what waits.
    pub fn push(&mut self, entry: AuditEntry, now: Timestamp) -> bool {
        self.waiting.push(entry);
        let has_writer =
            self.writing_since.is_some_and(|since| since <= now && now.since(since) < WRITER_TIMEOUT);
        if !has_writer {
            self.writing_since = Some(now);
        }
        !has_writer
    }

    /// Takes what the writer is to write next; nothing when it is done.
    pub fn take(&mut self, now: Timestamp) -> Vec<AuditEntry> {
        let rest = self.waiting.split_off(self.waiting.len().min(LINES_PER_WRITE));
        let lines = std::mem::replace(&mut self.waiting, rest);
        self.writing_since = (!lines.is_empty()).then_some(now);
        lines
    }
}

/// Longer than a write may take.
const WRITER_TIMEOUT: DurationMs = DurationMs::seconds(15);
const LINES_PER_WRITE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_769_850_300_250);

    fn line(request_id: usize) -> AuditEntry {
        AuditEntry {
            at: NOW,
            request_id: request_id.to_string(),
            caller: "web".to_owned(),
            owner: None,
            route: "POST /api/jobs".to_owned(),
            target: String::new(),
            status: 201,
        }
    }

    #[test]
    fn lines_gather_while_one_request_writes() {
        let mut queue = AuditQueue::default();
        assert!(queue.push(line(0), NOW));
        assert_eq!(queue.take(NOW), [line(0)]);
        assert!(!queue.push(line(1), NOW) && !queue.push(line(2), NOW));
        assert_eq!(queue.take(NOW), [line(1), line(2)]);
        assert!(queue.take(NOW).is_empty(), "the writer is done");
        assert!(queue.push(line(3), NOW), "and the next line needs another");
    }

    #[test]
    fn a_write_is_bounded() {
        let mut queue = AuditQueue::default();
        for number in 0..=LINES_PER_WRITE {
            queue.push(line(number), NOW);
        }
        assert_eq!(queue.take(NOW).len(), LINES_PER_WRITE);
        assert_eq!(queue.take(NOW), [line(LINES_PER_WRITE)]);
    }

    #[test]
    fn a_writer_that_ended_with_its_request_is_replaced() {
        let mut queue = AuditQueue::default();
        queue.push(line(0), NOW);
        queue.take(NOW);
        assert!(!queue.push(line(1), NOW + DurationMs::seconds(14)));
        assert!(queue.push(line(2), NOW + WRITER_TIMEOUT));
        assert!(queue.push(line(3), NOW - DurationMs::seconds(1)), "a clock that was set back");
    }
}
