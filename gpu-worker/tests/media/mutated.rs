//! Films whose bytes were changed at random: each ends within its bounds, in a reel or in a refusal.
//!
//! `MUTATIONS` says how many, `MUTATION_SEED` which; `npm run films` runs a thousand. A failure keeps the file
//! and prints its path.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use fastrand::Rng;
use reel_core::edit::JobType;
use reel_core::job::error_code::ErrorCode;
use serde_json::json;

use crate::child_memory;
use crate::film_folder::{AAC, BT709, FilmFolder, H264, Master, TO_BT709};
use crate::measure;
use crate::rendering::{Rendered, render_film};

/// Small films need little; a 4K film may take 1.5 GB.
const MAX_CHILD_BYTES: u64 = 1 << 30;
const TINY: Master = Master::new(30, 500);

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Whole films of many containers.
fn seeds(films: &FilmFolder) -> Vec<Vec<u8>> {
    let vp8: &[&str] =
        &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-8", "-b:v", "1M", "-c:a", "libopus"];
    let mjpeg: &[&str] = &["-c:v", "mjpeg", "-q:v", "5", "-c:a", "pcm_s16le"];
    let mpeg2: &[&str] = &["-c:v", "mpeg2video", "-q:v", "5", "-c:a", "mp2"];
    let theora: &[&str] = &["-c:v", "libtheora", "-q:v", "5", "-c:a", "libvorbis"];
    let wmv: &[&str] = &["-c:v", "wmv2", "-q:v", "5", "-c:a", "wmav2"];
    let h264 = |rest: &'static [&'static str]| [H264, BT709, AAC, rest].concat();
    let made = [
        ("seed.mp4", h264(&[])),
        ("seed-faststart.mp4", h264(&["-movflags", "+faststart"])),
        ("seed-fragments.mp4", h264(&["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-g", "5"])),
        ("seed.mov", [H264, BT709, &["-c:a", "pcm_s16le", "-timecode", "01:00:00:00"]].concat()),
        ("seed.mkv", h264(&[])),
        ("seed.webm", vp8.to_vec()),
        ("seed.ts", h264(&[])),
        ("seed.avi", mjpeg.to_vec()),
        ("seed.flv", h264(&[])),
        ("seed.mpg", mpeg2.to_vec()),
        ("seed.ogv", theora.to_vec()),
        ("seed.wmv", wmv.to_vec()),
    ];
    let bytes = made.into_iter().map(|(name, codec)| {
        let file = films.file(name, |out| films.encode(TINY, TO_BT709, &[&codec], out));
        std::fs::read(file).expect("a film")
    });
    bytes.collect()
}

/// One to three changes of a random kind.
fn mutate(film: &[u8], other: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut bytes = film.to_vec();
    for _ in 0..random.usize(1..=3) {
        match random.u8(0..8) {
            0 => flip_bits(&mut bytes, random),
            1 => bytes.truncate(random.usize(0..=bytes.len())),
            2 => {
                let part = part(bytes.len(), random);
                bytes.drain(part);
            }
            3 => {
                let copied = bytes[part(bytes.len(), random)].to_vec();
                let at = random.usize(0..=bytes.len());
                bytes.splice(at..at, copied);
            }
            4 => {
                let foreign = other[part(other.len(), random)].to_vec();
                let replaced = part(bytes.len(), random);
                bytes.splice(replaced, foreign);
            }
            5 => extreme_number(&mut bytes, random),
            6 => swap_boxes(&mut bytes, random),
            7.. => {
                let zeroed = part(bytes.len(), random);
                bytes[zeroed].fill(0);
            }
        }
    }
    bytes
}

fn part(length: usize, random: &mut Rng) -> std::ops::Range<usize> {
    let start = random.usize(0..=length);
    let longest = (length - start).min(4096);
    start..start + random.usize(0..=longest)
}

fn flip_bits(bytes: &mut [u8], random: &mut Rng) {
    for _ in 0..random.usize(1..=64) {
        if bytes.is_empty() {
            return;
        }
        let at = random.usize(0..bytes.len());
        bytes[at] ^= 1 << random.u8(0..8);
    }
}

/// A number in the headers, which stand at the begin or at the end, becomes the smallest or the largest.
fn extreme_number(bytes: &mut [u8], random: &mut Rng) {
    const EXTREMES: [u32; 6] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x00ff_ffff];
    let near = bytes.len().min(3000);
    if near < 4 {
        return;
    }
    let from_start = random.usize(0..=near - 4);
    let at = if random.bool() { from_start } else { bytes.len() - 4 - from_start };
    bytes[at..at + 4].copy_from_slice(&EXTREMES[random.usize(0..EXTREMES.len())].to_be_bytes());
}

/// Two boxes of an MP4 change places; elsewhere, two parts do.
fn swap_boxes(bytes: &mut [u8], random: &mut Rng) {
    const NAMES: [&[u8; 4]; 12] = [
        b"moov", b"mvhd", b"trak", b"tkhd", b"mdia", b"stsd", b"stts", b"stsz", b"stco", b"moof", b"traf",
        b"mdat",
    ];
    let found: Vec<usize> = (4..bytes.len().saturating_sub(4))
        .filter(|at| NAMES.iter().any(|name| bytes[*at..].starts_with(*name)))
        .collect();
    if found.len() < 2 {
        return;
    }
    let [one, other] = [0; 2].map(|_| found[random.usize(0..found.len())]);
    for byte in 0..4 {
        bytes.swap(one + byte, other + byte);
    }
}

/// What is wrong with an end; nothing for a complete reel and for a refusal.
fn problem(rendered: &Rendered, input: &Path, output: &Path) -> Option<String> {
    if rendered.hung {
        return Some("did not end".to_owned());
    }
    match &rendered.result {
        Ok(said) => {
            let frames = measure::pictures(output, "v:0", "").len() as u64;
            (frames != said.frames || frames == 0)
                .then(|| format!("{frames} frames, said to be {}", said.frames))
        }
        Err(error) if error.code != ErrorCode::InvalidInput => {
            Some(format!("{:?}: {}", error.code, error.message))
        }
        Err(error) => {
            let is_sentence = error.message.ends_with('.') && error.message.contains(' ');
            let folder = input.parent().and_then(Path::to_str).expect("a folder");
            let names_path = error.message.contains(folder);
            (!is_sentence || names_path || output.exists())
                .then(|| format!("refused badly: {}", error.message))
        }
    }
}

#[test]
fn mutated_films_end_within_their_bounds() {
    let (count, seed) = (number("MUTATIONS", 16), number("MUTATION_SEED", 1));
    let films = FilmFolder::new();
    let seeds = seeds(&films);
    let (next, reels) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    let run_one = |index: u64| {
        let mut random = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(index));
        let film = &seeds[(index % seeds.len() as u64) as usize];
        let other = &seeds[random.usize(0..seeds.len())];
        // Always called an MP4: a name says nothing.
        let input = films.path(&format!("mutated-{index}.mp4"));
        std::fs::write(&input, mutate(film, other, &mut random)).expect("written");
        let output = films.path(&format!("mutated-{index}.reel.mp4"));
        let params = json!({"effect_type": "original"});
        let rendered = render_film(JobType::Overlay, &params, &input, &[], &output);
        if let Some(problem) = problem(&rendered, &input, &output) {
            let kept = keep(&input, seed, index);
            let line = format!("seed {seed}, film {index} ({}): {problem}", kept.display());
            println!("{line}");
            failed.lock().expect("no panic before").push(line);
        } else if rendered.result.is_ok() {
            reels.fetch_add(1, Ordering::Relaxed);
        }
        for file in [input, output] {
            let _ = std::fs::remove_file(file);
        }
    };
    let ((), peak) = child_memory::watched(|| {
        std::thread::scope(|scope| {
            for _ in 0..available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count {
                            return;
                        }
                        run_one(index);
                    }
                });
            }
        });
    });
    let failed = failed.into_inner().expect("no panic before");
    println!(
        "{count} films: {} reels, {} failed; peak {} MB",
        reels.load(Ordering::Relaxed),
        failed.len(),
        peak.bytes >> 20
    );
    assert!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n"));
    assert!(peak.bytes < MAX_CHILD_BYTES, "{} MB: {}", peak.bytes >> 20, peak.command_line);
}

/// A copy that stays after the test.
fn keep(input: &Path, seed: u64, index: u64) -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutated-{seed}-{index}.mp4"));
    std::fs::copy(input, &kept).expect("copied");
    kept
}

#[test]
fn a_mutation_is_the_same_every_time() {
    let film: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    for index in 0..200 {
        let [one, other] = [0; 2].map(|_| mutate(&film, &film, &mut Rng::with_seed(index)));
        assert!(one == other, "seed {index}");
    }
}
