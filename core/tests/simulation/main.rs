//! Random histories of a job with many faults: seeded, replayable, checked after every step.
//!
//! `HISTORIES=1000000 cargo test -p reel-core --release --test simulation -- --nocapture` runs many;
//! `SEED=n` replays one. A failure names its seed.

mod environment;
mod invariants;
mod rng;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use environment::Simulation;

#[test]
fn no_history_breaks_an_invariant() {
    if let Some(seed) = number("SEED") {
        return Simulation::new(seed).run_to_end().unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    }
    let histories = number("HISTORIES").unwrap_or(20_000);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (start, next) = (Instant::now(), AtomicU64::new(0));
    let found: Vec<Findings> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| search(&next, histories))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a search thread")).collect()
    });
    let mut summaries = BTreeMap::new();
    let mut broken = Vec::new();
    for part in found {
        broken.extend(part.broken);
        for (summary, count) in part.summaries {
            *summaries.entry(summary).or_insert(0_u64) += count;
        }
    }
    broken.sort();
    println!("{histories} histories in {:.1} s, {} broken", start.elapsed().as_secs_f64(), broken.len());
    println!("{summaries:#?}");
    assert!(broken.is_empty(), "replay with SEED=n: {:#?}", &broken[..broken.len().min(5)]);
    // Without faults, the histories would prove nothing.
    for summary in [
        "complete at attempt 1",
        "complete at attempt 3",
        "cancelled at attempt 1",
        "gpu_error at attempt 3",
        WAITED,
        DELIVERED_LATE,
        GAVE_UP,
    ] {
        assert!(summaries.get(summary).is_some_and(|count| *count > 0), "no history ended as {summary:?}");
    }
}

const WAITED: &str = "(of all) waited for a silent endpoint";
const DELIVERED_LATE: &str = "(of all) delivered an event after a failure";
const GAVE_UP: &str = "(of all) gave a delivery up";

#[derive(Default)]
struct Findings {
    broken: Vec<(u64, String)>,
    summaries: BTreeMap<String, u64>,
}

fn search(next: &AtomicU64, histories: u64) -> Findings {
    let mut found = Findings::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= histories || found.broken.len() >= 5 {
            return found;
        }
        let mut simulation = Simulation::new(seed);
        match simulation.run_to_end() {
            Ok(()) => {
                *found.summaries.entry(simulation.end_summary()).or_default() += 1;
                let (delivered_late, gave_up) = simulation.deliveries();
                for (name, happened) in
                    [(WAITED, simulation.not_sent > 0), (DELIVERED_LATE, delivered_late), (GAVE_UP, gave_up)]
                {
                    *found.summaries.entry(name.to_owned()).or_default() += u64::from(happened);
                }
            }
            Err(why) => found.broken.push((seed, why)),
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
