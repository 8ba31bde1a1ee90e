//! Renders what a row asks for and says what is wrong with the result.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reel_core::job::error_code::ErrorCode;
use serde_json::Value;

use crate::film_folder::FilmFolder;
use crate::kind::{Case, Clock, Expected, Film, Kind, Rate, Reel, Request, Tones};
use crate::measure::{self, Shown};
use crate::picture::{self, CORNERS};
use crate::player::{self, Measured, Piece, Schedule, TOLERANCE_S};
use crate::rendering::render_film;
use crate::sound;

/// The films of all rows with what is known of them.
pub struct Corpus {
    pub folder: FilmFolder,
    films: HashMap<&'static str, Film>,
    schedules: Mutex<HashMap<&'static str, Arc<OnceLock<Schedule>>>>,
}

/// What came of one row.
pub struct Verdict {
    pub problems: Vec<String>,
    pub took_s: f64,
}

impl Verdict {
    /// The panic's own message stands above.
    pub fn not_judged() -> Self {
        Self { problems: vec!["a panic".to_owned()], took_s: 0.0 }
    }
}

impl Corpus {
    pub fn new(kinds: &[Kind]) -> Self {
        let mut films = HashMap::new();
        for kind in kinds {
            // The first row of a film makes it.
            films.entry(kind.film.file).or_insert_with(|| kind.film.clone());
        }
        Self { folder: FilmFolder::new(), films, schedules: Mutex::default() }
    }

    /// Makes the film, makes sure that it is what the row says, and renders each case.
    pub fn judge(&self, kind: &Kind) -> Verdict {
        let file = self.make(self.film(kind.film.file));
        let mut problems = film_problems(&kind.film, &file);
        if !problems.is_empty() {
            return Verdict { problems, took_s: 0.0 };
        }
        if kind.film.clock == Clock::Own {
            problems.extend(self.own_beep_problems(&kind.film, &file));
        }
        let mut took_s = 0.0;
        for (number, case) in kind.cases.iter().enumerate() {
            let output = self.folder.path(&format!("{}-{number}.reel.mp4", kind.name));
            let (found, seconds) = self.case_problems(kind, case, &file, &output);
            took_s += seconds;
            let label = case.request.label();
            problems.extend(found.into_iter().map(|problem| format!("{label}: {problem}")));
            // A folder of hundreds of reels is of no use to anybody.
            let _ = std::fs::remove_file(&output);
        }
        Verdict { problems, took_s }
    }

    fn make(&self, film: &Film) -> PathBuf {
        self.folder.file(film.file, |path| (film.make)(&self.folder, path))
    }

    fn film(&self, file: &str) -> &Film {
        self.films.get(file).unwrap_or_else(|| panic!("{file} is the film of a row"))
    }

    /// Each film's schedule is read once.
    fn schedule(&self, film: &Film) -> Schedule {
        let entry = {
            let mut known = self.schedules.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(film.file).or_default())
        };
        entry.get_or_init(|| self.read_schedule(film)).clone()
    }

    fn read_schedule(&self, film: &Film) -> Schedule {
        match film.clock {
            Clock::Own | Clock::OwnPictures => {
                let file = self.make(film);
                let pictures = measure::pictures(&file, film.streams[0], film.read_filters);
                let zero_s = zero_s(film, &file);
                let mut schedule = Schedule::of(&pictures, zero_s, film.length_s, Vec::new());
                if !film.streams[1].is_empty() {
                    schedule.beeps_s = beeps_of(film);
                }
                schedule
            }
            Clock::Of(other) => {
                // A film with a fault, known from the same film without one.
                let mut schedule = self.schedule(self.film(other));
                schedule.end_s = film.length_s;
                schedule
            }
            Clock::Twice => twice(&self.schedule(self.film("plain.mp4"))),
            Clock::None => Schedule::of(&[], 0.0, 0.0, Vec::new()),
        }
    }

    /// The beeps must be where the row says that they are.
    fn own_beep_problems(&self, film: &Film, file: &Path) -> Vec<String> {
        let schedule = self.schedule(film);
        if film.streams[1].is_empty() {
            return Vec::new();
        }
        let heard = measure::sound(file, film.streams[1]);
        let problems = player::time_problems("beep", &schedule.beeps_s, &heard.beeps_s, TOLERANCE_S);
        problems.into_iter().map(|problem| format!("the film itself: {problem}")).collect()
    }

    fn case_problems(&self, kind: &Kind, case: &Case, file: &Path, output: &Path) -> (Vec<String>, f64) {
        let files: Vec<&str> = match &case.request {
            Request::Clips(files) => files.to_vec(),
            Request::Whole | Request::Trim { .. } | Request::Speed { .. } | Request::Params(..) => {
                vec![kind.film.file]
            }
        };
        let size = match &case.expected {
            Expected::Reel(reel) => reel.size,
            Expected::Refused(_) => (320, 180),
        };
        let others: Vec<PathBuf> = files.iter().map(|file| self.make(self.film(file))).collect();
        let (job_type, params) = case.request.params(size);
        let rendered = render_film(job_type, &params, file, &others, output);
        if rendered.hung {
            return (vec!["did not end".to_owned()], rendered.took_s);
        }
        let problems = match (&case.expected, rendered.result) {
            (Expected::Reel(reel), Ok(said)) => {
                let schedules: Vec<Schedule> =
                    files.iter().map(|file| self.schedule(self.film(file))).collect();
                let mut problems = reel_problems(reel, &pieces(&case.request, &schedules), output);
                if reel.rate != Rate::Any && said.frames.abs_diff(reel.frames) > reel.frames_off {
                    problems.push(format!("the renderer says {} frames", said.frames));
                }
                problems
            }
            (Expected::Reel(_), Err(error)) => vec![format!("{:?}: {}", error.code, error.message)],
            (Expected::Refused(words), Ok(said)) => {
                vec![format!("a reel of {} frames, not refused ({})", said.frames, words.join(", "))]
            }
            (Expected::Refused(words), Err(error)) => {
                let missing: Vec<&str> = words
                    .iter()
                    .copied()
                    .filter(|word| !error.message.to_lowercase().contains(word))
                    .collect();
                let mut problems = Vec::new();
                if error.code != ErrorCode::InvalidInput {
                    problems.push(format!("{:?}: {}", error.code, error.message));
                } else if !missing.is_empty() {
                    problems.push(format!(
                        "refused without \"{}\": {}",
                        missing.join("\", \""),
                        error.message
                    ));
                }
                if output.exists() {
                    problems.push("a refused film leaves a reel".to_owned());
                }
                problems
            }
        };
        (problems, rendered.took_s)
    }
}

impl Request {
    pub fn label(&self) -> String {
        match self {
            Self::Whole => "whole".to_owned(),
            Self::Trim { from_s, to_s } => format!("{from_s} to {to_s} s"),
            Self::Speed { speed, .. } => format!("at {speed}x"),
            Self::Clips(files) => files.join(" + "),
            Self::Params(_, params) => params.to_string(),
        }
    }
}

fn beeps_of(film: &Film) -> Vec<f64> {
    sound::beeps_of(film.sound_s.unwrap_or(film.length_s - film.beep_late_s))
        .iter()
        .map(|beep| beep + film.beep_late_s)
        .collect()
}

/// A film that is played again right after its end.
fn twice(once: &Schedule) -> Schedule {
    let again =
        |times: &[f64]| times.iter().copied().chain(times.iter().map(|time| time + once.end_s)).collect();
    let later = once.pictures.iter().map(|(time, number)| (time + once.end_s, *number));
    Schedule {
        pictures: once.pictures.iter().copied().chain(later).collect(),
        end_s: once.end_s * 2.0,
        flashes_s: again(&once.flashes_s),
        beeps_s: again(&once.beeps_s),
    }
}

fn pieces<'s>(request: &Request, schedules: &'s [Schedule]) -> Vec<Piece<'s>> {
    let piece = |schedule: &'s Schedule| match request {
        Request::Whole | Request::Clips(_) | Request::Params(..) => {
            Piece { schedule, from_s: 0.0, to_s: schedule.end_s, speed: 1.0 }
        }
        Request::Trim { from_s, to_s } => {
            Piece { schedule, from_s: *from_s, to_s: to_s.min(schedule.end_s), speed: 1.0 }
        }
        Request::Speed { from_s, to_s, speed } => {
            Piece { schedule, from_s: *from_s, to_s: to_s.min(schedule.end_s), speed: *speed }
        }
    };
    schedules.iter().map(piece).collect()
}

/// The player's zero on the file's clock: where the first of picture and sound begins.
fn zero_s(film: &Film, file: &Path) -> f64 {
    let probe = measure::probe(file);
    let start = |stream: &str| -> Option<f64> {
        let stream = chosen(&probe, stream)?;
        stream["start_time"].as_str()?.parse().ok()
    };
    let starts = film.streams.iter().filter_map(|stream| start(stream));
    starts.min_by(f64::total_cmp).unwrap_or(0.0)
}

/// The stream that `v:0` or `a:1` names.
fn chosen<'p>(probe: &'p Value, stream: &str) -> Option<&'p Value> {
    let (letter, number) = stream.split_once(':')?;
    let kind = if letter == "v" { "video" } else { "audio" };
    let mut streams = probe["streams"].as_array()?.iter().filter(|stream| stream["codec_type"] == kind);
    streams.nth(number.parse().ok()?)
}

/// What is not as the row says, before any renderer has seen the file.
fn film_problems(film: &Film, file: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(expected) = film.pictures.filter(|_| film.clock != Clock::None) {
        let pictures = measure::pictures(file, film.streams[0], film.read_filters);
        if pictures.len() != expected {
            problems.push(format!("the film itself: {} pictures, not {expected}", pictures.len()));
        }
        let numbered = pictures.iter().filter(|shown| shown.reading.number.is_some()).count();
        if numbered + 1 < pictures.len() {
            problems.push(format!("the film itself: only {numbered} pictures can be read"));
        }
    }
    if !film.has.is_empty() {
        let lines = measure::probe_lines(file);
        let missing = film.has.iter().filter(|line| !lines.contains(**line));
        problems.extend(missing.map(|line| format!("the film itself: ffprobe does not say {line}")));
    }
    problems
}

fn reel_problems(reel: &Reel, pieces: &[Piece<'_>], output: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let probe = measure::probe(output);
    let Some(video) = chosen(&probe, "v:0") else { return vec!["no picture".to_owned()] };
    let pictures = measure::pictures(output, "v:0", reel.read_filters);
    let size = (video["width"].as_u64().unwrap_or(0), video["height"].as_u64().unwrap_or(0));
    if size != (u64::from(reel.size.0), u64::from(reel.size.1)) {
        problems.push(format!("{}x{}, not {}x{}", size.0, size.1, reel.size.0, reel.size.1));
    }
    let rate = rate_of(video);
    match reel.rate {
        Rate::Of(expected) if (rate / expected - 1.0).abs() > 0.01 => {
            problems.push(format!("{rate:.2} fps, not {expected:.2}"));
        }
        Rate::Any if rate > 60.1 => problems.push(format!("{rate:.2} fps")),
        Rate::Of(_) => {
            if (pictures.len() as u64).abs_diff(reel.frames) > reel.frames_off {
                problems.push(format!("{} frames, not {}", pictures.len(), reel.frames));
            }
        }
        Rate::Any => {}
    }
    let length_s = pictures.len() as f64 / rate;
    if (length_s - reel.length_s).abs() > reel.length_off_s {
        problems.push(format!("{length_s:.2} s, not {:.2}", reel.length_s));
    }
    problems.extend(uneven_clock(&pictures, rate));
    if reel.is_numbered {
        problems.extend(player::picture_problems(
            Measured { pictures: &pictures, rate },
            pieces,
            reel.allowed(),
        ));
    }
    let flashes = player::flashes(&pictures);
    let expected = player::expected_times(pieces, |schedule| &schedule.flashes_s);
    problems.extend(player::time_problems("flash", &expected, &flashes, reel.loose_s));
    problems.extend(sound_problems(reel, &probe, pieces, (length_s, &flashes), output));
    problems.extend(color_problems(reel, video, &pictures));
    problems.extend(key_frame_problems(output, length_s));
    problems
}

fn rate_of(video: &Value) -> f64 {
    let text = video["avg_frame_rate"].as_str().unwrap_or_default();
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    num.parse::<f64>().unwrap_or(0.0) / den.parse::<f64>().unwrap_or(1.0)
}

/// A reel has one rate, and begins at zero.
fn uneven_clock(pictures: &[Shown], rate: f64) -> Option<String> {
    let mut expected = pictures.iter().zip(0..).map(|(shown, index)| (shown.time_s, f64::from(index) / rate));
    let off = expected.find(|(found, expected)| (found - expected).abs() > 0.02)?;
    Some(format!("a picture at {:.3} s instead of {:.3} s", off.0, off.1))
}

fn sound_problems(
    reel: &Reel,
    probe: &Value,
    pieces: &[Piece<'_>],
    (picture_s, flashes): (f64, &[f64]),
    output: &Path,
) -> Vec<String> {
    let has_sound = chosen(probe, "a:0").is_some();
    if has_sound != reel.has_sound {
        return vec![(if has_sound { "a sound track" } else { "no sound track" }).to_owned()];
    }
    if !has_sound {
        return Vec::new();
    }
    let heard = measure::sound(output, "a:0");
    let expected = player::expected_times(pieces, |schedule| &schedule.beeps_s);
    let mut problems = player::time_problems("beep", &expected, &heard.beeps_s, reel.loose_s);
    let flashes_expected = player::expected_times(pieces, |schedule| &schedule.flashes_s);
    problems.extend(player::sync_problems([&flashes_expected, &expected], [flashes, &heard.beeps_s]));
    let extra = heard.beeps_s.len().saturating_sub(expected.len() + 2 * pieces.len());
    if extra > 0 {
        problems.push(format!("{extra} beeps too many"));
    }
    if heard.length_s > picture_s + 0.1 {
        problems.push(format!("sound of {:.2} s for {picture_s:.2} s", heard.length_s));
    }
    if !expected.is_empty() && heard.loudest < sound::BEEP_RMS / 2.0 {
        problems.push(format!("beeps of {:.3}, not {:.3}", heard.loudest, sound::BEEP_RMS));
    }
    problems
}

fn color_problems(reel: &Reel, video: &Value, pictures: &[Shown]) -> Vec<String> {
    let mut problems = Vec::new();
    for tag in ["color_space", "color_primaries", "color_transfer"] {
        if video[tag] != "bt709" {
            problems.push(format!("{tag} {}", video[tag]));
        }
    }
    let Some(shown) = pictures.get(pictures.len() / 2) else { return problems };
    if let Some(most) = reel.corners_off {
        for (found, full) in shown.reading.corners.iter().zip(CORNERS) {
            if off(*found, full) > most {
                problems.push(format!("a corner is {found:?}, not {full:?}"));
            }
        }
    }
    if reel.tones != Tones::Unmeasured {
        problems.extend(tone_problems(reel.tones, pictures));
    }
    problems
}

fn tone_problems(tones: Tones, pictures: &[Shown]) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(flash) = pictures.iter().find(|shown| shown.reading.is_flash) else {
        return vec!["no flash to measure".to_owned()];
    };
    let reading = &flash.reading;
    let mut held = |what: &str, found: [u8; 3], right: [u8; 3], most: u8| {
        if off(found, right) > most {
            problems.push(format!("{what} is {found:?}, not {right:?}"));
        }
    };
    held("grey", reading.grey, [128; 3], 8);
    held("skin", reading.skin, picture::SKIN, 20);
    held("grass", reading.grass, picture::GRASS, 20);
    let white = reading.flash;
    let (least, most) = (white.iter().min().copied(), white.iter().max().copied());
    if least.zip(most).is_none_or(|(least, most)| least < 235 || most - least > 10) {
        problems.push(format!("white is {white:?}"));
    }
    if tones == Tones::KeptWithHighlights {
        let [darker, brighter] = reading.highlights.map(|color| color[1]);
        if darker < white[1] || brighter <= darker {
            problems.push(format!("highlights of {darker} and {brighter} above a white of {}", white[1]));
        }
    }
    problems
}

fn off(found: [u8; 3], right: [u8; 3]) -> u8 {
    found.iter().zip(right).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0)
}

/// A player jumps to key frames: there is one at least every second.
fn key_frame_problems(output: &Path, length_s: f64) -> Option<String> {
    let mut times = measure::key_frames(output);
    times.push(length_s);
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    (longest > 1.05).then(|| format!("{longest:.2} s between key frames"))
}
