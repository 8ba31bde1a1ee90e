//! The sound of an output, as inputs and a filter graph for the encoder.
//!
//! Invariant: sound is cut, paced and padded segment by segment to the length of the video, so the two
//! cannot drift apart; a clip without sound is silent for its length.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use super::args::{strings, untrusted_input};
use super::probe::{AudioStream, MediaInfo};
use super::tempo;

/// The sound of a whole output.
#[derive(Debug)]
pub struct AudioTrack<'a> {
    pub clips: Vec<AudioClip<'a>>,
    pub bitrate_kbps: u32,
}

/// The sound of one clip.
#[derive(Debug)]
pub struct AudioClip<'a> {
    pub input: &'a Path,
    pub media: &'a MediaInfo,
    pub segments: Vec<AudioSegment>,
    /// Length of the clip's video; 0 when it is not known.
    pub length_s: f64,
    pub fade_in_s: Option<f64>,
    pub fade_out_s: Option<f64>,
    /// How long this clip and the one before it play at the same time.
    pub crossfade_s: Option<f64>,
}

/// A run of source frames at one speed.
#[derive(Clone, Copy, Debug)]
pub struct AudioSegment {
    /// First source frame.
    pub first_frame: u32,
    /// How many source frames; `None` for all that are left.
    pub source_frames: Option<u32>,
    pub speed: f64,
    /// Length in the output; `None` when it is not known.
    pub length_s: Option<f64>,
}

impl AudioTrack<'_> {
    /// Whether any clip has sound.
    pub fn is_audible(&self) -> bool {
        self.clips.iter().any(|clip| clip.media.audio.is_some())
    }
}

/// The encoder's arguments for a track.
pub(super) struct AudioGraph {
    /// Arguments of each input; the first is input 1, because input 0 is the video.
    pub inputs: Vec<Vec<OsString>>,
    /// Goes after the video's filters; its output is named `[a]`.
    pub filters: String,
}

impl AudioGraph {
    pub(super) fn new(track: &AudioTrack<'_>) -> Self {
        let mut audios = track.clips.iter().filter_map(|clip| clip.media.audio);
        let layout = if audios.all(|audio| audio.mono) { "mono" } else { "stereo" };
        // Clips that are joined must agree on everything; a single one keeps its own sample rate.
        let format = if track.clips.len() > 1 {
            format!("aformat=sample_rates={SAMPLE_RATE_HZ}:channel_layouts={layout}")
        } else {
            format!("aformat=channel_layouts={layout}")
        };
        let mut graph = Self { inputs: Vec::new(), filters: String::new() };
        // Writing to a string cannot fail, here and below.
        for (index, clip) in track.clips.iter().enumerate() {
            if let Some(audio) = clip.media.audio {
                graph.add_segments(clip, audio, &format);
            } else {
                let length = clip.length_s;
                let silence = format!(";anullsrc=r={SAMPLE_RATE_HZ}:cl={layout},atrim=end={length:.6}");
                graph.filters.push_str(&silence);
            }
            graph.add_fades(clip);
            let _ = write!(graph.filters, "[p{index}]");
        }
        graph.join_clips(&track.clips);
        graph
    }

    /// The segments of a clip, one after another; the output has no name yet.
    fn add_segments(&mut self, clip: &AudioClip<'_>, audio: AudioStream, format: &str) {
        let mut names = String::new();
        for segment in &clip.segments {
            self.inputs.push(segment_input(clip, segment));
            let number = self.inputs.len();
            // Sound that starts late is padded in front, so that it stays in sync.
            let mut chain = format!("{format},aresample=async=1:first_pts=0");
            chain.push_str(&tempo::filters(segment.speed));
            if let Some(length) = segment.length_s {
                let _ = write!(chain, ",apad=whole_dur={length:.6},atrim=end={length:.6}");
            }
            let _ = write!(self.filters, ";[{number}:{}]{chain}[s{number}]", audio.stream);
            let _ = write!(names, "[s{number}]");
        }
        let _ = write!(self.filters, ";{names}concat=n={}:v=0:a=1", clip.segments.len());
    }

    fn add_fades(&mut self, clip: &AudioClip<'_>) {
        if let Some(fade) = clip.fade_in_s {
            let _ = write!(self.filters, ",afade=t=in:st=0:d={fade:.6}");
        }
        if let Some(fade) = clip.fade_out_s {
            let start = (clip.length_s - fade).max(0.0);
            let _ = write!(self.filters, ",afade=t=out:st={start:.6}:d={fade:.6}");
        }
    }

    /// One clip after the other, or mixed where they dissolve.
    fn join_clips(&mut self, clips: &[AudioClip<'_>]) {
        let mut joined = "p0".to_owned();
        for (index, clip) in clips.iter().enumerate().skip(1) {
            let filter = match clip.crossfade_s {
                Some(seconds) => {
                    let samples = (seconds * f64::from(SAMPLE_RATE_HZ)).round();
                    format!("acrossfade=ns={samples}:c1=tri:c2=tri")
                }
                None => "concat=n=2:v=0:a=1".to_owned(),
            };
            let _ = write!(self.filters, ";[{joined}][p{index}]{filter}[j{index}]");
            joined = format!("j{index}");
        }
        let _ = write!(self.filters, ";[{joined}]anull[a]");
    }
}

/// Each segment opens its video separately: segments may go back in time, and none waits for another.
fn segment_input(clip: &AudioClip<'_>, segment: &AudioSegment) -> Vec<OsString> {
    let media = clip.media;
    let video_start_s = if media.variable_rate { 0.0 } else { media.video_delay_s };
    let start_s = video_start_s + media.rate.duration_s(segment.first_frame.into());
    let length_s = segment.source_frames.map(|frames| media.rate.duration_s(frames.into()));
    let mut args = strings(&["-vn", "-sn", "-dn"]);
    args.extend(untrusted_input(clip.input, Some(start_s).filter(|start| *start > 0.0), length_s));
    args
}

/// The sample rate of joined clips: what nearly every camera records.
const SAMPLE_RATE_HZ: u32 = 48_000;
