//! Random lives of an upload: a bucket that fails, loses answers, and does the work late, crashes at every
//! point, two clients at once, expiry in the middle. Seeded, replayable, checked after every step.
//!
//! `HISTORIES=1000000 cargo test -p reel-core --release --test upload_simulation -- --nocapture` runs many;
//! `SEED=n` replays one. A failure names its seed.

mod environment;
mod invariants;
#[path = "../simulation/rng.rs"]
#[allow(dead_code, reason = "shared with the simulation of jobs")]
mod rng;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use environment::Simulation;

#[test]
fn no_history_breaks_an_invariant() {
    if let Some(seed) = number("SEED") {
        let mut simulation = Simulation::new(seed);
        return simulation.run_to_end().unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    }
    let histories = number("HISTORIES").unwrap_or(20_000);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (start, next) = (Instant::now(), AtomicU64::new(0));
    let found: Vec<Found> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| search(&next, histories))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a search thread")).collect()
    });
    let (mut ends, mut events, mut broken) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for part in found {
        broken.extend(part.broken);
        for (sum, counts) in [(&mut ends, part.ends), (&mut events, part.events)] {
            for (name, count) in counts {
                *sum.entry(name).or_insert(0_u64) += count;
            }
        }
    }
    broken.sort();
    println!("{histories} histories in {:.1} s, {} broken", start.elapsed().as_secs_f64(), broken.len());
    println!("ends: {ends:#?}\nhistories with: {events:#?}");
    assert!(broken.is_empty(), "replay with SEED=n: {:#?}", &broken[..broken.len().min(5)]);
    // An environment in which nothing goes wrong would prove nothing.
    for end in ["complete", "aborted", "expired"] {
        assert!(ends.contains_key(end), "no history ended as {end:?}");
    }
    for event in EXPECTED_EVENTS {
        assert!(events.contains_key(event), "no history had: {event}");
    }
}

/// What must happen in some history of the usual 20,000.
const EXPECTED_EVENTS: [&str; 19] = [
    "a commit failed",
    "a completion that was late",
    "a completion under way at expiry",
    "a crash after a commit",
    "a crash with calls under way",
    "a listing of several pages",
    "an answer that came twice",
    "an honest client and a watcher",
    "an object of another upload at the key",
    "an object of the wrong size was deleted",
    "told aborted",
    "told can no longer be aborted",
    "told complete",
    "told lost by storage",
    "told outcome unknown",
    "told parts differ",
    "told too many changes",
    "told wrong size",
    "two callers answered by one step",
];

#[derive(Default)]
struct Found {
    broken: Vec<(u64, String)>,
    ends: BTreeMap<&'static str, u64>,
    events: BTreeMap<&'static str, u64>,
}

fn search(next: &AtomicU64, histories: u64) -> Found {
    let mut found = Found::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= histories || found.broken.len() >= 5 {
            return found;
        }
        let mut simulation = Simulation::new(seed);
        match simulation.run_to_end() {
            Ok(()) => {
                *found.ends.entry(simulation.end_summary()).or_default() += 1;
                for event in simulation.seen {
                    *found.events.entry(event).or_default() += 1;
                }
            }
            Err(why) => found.broken.push((seed, why)),
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
