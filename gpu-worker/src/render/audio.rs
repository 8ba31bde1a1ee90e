//! The sound of a plan, in the seconds that ffmpeg works with.

use reel_core::edit::Edit;

use super::plan::{ClipPlan, ClipTransition, RenderPlan};
use crate::ffmpeg::audio::{AudioClip, AudioSegment, AudioTrack};
use crate::ffmpeg::stretch::Stretch;
use reel_media::frame_rate::FrameRate;

/// The bit rates of the FastAPI backend; `None` for an output without sound.
pub(super) fn bitrate_kbps(edit: &Edit) -> Option<u32> {
    match edit {
        Edit::Overlay(_) | Edit::Annotate(_) => Some(192),
        Edit::Framing(framing) => framing.include_audio.then_some(256),
    }
}

/// The sound of every clip with the transitions on both sides.
pub(super) fn track<'a>(plan: &'a RenderPlan<'a>, bitrate_kbps: u32) -> AudioTrack<'a> {
    let transition = |index: usize| plan.transitions.get(index).copied().unwrap_or(ClipTransition::Cut);
    let clip = |(index, clip): (usize, &'a ClipPlan<'a>)| {
        let before = index.checked_sub(1).map_or(ClipTransition::Cut, transition);
        let after = transition(index);
        let seconds = |frames: u32| Some(frames).filter(|n| *n > 0).map(|n| plan.rate.duration_s(n.into()));
        let fade = |transition| if let ClipTransition::Fade(n) = transition { seconds(n) } else { None };
        AudioClip {
            input: clip.file(),
            sound: clip.sound.as_ref(),
            segments: segments(clip, plan.rate),
            length_s: plan.rate.duration_s(clip.timeline.frames()),
            fade_in_s: fade(before),
            fade_out_s: fade(after),
            crossfade_s: seconds(before.overlap()),
        }
    };
    AudioTrack { clips: plan.clips.iter().enumerate().map(clip).collect(), bitrate_kbps }
}

fn segments(clip: &ClipPlan<'_>, rate: FrameRate) -> Vec<AudioSegment> {
    let segments = clip.timeline.segments.iter().map(|segment| AudioSegment {
        stretch: Stretch::of_film(&clip.media, segment.start_s, segment.end_s),
        speed: segment.speed,
        length_s: rate.duration_s(segment.output_frames.into()),
    });
    segments.collect()
}
