//! Everything that reads what strangers send, fed with mutations of valid inputs: nothing may panic, and no
//! mutation may verify.
//!
//! `FUZZ_INPUTS` says how many inputs, `FUZZ_SEED` which; a failure prints both the seed and the input.
//! `npm run fuzz` runs ten million.

mod mutate;
mod targets;

#[path = "../simulation/rng.rs"]
#[allow(dead_code, reason = "shared with the simulation")]
mod rng;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use mutate::Mutator;
use rng::SeededRng;
use targets::targets;

#[test]
fn no_input_makes_a_reader_panic_and_no_mutation_verifies() {
    let number = |name: &str, default: u64| {
        std::env::var(name)
            .ok()
            .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let (inputs, seed) = (number("FUZZ_INPUTS", 60_000), number("FUZZ_SEED", 1));
    let targets = targets();
    let seeds: Vec<&[u8]> =
        targets.iter().flat_map(|target| target.seeds.iter().map(Vec::as_slice)).collect();
    for target in &targets {
        for seed in &target.seeds {
            assert!(
                (target.read)(seed),
                "{}: a seed is valid: {}",
                target.name,
                String::from_utf8_lossy(seed)
            );
        }
    }
    let mut random = SeededRng::new(seed);
    let mut accepted = vec![0_u64; targets.len()];
    let begun = Instant::now();
    for count in 0..inputs {
        let index = usize::try_from(count).expect("a count") % targets.len();
        let target = &targets[index];
        let own = &target.seeds[random.index_below(target.seeds.len())];
        let input = Mutator { random: &mut random, others: &seeds }.mutate(own);
        let Ok(valid) = catch_unwind(AssertUnwindSafe(|| (target.read)(&input))) else {
            panic!("FUZZ_SEED={seed}, input {count}, {}: {}", target.name, input.escape_ascii());
        };
        accepted[index] += u64::from(valid);
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{inputs} inputs in {seconds:.1} s, seed {seed}");
    for (target, accepted) in targets.iter().zip(accepted) {
        let share = inputs / targets.len() as u64;
        println!("  {:28} {share:>9} inputs, {accepted:>8} of them valid", target.name);
    }
}
