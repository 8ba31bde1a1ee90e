//! The plan of a whole output: its clips and the transitions between them.
//!
//! Invariant: a transition takes at most half of each of its two clips, so that no frame lies in two
//! transitions.

use std::path::Path;

use reel_core::base::object_key::ObjectKey;
use reel_core::edit::{
    Clip, CropTrack, Edit, FramePosition, FrameSize, Framing, PixelRect, Rendition, Transition,
};

use super::outputs::{self, OutputPlan};
use super::slow_motion;
use super::timeline::{ReelRate, Timeline};
use super::title::{self, TitleOverlay};
use super::{RenderError, RenderRequest, audio};
use crate::ffmpeg::decode::InBetween;
use crate::ffmpeg::encode::Chapter;
use crate::ffmpeg::loudness;
use crate::ffmpeg::probe::MediaInfo;
use crate::ffmpeg::process::ProcessGroup;
use crate::ffmpeg::stretch::Stretch;
use crate::ffmpeg::tracks::{Sound, SoundTrack};
use reel_media::frame::FramePool;
use reel_media::frame_rate::FrameRate;

/// Everything that is known before the first frame; at least one clip.
#[derive(Debug)]
pub(super) struct RenderPlan<'a> {
    pub clips: Vec<ClipPlan<'a>>,
    /// Between each clip and the next; one fewer than clips.
    pub transitions: Vec<ClipTransition>,
    /// Frames per second of the output and of each clip.
    pub rate: FrameRate,
    /// The main output first.
    pub outputs: Vec<OutputPlan<'a>>,
    /// Whether frames are scaled for the main output; otherwise they have its size when they are decoded.
    pub scaled: bool,
    /// How slow motion gets its frames.
    pub in_between: InBetween,
}

/// One clip.
#[derive(Debug)]
pub(super) struct ClipPlan<'a> {
    pub input: &'a Path,
    pub media: MediaInfo,
    /// What is heard; `None` for silence.
    pub sound: Option<Sound>,
    pub timeline: Timeline,
    /// What of its frames the main output shows; `None` for all.
    pub crop: Option<&'a CropTrack>,
    /// The size of its picture; an odd last column or row is cut off where frames are not scaled.
    pub picture: FrameSize,
    /// What of the picture is decoded into frames.
    pub decoded_area: PixelRect,
    /// What lies over the frames of each segment; may be fewer than segments.
    pub titles: Vec<TitleOverlay<'a>>,
    /// The name of its chapter.
    pub title: String,
}

/// A transition between two clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClipTransition {
    Cut,
    /// This many frames out to black, then as many in from black.
    Fade(u32),
    /// This many frames show both.
    Dissolve(u32),
}

impl<'a> RenderPlan<'a> {
    /// Probes every source; refuses what cannot be rendered.
    pub(super) fn new(request: &RenderRequest<'a>, processes: &ProcessGroup) -> Result<Self, RenderError> {
        let (mut clips, output_size) = match request.edit {
            Edit::Overlay(overlay) => {
                let media = probe(request, request.input, processes)?;
                if let Some(crop) = &overlay.crop {
                    check_crop(crop, &media, ALWAYS_S)?;
                }
                check_renditions(&overlay.renditions, &media, ALWAYS_S)?;
                let scaled = overlay.crop.is_some();
                let mut clip = ClipPlan::new(request.input, Timeline::whole(&media), media, scaled);
                clip.crop = overlay.crop.as_ref();
                let output_size = overlay.output_size(clip.picture);
                if output_size.is_some() {
                    clip.set_picture(clip.media.size());
                }
                (vec![clip], output_size)
            }
            Edit::Framing(framing) => {
                let clips = plan_framing(framing, request, processes)?;
                let picture =
                    |index: usize| clips.get(index).map_or(FrameSize::REEL, |clip| clip.media.size());
                let output_size = framing.output_size(picture);
                (clips, Some(output_size))
            }
            Edit::Annotate(annotate) => {
                let media = probe(request, request.input, processes)?;
                let timeline = Timeline::annotate(annotate, &media)?;
                let mut clip = ClipPlan::new(request.input, timeline, media, false);
                clip.titles = title::overlays(&annotate.clips, clip.picture, &request.output.video)?;
                (vec![clip], None)
            }
        };
        if audio::bitrate_kbps(request.edit).is_some() {
            for clip in &mut clips {
                clip.choose_sound(request.edit.audio_track(), processes)?;
            }
        }
        let transitions = match request.edit {
            Edit::Framing(framing) => plan_transitions(&clips, framing.transition),
            Edit::Overlay(_) | Edit::Annotate(_) => Vec::new(),
        };
        let Some(first) = clips.first() else {
            return Err(RenderError::input("The job has no clips."));
        };
        let (rate, size) = (first.timeline.rate, output_size.unwrap_or(first.picture));
        let outputs = OutputPlan::all(request.edit, &clips, size);
        // Highlights are drawn on whole pictures.
        if let Edit::Framing(_) = request.edit {
            for clip in &mut clips {
                clip.decoded_area = outputs::shown_area(clip, &outputs);
            }
        }
        let (scaled, in_between) = (output_size.is_some(), slow_motion::in_between(&clips, &outputs));
        Ok(Self { clips, transitions, rate, outputs, scaled, in_between })
    }

    /// Buffers for the frames of each output, where those of the main one may be the decoded ones.
    pub(super) fn pools<'p>(&self, decoded: &'p FramePool, scaled: &'p [FramePool]) -> Vec<&'p FramePool> {
        let main = (!self.scaled).then_some(decoded);
        main.into_iter().chain(scaled).collect()
    }

    /// Buffers for the frames of each output that are not the decoded ones.
    pub(super) fn new_pools(&self) -> Vec<FramePool> {
        let outputs = self.outputs.iter().skip(usize::from(!self.scaled));
        outputs.map(|output| FramePool::new(output.size)).collect()
    }

    /// Frames of the whole output.
    pub(super) fn total_frames(&self) -> u64 {
        let shown: u64 = self.clips.iter().map(|clip| clip.timeline.frames()).sum();
        let shared: u64 = self.transitions.iter().map(|transition| u64::from(transition.overlap())).sum();
        shown.saturating_sub(shared)
    }

    /// One chapter for each clip.
    pub(super) fn chapters<'s>(&'s self) -> Vec<Chapter<'s>> {
        let mut start = 0;
        let starts: Vec<u64> = self
            .clips
            .iter()
            .zip(self.overlaps())
            .map(|(clip, overlap)| {
                let own = start;
                start += clip.timeline.frames().saturating_sub(overlap.into());
                own
            })
            .collect();
        let ends = starts.iter().skip(1).copied().chain([self.total_frames()]);
        let chapter = |((clip, start), end): ((&'s ClipPlan<'a>, &u64), u64)| Chapter {
            title: &clip.title,
            start_s: self.rate.duration_s(*start),
            end_s: self.rate.duration_s(end),
        };
        self.clips.iter().zip(&starts).zip(ends).map(chapter).collect()
    }

    /// How many frames each clip shares with the next.
    fn overlaps(&self) -> impl Iterator<Item = u32> {
        self.transitions.iter().map(|transition| transition.overlap()).chain([0])
    }
}

impl<'a> ClipPlan<'a> {
    fn new(input: &'a Path, timeline: Timeline, media: MediaInfo, scaled: bool) -> Self {
        // Without scaling, an odd last column or row is cut off: the encoder halves colour.
        let picture = if scaled { media.size() } else { media.even_size() };
        let (titles, title) = (Vec::new(), String::new());
        let decoded_area = whole(picture);
        Self { input, media, sound: None, timeline, crop: None, picture, decoded_area, titles, title }
    }

    fn set_picture(&mut self, picture: FrameSize) {
        (self.picture, self.decoded_area) = (picture, whole(picture));
    }

    /// The size of its decoded frames.
    pub(super) fn decoded_size(&self) -> FrameSize {
        FrameSize { width: self.decoded_area.width, height: self.decoded_area.height }
    }

    /// The file to read.
    pub(super) fn file(&self) -> &Path {
        self.media.file(self.input)
    }

    /// `track` is the number of the wanted sound track, from 1.
    fn choose_sound(&mut self, track: Option<u32>, processes: &ProcessGroup) -> Result<(), RenderError> {
        let (start_s, end_s) = self.timeline.used_s();
        let stretch = Stretch::of_film(&self.media, start_s, end_s);
        let listen = |tracks: &[&SoundTrack]| loudness::peaks(self.file(), tracks, stretch, processes);
        self.sound = Sound::choose(&self.media.sound_tracks, track, listen)?;
        Ok(())
    }
}

impl ClipTransition {
    fn new(transition: Transition, rate: FrameRate, [before, after]: [u64; 2]) -> Self {
        let frames = |seconds: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 1,200")]
            let requested = (seconds * rate.fps()).round() as u32;
            let most = u32::try_from(before.min(after) / 2).unwrap_or(u32::MAX);
            requested.min(most)
        };
        match transition {
            Transition::Cut => Self::Cut,
            Transition::Fade { seconds } => Self::Fade(frames(seconds)),
            Transition::Dissolve { seconds } => Self::Dissolve(frames(seconds)),
        }
    }

    /// Output frames that show both clips.
    pub(super) fn overlap(self) -> u32 {
        match self {
            Self::Cut | Self::Fade(_) => 0,
            Self::Dissolve(frames) => frames,
        }
    }

    /// Frames that it changes in each clip.
    pub(super) fn frames(self) -> u32 {
        match self {
            Self::Cut => 0,
            Self::Fade(frames) | Self::Dissolve(frames) => frames,
        }
    }
}

fn plan_framing<'a>(
    framing: &'a Framing,
    request: &RenderRequest<'a>,
    processes: &ProcessGroup,
) -> Result<Vec<ClipPlan<'a>>, RenderError> {
    let requested_rate = match framing.target_fps {
        Some(fps) => Some(ReelRate::Requested(
            FrameRate::from_decimal(fps)
                .ok_or_else(|| RenderError::input(format!("target_fps {fps} is not a frame rate.")))?,
        )),
        None => None,
    };
    let several = framing.clips.len() > 1;
    let mut clips: Vec<ClipPlan<'a>> = Vec::with_capacity(framing.clips.len());
    for (index, clip) in framing.clips.iter().enumerate() {
        let in_clip = |error: RenderError| if several { error.in_clip(index + 1) } else { error };
        let input = clip_input(clip, request).map_err(in_clip)?;
        let media = match clips.iter().find(|earlier| earlier.input == input) {
            Some(known) => known.media.clone(),
            None => probe(request, input, processes).map_err(in_clip)?,
        };
        check_crop(&clip.crop, &media, clip.shown_s()).map_err(in_clip)?;
        check_renditions(&framing.renditions, &media, clip.shown_s())?;
        let first_rate =
            clips.first().map_or_else(|| media.clock.rate.for_output(), |first| first.timeline.rate);
        let rate = requested_rate.unwrap_or(ReelRate::OfFirstFilm(first_rate));
        let timeline = Timeline::framing(clip, rate, &media).map_err(in_clip)?;
        let mut clip_plan = ClipPlan::new(input, timeline, media, true);
        clip_plan.crop = Some(&clip.crop);
        clip_plan.title = clip.name.clone().unwrap_or_else(|| chapter_title(input, request.inputs_by_key));
        clips.push(clip_plan);
    }
    Ok(clips)
}

/// Refuses a crop that shows nothing of the picture, in seconds of source from `shown_s.0` to `shown_s.1`.
fn check_crop(crop: &CropTrack, media: &MediaInfo, shown_s: (f64, f64)) -> Result<(), RenderError> {
    let fps = media.clock.rate.fps();
    let position = |seconds: f64| FramePosition { frame: seconds * fps, fps };
    if crop.leaves(media.size(), position(shown_s.0), position(shown_s.1)) {
        let FrameSize { width, height } = media.size();
        return Err(RenderError::input(format!(
            "The crop lies outside the picture of {width}x{height}. Move it onto the picture and export again."
        )));
    }
    Ok(())
}

/// Refuses a rendition whose own crop shows nothing of the picture.
fn check_renditions(
    renditions: &[Rendition],
    media: &MediaInfo,
    shown_s: (f64, f64),
) -> Result<(), RenderError> {
    for (rendition, crop) in renditions.iter().filter_map(|one| Some((one, one.crop()?))) {
        check_crop(crop, media, shown_s).map_err(|error| error.in_output(rendition.name.as_str()))?;
    }
    Ok(())
}

/// Copies of sources with a better clock lie beside the output, where there is room for it.
fn probe(
    request: &RenderRequest<'_>,
    input: &Path,
    processes: &ProcessGroup,
) -> Result<MediaInfo, RenderError> {
    let folder = request.output.video.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(MediaInfo::probe(input, folder.unwrap_or(Path::new(".")), processes)?)
}

fn clip_input<'a>(clip: &Clip, request: &RenderRequest<'a>) -> Result<&'a Path, RenderError> {
    let Some(video_key) = &clip.video_key else { return Ok(request.input) };
    let input = request.inputs_by_key.iter().find(|(key, _)| key == video_key);
    input.map(|(_, file)| file.as_path()).ok_or_else(|| {
        RenderError::input(format!("Video {video_key} was not passed to the renderer. Add it as an input."))
    })
}

/// The last segment of the key that the file came from, or the file's own name.
fn chapter_title(file: &Path, inputs_by_key: &[(ObjectKey, std::path::PathBuf)]) -> String {
    let key = inputs_by_key
        .iter()
        .find(|(_, path)| path == file)
        .and_then(|(key, _)| key.as_str().rsplit('/').next());
    let file_name = || file.file_name().map(|name| name.to_string_lossy().into_owned());
    key.map(str::to_owned).or_else(file_name).unwrap_or_default()
}

fn plan_transitions(clips: &[ClipPlan<'_>], transition: Transition) -> Vec<ClipTransition> {
    let rate = clips.first().map(|first| first.timeline.rate);
    let lengths: Vec<u64> = clips.iter().map(|clip| clip.timeline.frames()).collect();
    let pairs = lengths.windows(2).filter_map(|pair| Some((rate?, <[u64; 2]>::try_from(pair).ok()?)));
    pairs.map(|(rate, pair)| ClipTransition::new(transition, rate, pair)).collect()
}

fn whole(FrameSize { width, height }: FrameSize) -> PixelRect {
    PixelRect { x: 0, y: 0, width, height }
}

/// The whole of a video.
const ALWAYS_S: (f64, f64) = (0.0, f64::INFINITY);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transition_takes_at_most_half_of_the_shorter_clip() {
        let rate = FrameRate::new(30, 1).expect("a rate");
        let dissolve = |lengths| ClipTransition::new(Transition::Dissolve { seconds: 0.5 }, rate, lengths);
        assert_eq!(dissolve([300, 300]), ClipTransition::Dissolve(15));
        assert_eq!(dissolve([300, 9]), ClipTransition::Dissolve(4));
        assert_eq!(dissolve([1, 300]), ClipTransition::Dissolve(0));
        assert_eq!(
            ClipTransition::new(Transition::Fade { seconds: 10.0 }, rate, [20, 40]),
            ClipTransition::Fade(10)
        );
        assert_eq!(ClipTransition::new(Transition::Cut, rate, [20, 40]).frames(), 0);
    }
}
