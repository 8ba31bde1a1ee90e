//! The sound of an output, as inputs and a filter graph for the encoder.
//!
//! Invariant: sound is cut at the same times of the same clock as the picture, and paced and padded segment by
//! segment to the length of the video, so the two cannot drift apart; a clip without sound is silent for its
//! length.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use super::args::{strings, untrusted_input};
use super::stretch::Stretch;
use super::tempo;
use super::tracks::{ChannelMix, Sound, SoundInput};

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
    /// `None` for silence.
    pub sound: Option<&'a Sound>,
    pub segments: Vec<AudioSegment>,
    /// Length of the clip's video.
    pub length_s: f64,
    pub fade_in_s: Option<f64>,
    pub fade_out_s: Option<f64>,
    /// How long this clip and the one before it play at the same time.
    pub crossfade_s: Option<f64>,
}

/// A part of the source at one speed.
#[derive(Clone, Copy, Debug)]
pub struct AudioSegment {
    pub stretch: Stretch,
    pub speed: f64,
    /// Length in the output.
    pub length_s: f64,
}

impl AudioTrack<'_> {
    /// Whether any clip has sound.
    pub fn is_audible(&self) -> bool {
        self.clips.iter().any(|clip| clip.sound.is_some())
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
        let mut sounds = track.clips.iter().filter_map(|clip| clip.sound);
        let layout = if sounds.all(Sound::is_mono) { "mono" } else { "stereo" };
        // Clips that are joined must agree on everything; a single one keeps its own sample rate.
        let format = if track.clips.len() > 1 {
            format!("aformat=sample_rates={SAMPLE_RATE_HZ}:channel_layouts={layout}")
        } else {
            format!("aformat=channel_layouts={layout}")
        };
        let mut graph = Self { inputs: Vec::new(), filters: String::new() };
        // Writing to a string cannot fail, here and below.
        for (index, clip) in track.clips.iter().enumerate() {
            if let Some(sound) = clip.sound {
                graph.add_segments(clip, sound, &format);
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
    fn add_segments(&mut self, clip: &AudioClip<'_>, sound: &Sound, format: &str) {
        let mut names = String::new();
        for segment in &clip.segments {
            self.inputs.push(segment_input(clip, segment));
            let number = self.inputs.len();
            let mut tracks = String::new();
            for SoundInput { stream, mix } in &sound.inputs {
                let (mix, cut) = (channel_mix(mix), cut(segment.stretch));
                let _ = write!(self.filters, ";[{number}:{stream}]{mix}{format},{cut}[t{number}_{stream}]");
                let _ = write!(tracks, "[t{number}_{stream}]");
            }
            let count = sound.inputs.len();
            let mut chain = match count {
                1 => "anull".to_owned(),
                _ => format!("amix=inputs={count}:normalize=0,volume={:.6}", share(count)),
            };
            chain.push_str(&tempo::filters(segment.speed));
            let length = segment.length_s;
            let _ = write!(
                self.filters,
                ";{tracks}{chain},apad=whole_dur={length:.6},atrim=end={length:.6}[s{number}]"
            );
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
    let mut args = strings(&["-vn", "-sn", "-dn"]);
    args.extend(untrusted_input(clip.input, segment.stretch.seek_s));
    args
}

/// The stretch by its stamps, from time 0 on. Where the stamps and the count of samples differ by more than
/// 15 ms, silence is put in or sound left out.
fn cut(stretch: Stretch) -> String {
    let Stretch { start_s, end_s, .. } = stretch;
    format!(
        "atrim=start={start_s:.6}:end={end_s:.6},asetpts=PTS-({start_s:.6})/TB,\
         aresample=async=1:min_hard_comp=0.015:first_pts=0"
    )
}

/// A filter and a comma, or nothing.
fn channel_mix(mix: &ChannelMix) -> String {
    match mix {
        ChannelMix::Stereo => String::new(),
        ChannelMix::Picked(channels) => {
            let share = share(channels.len());
            let terms: Vec<String> =
                channels.iter().map(|channel| format!("{share:.6}*c{channel}")).collect();
            format!("pan=mono|c0={},", terms.join("+"))
        }
    }
}

/// How loud each of several microphones is in a mix: as loud together as one, when they hear different things.
/// A lone one keeps its loudness.
fn share(count: usize) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a few channels")]
    {
        1.0 / (count.max(1) as f64).sqrt()
    }
}

/// The sample rate of joined clips: what nearly every camera records.
const SAMPLE_RATE_HZ: u32 = 48_000;
