//! A kind of film: how one is made, what is asked for, and what must come out.

use std::path::Path;

use reel_core::edit::JobType;
use serde_json::{Value, json};

use crate::film_folder::FilmFolder;
use crate::player::{Allowed, TOLERANCE_S};

/// A row of the table.
pub struct Kind {
    pub name: &'static str,
    pub family: Family,
    /// Where such files come from.
    pub imitates: &'static str,
    pub film: Film,
    pub cases: Vec<Case>,
    /// Runs in every test run, not only when all films are asked for.
    pub is_core: bool,
}

/// The parts of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Rates,
    Browsers,
    Clocks,
    Colours,
    Shapes,
    Tracks,
    Codecs,
    Edits,
    Broken,
}

impl Family {
    pub const ALL: [Self; 9] = [
        Self::Rates,
        Self::Browsers,
        Self::Clocks,
        Self::Colours,
        Self::Shapes,
        Self::Tracks,
        Self::Codecs,
        Self::Edits,
        Self::Broken,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Rates => "Rates",
            Self::Browsers => "Browsers",
            Self::Clocks => "Clocks",
            Self::Colours => "Colours",
            Self::Shapes => "Shapes",
            Self::Tracks => "Tracks",
            Self::Codecs => "Containers and codecs",
            Self::Edits => "Requests",
            Self::Broken => "Broken and harmful files",
        }
    }
}

/// A file, and what it is known to hold before a renderer sees it.
#[derive(Clone)]
pub struct Film {
    pub file: &'static str,
    pub make: fn(&FilmFolder, &Path),
    /// Pictures that decode; `None` is not counted.
    pub pictures: Option<usize>,
    /// Parts of ffprobe's lines that the file must have.
    pub has: &'static [&'static str],
    /// The streams that a player chooses, as in ffmpeg's `-map`. Without sound, the second is empty.
    pub streams: [&'static str; 2],
    /// Filters before its pictures are read.
    pub read_filters: &'static str,
    /// How a player's clock is known.
    pub clock: Clock,
    /// How much later the beeps are than the flashes, in the film itself.
    pub beep_late_s: f64,
    /// Seconds until the end of its picture, on a player's clock.
    pub length_s: f64,
    /// Seconds until the end of its sound; as long as the picture without.
    pub sound_s: Option<f64>,
}

/// What is known of a film's times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clock {
    /// Read from the file. The beeps are listened for.
    Own,
    /// Read from the file, but its beeps are taken for granted: ffmpeg alone does not find them.
    OwnPictures,
    /// As the film of this file name, which is the same without a fault.
    Of(&'static str),
    /// Two plain films, one after the other.
    Twice,
    /// None, since nothing of it is shown.
    None,
}

pub struct Case {
    pub request: Request,
    pub expected: Expected,
}

#[derive(Clone, Debug)]
pub enum Request {
    /// An overlay that changes nothing.
    Whole,
    /// A framing of the whole picture, in seconds of the film.
    Trim { from_s: f64, to_s: f64 },
    /// A framing of one stretch at a speed.
    Speed { from_s: f64, to_s: f64, speed: f64 },
    /// Films by file name, one after the other; each whole.
    Clips(&'static [&'static str]),
    /// Anything else, of the whole film.
    Params(JobType, Value),
}

pub enum Expected {
    Reel(Reel),
    /// `invalid_input` with a sentence that has each of these.
    Refused(&'static [&'static str]),
}

/// A right reel.
#[derive(Clone, Debug)]
pub struct Reel {
    pub rate: Rate,
    pub frames: u64,
    /// How many frames more or less are right as well.
    pub frames_off: u64,
    pub length_s: f64,
    pub length_off_s: f64,
    pub size: (u32, u32),
    pub has_sound: bool,
    /// Frames that may be left out or doubled.
    pub uneven: usize,
    /// Frames that may show another moment, after a fault of the file.
    pub damaged: usize,
    /// How far a picture or beep may be from its moment, in seconds; where a file's zero is not certain, more
    /// than a frame.
    pub loose_s: f64,
    /// Whether numbers can be read and say the moment.
    pub is_numbered: bool,
    /// Filters that turn the reel upright.
    pub read_filters: &'static str,
    /// How far corners may be from the full colours; `None` is not looked at.
    pub corners_off: Option<u8>,
    /// Grey, skin, grass and the brightest white, where they are measured.
    pub tones: Tones,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    Of(f64),
    /// Constant and at most 60.
    Any,
}

/// How closely colours between the full ones are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tones {
    Unmeasured,
    /// Grey within 8, skin and grass within 20 in each channel, white at least 235 without a tint.
    Kept,
    /// The same, and highlights above white stay two different ones.
    KeptWithHighlights,
}

impl Request {
    /// The type of the job and its params. `size` is the picture's, which a framing names.
    pub fn params(&self, (width, height): (u32, u32)) -> (JobType, Value) {
        let crop = json!([{"time": 0, "x": 0, "y": 0, "width": width, "height": height}]);
        let framing = |mut rest: Value| {
            rest["output_width"] = json!(width & !1);
            rest["output_height"] = json!(height & !1);
            (JobType::Framing, rest)
        };
        match self {
            Self::Whole => (JobType::Overlay, json!({"effect_type": "original"})),
            Self::Trim { from_s, to_s } => {
                framing(json!({"crop_keyframes": crop, "start_time": from_s, "end_time": to_s}))
            }
            Self::Speed { from_s, to_s, speed } => {
                let segments = json!([{"start": from_s, "end": to_s, "speed": speed}]);
                framing(json!({"crop_keyframes": crop, "segments": segments}))
            }
            Self::Clips(files) => {
                let clip =
                    |file: &&str| json!({"video_key": format!("input/x/{file}"), "crop_keyframes": crop});
                framing(json!({"clips": files.iter().map(clip).collect::<Vec<Value>>()}))
            }
            Self::Params(job_type, params) => (*job_type, params.clone()),
        }
    }
}

/// A row whose film reads as an ordinary one: a picture, a sound, 3 seconds.
pub fn kind(family: Family, name: &'static str, file: &'static str, make: fn(&FilmFolder, &Path)) -> Kind {
    let film = Film {
        file,
        make,
        pictures: Some(90),
        has: &[],
        streams: ["v:0", "a:0"],
        read_filters: "",
        clock: Clock::Own,
        beep_late_s: 0.0,
        length_s: 3.0,
        sound_s: None,
    };
    Kind { name, family, imitates: "", film, cases: Vec::new(), is_core: false }
}

/// A reel of 320x180 with sound, to the frame.
pub fn reel(rate: f64, frames: u64) -> Reel {
    Reel {
        rate: Rate::Of(rate),
        frames,
        frames_off: 0,
        length_s: frames as f64 / rate,
        length_off_s: 0.05,
        size: (320, 180),
        has_sound: true,
        uneven: 0,
        damaged: 0,
        loose_s: TOLERANCE_S,
        is_numbered: true,
        read_filters: "",
        corners_off: Some(40),
        tones: Tones::Unmeasured,
    }
}

impl Kind {
    pub fn imitates(mut self, what: &'static str) -> Self {
        self.imitates = what;
        self
    }

    pub fn core(mut self) -> Self {
        self.is_core = true;
        self
    }

    pub fn pictures(mut self, count: usize) -> Self {
        self.film.pictures = Some(count);
        self
    }

    /// How many pictures decode is not the point of this film.
    pub fn uncounted(mut self) -> Self {
        self.film.pictures = None;
        self
    }

    pub fn length(mut self, length_s: f64) -> Self {
        self.film.length_s = length_s;
        self
    }

    pub fn sound_until(mut self, seconds: f64) -> Self {
        self.film.sound_s = Some(seconds);
        self
    }

    pub fn has(mut self, lines: &'static [&'static str]) -> Self {
        self.film.has = lines;
        self
    }

    pub fn streams(mut self, picture: &'static str, sound: &'static str) -> Self {
        self.film.streams = [picture, sound];
        self
    }

    pub fn clock(mut self, clock: Clock) -> Self {
        self.film.clock = clock;
        self
    }

    pub fn beep_late(mut self, seconds: f64) -> Self {
        self.film.beep_late_s = seconds;
        self
    }

    pub fn read_with(mut self, filters: &'static str) -> Self {
        self.film.read_filters = filters;
        self
    }

    /// The film without a change becomes this.
    pub fn whole(self, reel: Reel) -> Self {
        self.ask(Request::Whole, reel)
    }

    /// From 0.5 to 2 seconds it becomes this.
    pub fn trimmed(self, reel: Reel) -> Self {
        self.ask(Request::Trim { from_s: 0.5, to_s: 2.0 }, reel)
    }

    pub fn ask(mut self, request: Request, reel: Reel) -> Self {
        self.cases.push(Case { request, expected: Expected::Reel(reel) });
        self
    }

    pub fn refused(self, words: &'static [&'static str]) -> Self {
        self.refuse(Request::Whole, words)
    }

    pub fn refuse(mut self, request: Request, words: &'static [&'static str]) -> Self {
        if matches!(request, Request::Whole) {
            self.film.clock = Clock::None;
        }
        self.cases.push(Case { request, expected: Expected::Refused(words) });
        self
    }
}

impl Reel {
    pub fn allowed(&self) -> Allowed {
        Allowed { uneven: self.uneven, damaged: self.damaged, loose_s: self.loose_s }
    }

    /// One frame more or less is right as well.
    pub fn about(mut self) -> Self {
        self.frames_off = 1;
        self
    }

    pub fn within(mut self, frames: u64, seconds: f64) -> Self {
        (self.frames_off, self.length_off_s) = (frames, seconds);
        self
    }

    pub fn uneven(mut self, frames: usize) -> Self {
        self.uneven = frames;
        self
    }

    pub fn loose(mut self, seconds: f64) -> Self {
        self.loose_s = seconds;
        self
    }

    pub fn damaged(mut self, frames: usize) -> Self {
        self.damaged = frames;
        self
    }

    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (width, height);
        self
    }

    pub fn silent(mut self) -> Self {
        self.has_sound = false;
        self
    }

    pub fn any_rate(mut self, length_s: f64) -> Self {
        (self.rate, self.length_s, self.length_off_s) = (Rate::Any, length_s, 0.05);
        self
    }

    /// Frames between frames have no number.
    pub fn unnumbered(mut self) -> Self {
        self.is_numbered = false;
        self
    }

    pub fn read_with(mut self, filters: &'static str) -> Self {
        self.read_filters = filters;
        self
    }

    pub fn corners(mut self, off: Option<u8>) -> Self {
        self.corners_off = off;
        self
    }

    pub fn tones(mut self, tones: Tones) -> Self {
        self.tones = tones;
        self
    }
}
