//! Random lives of a job in a hostile world: seeded, replayable, checked after every step.
//!
//! `HISTORIES=1000000 cargo test -p reel-core --release --test simulation -- --nocapture` runs many;
//! `SEED=n` replays one. A failure names its seed.

mod chance;
mod invariants;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use world::Simulation;

#[test]
fn no_history_breaks_an_invariant() {
    if let Some(seed) = number("SEED") {
        return Simulation::new(seed).run_to_end().unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    }
    let histories = number("HISTORIES").unwrap_or(20_000);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (start, next) = (Instant::now(), AtomicU64::new(0));
    let found: Vec<Found> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| search(&next, histories))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a search thread")).collect()
    });
    let mut fates = BTreeMap::new();
    let mut broken = Vec::new();
    for part in found {
        broken.extend(part.broken);
        for (fate, count) in part.fates {
            *fates.entry(fate).or_insert(0_u64) += count;
        }
    }
    broken.sort();
    println!("{histories} histories in {:.1} s, {} broken", start.elapsed().as_secs_f64(), broken.len());
    println!("{fates:#?}");
    assert!(broken.is_empty(), "replay with SEED=n: {:#?}", &broken[..broken.len().min(5)]);
    // A world in which nothing goes wrong would prove nothing.
    for fate in
        ["complete at attempt 1", "complete at attempt 3", "cancelled at attempt 1", "gpu_error at attempt 3"]
    {
        assert!(fates.contains_key(fate), "no history ended as {fate:?}");
    }
}

#[derive(Default)]
struct Found {
    broken: Vec<(u64, String)>,
    fates: BTreeMap<String, u64>,
}

fn search(next: &AtomicU64, histories: u64) -> Found {
    let mut found = Found::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= histories || found.broken.len() >= 5 {
            return found;
        }
        let mut world = Simulation::new(seed);
        match world.run_to_end() {
            Ok(()) => *found.fates.entry(world.end_summary()).or_default() += 1,
            Err(why) => found.broken.push((seed, why)),
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
