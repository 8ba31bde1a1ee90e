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
    let own = std::process::id().to_string();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        // A process may end between two reads.
        let Ok(status) = std::fs::read_to_string(entry.path().join("status")) else { continue };
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if field("PPid:") != Some(own.as_str()) {
            continue;
        }
        let kilobytes = field("VmHWM:").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        let bytes = kilobytes.unwrap_or(0) * 1024;
        if bytes > peak.bytes {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            *peak = Peak { bytes, command_line: String::from_utf8_lossy(&line).replace('\0', " ") };
        }
    }
}
