//! Counting the bytes of an upload that are through, over requests that run side by side and may fail.
//!
//! Invariant: the bytes of a request that failed, or was given up, are not counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of one upload.
pub(super) struct UploadProgress {
    sent_bytes: AtomicU64,
    report: Box<dyn Fn(u64) + Send + Sync>,
}

impl UploadProgress {
    /// Begins with what is there already, and reports that.
    pub(super) fn new(through_bytes: u64, report: impl Fn(u64) + Send + Sync + 'static) -> Arc<Self> {
        report(through_bytes);
        Arc::new(Self { sent_bytes: through_bytes.into(), report: Box::new(report) })
    }

    fn add(&self, bytes: u64) {
        (self.report)(self.sent_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes);
    }

    fn subtract(&self, bytes: u64) {
        (self.report)(self.sent_bytes.fetch_sub(bytes, Ordering::Relaxed).saturating_sub(bytes));
    }
}

impl fmt::Debug for UploadProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("through_bytes", &self.sent_bytes).finish_non_exhaustive()
    }
}

/// The bytes of one request; dropped before it is [kept](Tally::keep), they do not count.
#[derive(Debug)]
pub(super) struct RequestBytes {
    progress: Arc<UploadProgress>,
    bytes: AtomicU64,
}

impl RequestBytes {
    pub(super) fn new(meter: &Arc<UploadProgress>) -> Arc<Self> {
        Arc::new(Self { progress: Arc::clone(meter), bytes: AtomicU64::new(0) })
    }

    pub(super) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progress.add(bytes);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// They have arrived.
    pub(super) fn commit(&self) {
        self.bytes.store(0, Ordering::Relaxed);
    }
}

impl Drop for RequestBytes {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        if bytes > 0 {
            self.progress.subtract(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn only_what_arrived_stays_counted() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&seen);
        let meter = UploadProgress::new(100, move |bytes| note.lock().unwrap().push(bytes));
        let (good, bad) = (RequestBytes::new(&meter), RequestBytes::new(&meter));
        good.add(5);
        bad.add(7);
        drop(bad);
        good.commit();
        drop(good);
        assert_eq!(*seen.lock().unwrap(), [100, 105, 112, 105]);
    }
}
