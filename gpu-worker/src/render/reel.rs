//! The plan of a whole reel: its clips, and what happens where they meet.
//!
//! Invariant: between two clips a transition takes at most half of either, so that each frame of
//! a clip lies in one transition at most.

use std::path::Path;

use reel_core::base::object_key::ObjectKey;
use reel_core::edit::Clip;
use reel_core::edit::Edit;
use reel_core::edit::FrameSize;
use reel_core::edit::Framing;
use reel_core::edit::Transition;

use super::Order;
use super::RenderError;
use super::child::Children;
use super::compose::Composer;
use super::exact;
use super::rate::Rate;
use super::source::Source;
use super::timeline::Timeline;
use super::title;

/// Everything that is known before the first picture; at least one part.
#[derive(Debug)]
pub(super) struct Reel<'a> {
    pub parts: Vec<Part<'a>>,
    /// What leads from each part to the next; one fewer than parts.
    pub joins: Vec<Join>,
    /// Frames per second of the reel and of each part.
    pub rate: Rate,
    pub size: FrameSize,
}

/// One clip.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub input: &'a Path,
    pub source: Source,
    pub timeline: Timeline,
    /// The size of decoded pictures.
    pub decoded: FrameSize,
    /// Filters for the pictures of each piece.
    pub drawn: Vec<String>,
    /// The name of its chapter.
    pub title: String,
}

/// A transition between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    Cut,
    /// So many frames out to black, then as many in from black.
    Fade(u32),
    /// So many frames show both.
    Dissolve(u32),
}

impl<'a> Reel<'a> {
    /// Looks at every source; refuses what cannot be rendered.
    pub(super) fn plan(order: &Order<'a>, children: &Children) -> Result<Self, RenderError> {
        let output = Composer::output(order.edit);
        let parts = match order.edit {
            Edit::Overlay(_) => {
                let source = Source::probe(order.input, children)?;
                vec![Part::new(order.input, Timeline::whole(&source), source, output)]
            }
            Edit::Framing(framing) => framed(framing, order, children)?,
            Edit::Annotate(annotate) => {
                let source = Source::probe(order.input, children)?;
                let timeline = Timeline::annotate(annotate, &source)?;
                let mut part = Part::new(order.input, timeline, source, output);
                let font = title::font()?;
                let draw = |clip| title::filter(clip, part.decoded, font);
                part.drawn = annotate.clips.iter().map(draw).collect();
                vec![part]
            }
        };
        let joins = match order.edit {
            Edit::Framing(framing) => joins(&parts, framing.transition)?,
            Edit::Overlay(_) | Edit::Annotate(_) => Vec::new(),
        };
        let Some(first) = parts.first() else {
            return Err(RenderError::input("The reel has no clips."));
        };
        let (rate, size) = (first.timeline.rate, output.unwrap_or(first.decoded));
        Ok(Self { parts, joins, rate, size })
    }

    /// Frames of the whole reel, when every part is told.
    pub(super) fn frames(&self) -> Option<u64> {
        let shown: u64 = self.parts.iter().map(|part| part.timeline.frames()).sum::<Option<u64>>()?;
        let shared: u64 = self.joins.iter().map(|join| u64::from(join.overlap())).sum();
        Some(shown.saturating_sub(shared))
    }

    /// The title of each part and where in the reel it begins and ends, in seconds.
    pub(super) fn chapters(&self) -> Vec<(&str, f64, f64)> {
        let mut start = 0;
        let starts: Vec<u64> = self
            .parts
            .iter()
            .zip(self.overlaps())
            .map(|(part, overlap)| {
                let own = start;
                start += part.timeline.frames().unwrap_or(0).saturating_sub(overlap.into());
                own
            })
            .collect();
        let ends = starts.iter().skip(1).copied().chain([self.frames().unwrap_or(start)]);
        let seconds = |frame: u64| self.rate.seconds(exact(frame));
        let spans = starts.iter().zip(ends).map(|(start, end)| (seconds(*start), seconds(end)));
        self.parts.iter().zip(spans).map(|(part, (start, end))| (part.title.as_str(), start, end)).collect()
    }

    /// How many frames each part shares with the next.
    fn overlaps(&self) -> impl Iterator<Item = u32> {
        self.joins.iter().map(|join| join.overlap()).chain([0])
    }
}

impl<'a> Part<'a> {
    fn new(input: &'a Path, timeline: Timeline, source: Source, output: Option<FrameSize>) -> Self {
        // Without scaling, an odd last column or row is cut off: the encoder halves colour.
        let decoded = match output {
            Some(_) => FrameSize { width: source.width, height: source.height },
            None => FrameSize { width: source.width & !1, height: source.height & !1 },
        };
        Self { input, source, timeline, decoded, drawn: Vec::new(), title: String::new() }
    }
}

impl Join {
    fn of(transition: Transition, rate: Rate, [before, after]: [u64; 2]) -> Self {
        let frames = |seconds: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 1,200")]
            let wanted = (seconds * rate.fps()).round() as u32;
            let most = u32::try_from(before.min(after) / 2).unwrap_or(u32::MAX);
            wanted.min(most)
        };
        match transition {
            Transition::Cut => Self::Cut,
            Transition::Fade { seconds } => Self::Fade(frames(seconds)),
            Transition::Dissolve { seconds } => Self::Dissolve(frames(seconds)),
        }
    }

    /// Frames of the reel that show both of its parts.
    pub(super) fn overlap(self) -> u32 {
        match self {
            Self::Cut | Self::Fade(_) => 0,
            Self::Dissolve(frames) => frames,
        }
    }

    /// Frames of either part that it changes.
    pub(super) fn frames(self) -> u32 {
        match self {
            Self::Cut => 0,
            Self::Fade(frames) | Self::Dissolve(frames) => frames,
        }
    }
}

fn framed<'a>(
    framing: &'a Framing,
    order: &Order<'a>,
    children: &Children,
) -> Result<Vec<Part<'a>>, RenderError> {
    let asked = match framing.target_fps {
        Some(fps) => Some(
            Rate::from_decimal(fps)
                .ok_or_else(|| RenderError::input(format!("target_fps {fps} is not a frame rate.")))?,
        ),
        None => None,
    };
    let several = framing.clips.len() > 1;
    let mut parts: Vec<Part<'a>> = Vec::with_capacity(framing.clips.len());
    for (index, clip) in framing.clips.iter().enumerate() {
        let blamed = |error: RenderError| if several { error.of_clip(index + 1) } else { error };
        let input = file_of(clip, order).map_err(blamed)?;
        let source = match parts.iter().find(|part| part.input == input) {
            Some(known) => known.source.clone(),
            None => Source::probe(input, children).map_err(blamed)?,
        };
        let rate = asked.or(parts.first().map(|first| first.timeline.rate)).unwrap_or(source.rate);
        let timeline = Timeline::framing(clip, rate, &source).map_err(blamed)?;
        let mut part = Part::new(input, timeline, source, Some(framing.output));
        part.title = clip.name.clone().unwrap_or_else(|| name_of(input, order.named));
        parts.push(part);
    }
    Ok(parts)
}

fn file_of<'a>(clip: &Clip, order: &Order<'a>) -> Result<&'a Path, RenderError> {
    let Some(wanted) = &clip.video_key else { return Ok(order.input) };
    let known = order.named.iter().find(|(key, _)| key == wanted);
    known.map(|(_, file)| file.as_path()).ok_or_else(|| {
        RenderError::input(format!("The video {wanted} was not given to the renderer; name it as an input."))
    })
}

/// The last segment of the key that the file came from, or the file's own name.
fn name_of(file: &Path, named: &[(ObjectKey, std::path::PathBuf)]) -> String {
    let key =
        named.iter().find(|(_, path)| path == file).and_then(|(key, _)| key.as_str().rsplit('/').next());
    let own = || file.file_name().map(|name| name.to_string_lossy().into_owned());
    key.map(str::to_owned).or_else(own).unwrap_or_default()
}

fn joins(parts: &[Part<'_>], transition: Transition) -> Result<Vec<Join>, RenderError> {
    if let [_] = parts {
        return Ok(Vec::new());
    }
    // Where the next clip begins must be known before this one ends.
    let length = |(index, part): (usize, &Part<'_>)| {
        part.timeline.frames().ok_or_else(|| {
            let sentence = "The video's length cannot be told; convert it to MP4 and upload it again.";
            RenderError::input(sentence).of_clip(index + 1)
        })
    };
    let lengths = parts.iter().enumerate().map(length).collect::<Result<Vec<u64>, RenderError>>()?;
    let rate = parts.first().map(|first| first.timeline.rate);
    let pairs = lengths.windows(2).filter_map(|pair| Some((rate?, <[u64; 2]>::try_from(pair).ok()?)));
    Ok(pairs.map(|(rate, pair)| Join::of(transition, rate, pair)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transition_takes_at_most_half_of_the_shorter_clip() {
        let rate = Rate::new(30, 1).expect("a rate");
        let dissolve = |lengths| Join::of(Transition::Dissolve { seconds: 0.5 }, rate, lengths);
        assert_eq!(dissolve([300, 300]), Join::Dissolve(15));
        assert_eq!(dissolve([300, 9]), Join::Dissolve(4));
        assert_eq!(dissolve([1, 300]), Join::Dissolve(0));
        assert_eq!(Join::of(Transition::Fade { seconds: 10.0 }, rate, [20, 40]), Join::Fade(10));
        assert_eq!(Join::of(Transition::Cut, rate, [20, 40]).frames(), 0);
    }
}
