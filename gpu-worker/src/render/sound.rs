//! The sound of a reel, as a filter graph for the encoder.
//!
//! Invariant: sound is cut, paced and padded piece by piece to the length of the picture, so the two
//! cannot drift apart; a clip without sound is silent for its time.

use std::ffi::OsString;
use std::fmt::Write as _;

use super::reel::Join;
use super::reel::Part;
use super::reel::Reel;
use super::source::Audio;
use super::source::FORMATS;
use super::source::PROTOCOLS;
use super::timeline::Piece;

/// What the encoder reads and what it makes of it.
pub(super) struct Soundtrack {
    /// Arguments of each input; the first is input 1, since input 0 are the pictures.
    pub inputs: Vec<Vec<OsString>>,
    /// Goes after the picture's graph; its end is named `[a]`.
    pub graph: String,
}

/// `None` when no part has sound.
pub(super) fn graph(reel: &Reel<'_>) -> Option<Soundtrack> {
    let mut audios = reel.parts.iter().filter_map(|part| part.source.audio).peekable();
    audios.peek()?;
    let layout = if audios.all(|audio| audio.mono) { "mono" } else { "stereo" };
    // Parts that are joined must agree on everything; a single one keeps its own rate.
    let common = if reel.parts.len() > 1 {
        format!("aformat=sample_rates={RATE_HZ}:channel_layouts={layout}")
    } else {
        format!("aformat=channel_layouts={layout}")
    };
    let mut track = Soundtrack { inputs: Vec::new(), graph: String::new() };
    // Writing to a string cannot fail, here and below.
    for (index, part) in reel.parts.iter().enumerate() {
        if let Some(audio) = part.source.audio {
            track.pieces(reel, part, audio, &common);
        } else {
            let length = reel.rate.seconds(super::exact(part.timeline.frames().unwrap_or(0)));
            let _ = write!(track.graph, ";anullsrc=r={RATE_HZ}:cl={layout},atrim=end={length:.6}");
        }
        track.fade(reel, index);
        let _ = write!(track.graph, "[p{index}]");
    }
    track.join(reel);
    Some(track)
}

impl Soundtrack {
    /// The pieces of a part, one after another; its end has no name yet.
    fn pieces(&mut self, reel: &Reel<'_>, part: &Part<'_>, audio: Audio, common: &str) {
        let mut joined = String::new();
        for piece in &part.timeline.pieces {
            self.inputs.push(input(part, piece));
            let number = self.inputs.len();
            // Sound that starts late is padded in front, so that it keeps its place.
            let mut chain = format!("{common},aresample=async=1:first_pts=0");
            for tempo in tempos(piece.speed) {
                let _ = write!(chain, ",atempo={tempo:.6}");
            }
            if let Some(frames) = piece.reel_frames {
                let length = reel.rate.seconds(f64::from(frames));
                let _ = write!(chain, ",apad=whole_dur={length:.6},atrim=end={length:.6}");
            }
            let _ = write!(self.graph, ";[{number}:{}]{chain}[s{number}]", audio.stream);
            let _ = write!(joined, "[s{number}]");
        }
        let _ = write!(self.graph, ";{joined}concat=n={}:v=0:a=1", part.timeline.pieces.len());
    }

    /// What fades to the part before and after it do to its sound.
    fn fade(&mut self, reel: &Reel<'_>, index: usize) {
        let join = |index: Option<usize>| index.and_then(|index| reel.joins.get(index));
        let seconds = |frames: u64| reel.rate.seconds(super::exact(frames));
        if let Some(Join::Fade(frames @ 1..)) = join(index.checked_sub(1)) {
            let _ = write!(self.graph, ",afade=t=in:st=0:d={:.6}", seconds((*frames).into()));
        }
        if let Some(Join::Fade(frames @ 1..)) = join(Some(index)) {
            let whole = reel.parts.get(index).and_then(|part| part.timeline.frames()).unwrap_or(0);
            let start = seconds(whole.saturating_sub((*frames).into()));
            let _ = write!(self.graph, ",afade=t=out:st={start:.6}:d={:.6}", seconds((*frames).into()));
        }
    }

    /// One part after the other, or over each other where they dissolve.
    fn join(&mut self, reel: &Reel<'_>) {
        let mut whole = "p0".to_owned();
        for (index, join) in (1..).zip(&reel.joins) {
            let how = match join {
                Join::Dissolve(frames @ 1..) => {
                    let samples = (reel.rate.seconds(f64::from(*frames)) * f64::from(RATE_HZ)).round();
                    format!("acrossfade=ns={samples}:c1=tri:c2=tri")
                }
                Join::Cut | Join::Fade(_) | Join::Dissolve(0) => "concat=n=2:v=0:a=1".to_owned(),
            };
            let _ = write!(self.graph, ";[{whole}][p{index}]{how}[j{index}]");
            whole = format!("j{index}");
        }
        let _ = write!(self.graph, ";[{whole}]anull[a]");
    }
}

/// Each piece opens its video anew: pieces may go back in time, and none waits for another.
fn input(part: &Part<'_>, piece: &Piece) -> Vec<OsString> {
    let source = &part.source;
    let mut args: Vec<OsString> =
        ["-format_whitelist", FORMATS, "-protocol_whitelist", PROTOCOLS].map(OsString::from).into();
    let picture_starts = if source.variable { 0.0 } else { source.delay_s };
    let start = picture_starts + source.rate.seconds(f64::from(piece.first));
    if start > 0.0 {
        args.extend(["-ss".into(), format!("{start:.6}").into()]);
    }
    if let Some(frames) = piece.source_frames {
        let length = source.rate.seconds(f64::from(frames));
        args.extend(["-t".into(), format!("{length:.6}").into()]);
    }
    args.extend(["-vn".into(), "-sn".into(), "-dn".into(), "-i".into(), part.input.into()]);
    args
}

/// `atempo` factors, each between 0.5 and 2 where it sounds best, whose product is `speed`.
fn tempos(speed: f64) -> Vec<f64> {
    if (speed - 1.0).abs() < 1e-9 {
        Vec::new()
    } else if (0.5..=2.0).contains(&speed) {
        vec![speed]
    } else {
        vec![speed.sqrt(); 2]
    }
}

/// The rate of joined sound: what nearly every camera records.
const RATE_HZ: u32 = 48_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_speed_is_a_product_of_tempos_that_sound_well() {
        for speed in [0.25, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0] {
            let tempos = tempos(speed);
            assert!((tempos.iter().product::<f64>() - speed).abs() < 1e-9, "{speed}");
            assert!(tempos.iter().all(|tempo| (0.5..=2.0).contains(tempo)), "{speed}: {tempos:?}");
        }
    }
}
