//! Films as phones, cameras, browsers and capture cards leave them, rendered and measured.
//!
//! `FILMS=gap,vfr` runs the named rows, `FILMS=all` every row (`npm run films`); without it the rows run that
//! stand for their families. `UPDATE_DOCS=1` writes the table of `docs/formats.md`.
//!
//! A film is made with ffmpeg and by patches of its bytes, and is measured by itself before a renderer sees it, so
//! that no expectation rests on a film that is not what its row says.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a few hundred frames and samples"
)]
#![allow(clippy::similar_names, reason = "a film is in a file")]
#![allow(clippy::too_many_lines, reason = "rows of a table")]

mod check;
mod child_memory;
mod families;
mod film_folder;
mod formats_table;
mod kind;
mod measure;
mod mutated;
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

/// Of one process, for a film of 4K.
const MAX_CHILD_BYTES: u64 = 3 << 29;

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
    let ((), peak) = child_memory::watched(|| {
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
    });
    let mut broken = broken.into_inner().expect("no panic before");
    broken.sort();
    if peak.bytes > MAX_CHILD_BYTES {
        broken.push(format!("{} MB of memory: {}", peak.bytes >> 20, peak.command_line));
    }
    println!(
        "{} kinds, {} broken; a process took {} MB at most",
        chosen.len(),
        broken.len(),
        peak.bytes >> 20
    );
    assert!(broken.is_empty(), "{} of {} kinds:\n{}", broken.len(), chosen.len(), broken.join("\n"));
}

#[test]
fn every_row_has_a_name_of_its_own_and_says_what_it_imitates() {
    let kinds = families::all();
    let mut names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    let twice: Vec<&[&str]> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
    for kind in &kinds {
        assert!(!kind.imitates.is_empty() && !kind.cases.is_empty(), "{}", kind.name);
    }
    assert!(kinds.len() >= 70, "{} kinds", kinds.len());
}

#[test]
fn the_table_of_formats_is_that_of_the_tests() {
    let document = std::fs::read_to_string(formats_table::path()).unwrap_or_default();
    let right = formats_table::with_table(&document, &families::all());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(formats_table::path(), right).expect("written");
        return;
    }
    assert!(
        document == right,
        "docs/formats.md differs: UPDATE_DOCS=1 cargo test -p gpu-worker --test media table"
    );
}
