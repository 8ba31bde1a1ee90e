//! Lines of the audit log that wait to be written. While one write is under way, the lines of other requests
//! gather, and go with the next: under load a line costs a part of a write.
//!
//! Invariants: a line is given to one writer. A writer that is silent for too long has ended with its request, and
//! the next line finds another. Memory is bounded while the database does not answer: lines are lost then, and
//! counted.

use crate::base::time::{DurationMs, Timestamp};
use crate::sql::audit::AuditEntry;

/// The lines of one isolate.
#[derive(Debug, Default)]
pub struct AuditQueue {
    waiting: Vec<AuditEntry>,
    /// Lines that found no room.
    lost: u32,
    /// When the writer last took lines.
    writing_since: Option<Timestamp>,
}

impl AuditQueue {
    /// Adds a line. Answers whether its request is to write what waits.
    pub fn push(&mut self, entry: AuditEntry, now: Timestamp) -> bool {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push(entry);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
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

    /// How many lines found no room since this was last asked.
    pub fn take_lost(&mut self) -> u32 {
        std::mem::take(&mut self.lost)
    }
}

/// Longer than a write may take.
const WRITER_TIMEOUT: DurationMs = DurationMs::seconds(15);
const LINES_PER_WRITE: usize = 500;
/// About 3 MB.
const WAITING_MAX: usize = 10_000;

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
    fn a_database_that_does_not_answer_costs_a_bounded_memory() {
        let mut queue = AuditQueue::default();
        for number in 0..WAITING_MAX + 3 {
            queue.push(line(number), NOW);
        }
        assert_eq!((queue.waiting.len(), queue.take_lost(), queue.take_lost()), (WAITING_MAX, 3, 0));
        assert_eq!(queue.take(NOW)[0], line(0), "the oldest stay");
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
