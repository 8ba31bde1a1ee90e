//! Counts the bytes of an upload over parallel requests that may fail.
//!
//! Invariant: the bytes of a request that failed or was dropped are not counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of one upload.
pub(super) struct UploadProgress {
    sent_bytes: AtomicU64,
    report: Box<dyn Fn(u64) + Send + Sync>,
}

impl UploadProgress {
    /// Starts at what was uploaded before, and reports that.
    pub(super) fn new(sent_bytes: u64, report: impl Fn(u64) + Send + Sync + 'static) -> Arc<Self> {
        report(sent_bytes);
        Arc::new(Self { sent_bytes: sent_bytes.into(), report: Box::new(report) })
    }

    fn add(&self, bytes: u64) {
        (self.report)(self.sent_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes);
    }

    fn subtract(&self, bytes: u64) {
        (self.report)(self.sent_bytes.fetch_sub(bytes, Ordering::Relaxed).saturating_sub(bytes));
    }
}

/// The bytes of one request. If it is dropped before [`RequestBytes::commit`], they are subtracted again.
pub(super) struct RequestBytes {
    progress: Arc<UploadProgress>,
    bytes: AtomicU64,
}

impl RequestBytes {
    pub(super) fn new(progress: &Arc<UploadProgress>) -> Arc<Self> {
        Arc::new(Self { progress: Arc::clone(progress), bytes: AtomicU64::new(0) })
    }

    pub(super) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progress.add(bytes);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The storage has them.
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
    fn bytes_of_a_failed_request_are_subtracted() {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&reports);
        let progress = UploadProgress::new(100, move |bytes| sink.lock().unwrap().push(bytes));
        let (succeeded, failed) = (RequestBytes::new(&progress), RequestBytes::new(&progress));
        succeeded.add(5);
        failed.add(7);
        drop(failed);
        succeeded.commit();
        drop(succeeded);
        assert_eq!(*reports.lock().unwrap(), [100, 105, 112, 105]);
    }
}
