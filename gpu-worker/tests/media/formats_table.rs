//! The table of kinds in `docs/formats.md`, written from the rows that the tests hold.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::kind::{Case, Expected, Family, Kind, Rate, Reel, Request};

const BEGIN: &str = "<!-- films: written by `UPDATE_DOCS=1 cargo test -p gpu-worker --test media table` -->";
const END: &str = "<!-- /films -->";

pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md")
}

/// The document with this table between its marks; the marks are added where they are missing.
pub fn with_table(document: &str, kinds: &[Kind]) -> String {
    let section = format!("{BEGIN}\n{}{END}", table(kinds));
    match document.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1))) {
        Some((before, after)) => format!("{before}{section}{after}"),
        None => format!("{document}\n{section}\n"),
    }
}

fn table(kinds: &[Kind]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "The tests make each of these {} kinds of films, render it and measure the reel. The picture is 320x180 and 3 s\n\
         long unless said otherwise. The film's frames are shown at the moment at which a player shows them, flash and\n\
         beep are at most a frame apart from what they are in the film, and every reel is constant in rate, tagged as\n\
         BT.709 and has a key frame at least every second.",
        kinds.len()
    );
    for family in Family::ALL {
        let _ =
            writeln!(text, "\n### {}\n| Kind | What it is | What comes out |\n|---|---|---|", family.title());
        for kind in kinds.iter().filter(|kind| kind.family == family) {
            let results: Vec<String> = kind.cases.iter().map(result).collect();
            let _ = writeln!(text, "| `{}` | {} | {} |", kind.name, kind.imitates, results.join("; "));
        }
    }
    text
}

fn result(case: &Case) -> String {
    let request = match &case.request {
        Request::Whole | Request::Params(..) => String::new(),
        Request::Trim { .. } | Request::Speed { .. } | Request::Clips(_) => {
            format!("{}: ", case.request.label())
        }
    };
    match &case.expected {
        Expected::Reel(reel) => format!("{request}{}", described(reel)),
        Expected::Refused([]) => format!("{request}refused"),
        Expected::Refused(words) => format!("{request}refused: \"{}\"", words.join("\", \"")),
    }
}

fn described(reel: &Reel) -> String {
    let mut parts = Vec::new();
    if reel.size != (320, 180) {
        parts.push(format!("{}x{}", reel.size.0, reel.size.1));
    }
    match reel.rate {
        Rate::Of(rate) => {
            let digits = if rate.fract() == 0.0 { 0 } else { 3 };
            parts.push(format!("{} frames at {rate:.digits$}", reel.frames));
        }
        Rate::Any => parts.push(format!("{:.1} s", reel.length_s)),
    }
    if !reel.has_sound {
        parts.push("no sound".to_owned());
    }
    parts.join(", ")
}
