//! Films as phones, cameras, browsers and capture cards leave them, rendered and measured.
//!
//! `FILMS=gap,vfr` runs the named rows, `FILMS=all` every row (`npm run films`); without it the rows run that
//! stand for their families. `UPDATE_DOCS=1` writes the table of `docs/formats.md`.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a few hundred frames and samples"
)]

mod check;
mod families;
mod film_folder;
mod kind;
mod measure;
mod patch;
mod picture;
mod player;
mod rendering;
mod sound;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use check::{Corpus, Verdict};
use kind::Kind;

#[test]
fn every_kind_of_film_comes_out_as_a_player_shows_it() {
    let kinds = families::all();
    let wanted = std::env::var("FILMS").unwrap_or_default();
    let names: Vec<&str> = wanted.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let is_chosen = |kind: &Kind| match names.as_slice() {
        [] => kind.is_core,
        ["all"] => true,
        named => named.contains(&kind.name),
    };
    let chosen: Vec<&Kind> = kinds.iter().filter(|kind| is_chosen(kind)).collect();
    assert!(!chosen.is_empty(), "no film is called {wanted}");
    let corpus = Corpus::new(&kinds);
    let (next, broken) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(kind) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let judged = catch_unwind(AssertUnwindSafe(|| corpus.judge(kind)));
                    let verdict = judged.unwrap_or_else(|_| Verdict::not_judged());
                    let line = format!("{:24} {:5.1} s  ", kind.name, verdict.took_s);
                    if verdict.problems.is_empty() {
                        println!("{line}ok");
                    } else {
                        let line = format!("{line}{}", verdict.problems.join("; "));
                        println!("{line}");
                        broken.lock().expect("no panic before").push(line);
                    }
                }
            });
        }
    });
    let mut broken = broken.into_inner().expect("no panic before");
    broken.sort();
    assert!(broken.is_empty(), "{} of {} kinds:\n{}", broken.len(), chosen.len(), broken.join("\n"));
}
