//! How much memory the children of this process take at most: sampled from /proc while something runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The highest resident size of a child.
#[derive(Clone, Debug, Default)]
pub struct Peak {
    pub bytes: u64,
    pub command_line: String,
}

/// Runs `work` and watches the children that this process has meanwhile.
pub fn watched<T>(work: impl FnOnce() -> T) -> (T, Peak) {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak = Peak::default();
            while !is_done.load(Ordering::Relaxed) {
                sample(&mut peak);
                // The kernel keeps each child's peak, so that a sample in its last moments is enough.
                std::thread::park_timeout(Duration::from_millis(20));
            }
            peak
        });
        let result = work();
        is_done.store(true, Ordering::Relaxed);
        (result, watcher.join().expect("the watcher ends"))
    })
}

fn sample(peak: &mut Peak) {
    // Each thread has the children that it started.
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            // A child may end between two reads.
            let read =
                |file: &str| std::fs::read_to_string(format!("/proc/{child}/{file}")).unwrap_or_default();
            let status = read("status");
            let field = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = field.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
            let bytes = kilobytes.unwrap_or(0) * 1024;
            if bytes > peak.bytes {
                *peak = Peak { bytes, command_line: read("cmdline").replace('\0', " ") };
            }
        }
    }
}
