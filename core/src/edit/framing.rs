//! Framing: crop one clip and change its speed, or several clips that become one reel.

use serde_json::{Value, json};

use crate::base::object_key::ObjectKey;
use crate::edit::crop::{CropTrack, Keyframes};
use crate::edit::limits::{MAX_SEGMENTS, audio_track, seconds};
use crate::edit::rendition::{RenditionFields, read_renditions};
use crate::edit::transition::Transition;
use crate::edit::video_key::input_key;
use crate::edit::{Fit, FrameSize, Interpolation, OutputSize, Rendition, crop};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, boolean, integer, list, number, one_of, text};

/// A framing job.
#[derive(Clone, Debug, PartialEq)]
pub struct Framing {
    /// The clip's index in its project, if it has one. The input is that clip's file.
    pub clip_index: Option<u32>,
    /// The clips in the order of the reel; at least one.
    pub clips: Vec<Clip>,
    /// How each clip leads to the next.
    pub transition: Transition,
    /// The size of the whole reel, as far as it is named.
    pub output: OutputSize,
    /// How each clip is placed in a reel of another aspect.
    pub fit: Fit,
    /// Outputs beside the main one.
    pub renditions: Vec<Rendition>,
    /// Whether a sheet of small pictures is made of the reel.
    pub filmstrip: bool,
    /// Which of each video's sound tracks is heard, from 1; `None` leaves the choice to the renderer.
    pub audio_track: Option<u32>,
    /// Frames per second of the reel; `None` keeps those of the first clip's video.
    pub target_fps: Option<f64>,
    /// Whether the reel has sound if a source has.
    pub include_audio: bool,
}

/// One clip of a reel.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// The clip's video; `None` is the job's own input.
    pub video_key: Option<ObjectKey>,
    /// The title of its chapter; the file name without one.
    pub name: Option<String>,
    /// The part of the frame to show.
    pub crop: CropTrack,
    /// Where the clip starts, in seconds of source.
    pub start_time: Option<f64>,
    /// Where it ends; after `start_time`.
    pub end_time: Option<f64>,
    /// The parts to show with their speed, in source order. Empty means the whole clip at its own speed.
    /// The source between two segments is left out.
    pub segments: Vec<Segment>,
}

/// A part of the source and its speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Seconds of source.
    pub start: f64,
    /// Seconds of source, after `start`.
    pub end: f64,
    /// 0.5 is half speed and takes twice as long.
    pub speed: f64,
}

/// Far more clips than a person watches in one reel.
const MAX_CLIPS: usize = 50;

impl Framing {
    /// Reads either the fields of one clip, or `clips` and `transition`.
    pub(super) fn read(params: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(params, at)?;
        let has_clips = fields.has("clips");
        let separate_forms = reject_mixed_forms(&mut fields, has_clips);
        let clip_index = fields.optional("clip_index", integer(0..=100_000));
        let only = (!has_clips).then(|| ClipFields::read(&mut fields));
        let output = OutputSize::read(&mut fields, "output_width", "output_height");
        let fit = fields.optional("fit", one_of(Fit::WORDS));
        let target_fps = fields.optional("target_fps", number(1.0..=120.0));
        let include_audio = fields.optional("include_audio", boolean);
        let audio_track = fields.optional("audio_track", audio_track);
        let interpolation = fields.optional("interpolation", one_of(Interpolation::WORDS));
        // Without `clips` it is an error of its own.
        let transition = if has_clips { fields.optional("transition", Transition::read) } else { Some(None) };
        let renditions = fields.optional("outputs", read_renditions);
        let filmstrip = fields.optional("filmstrip", boolean);
        // An invalid interpolation is an error; the clips are read all the same, for their own errors.
        let clip_interpolation = interpolation.flatten().unwrap_or_default();
        let clips = match only {
            Some(only) => only.finish(&mut fields, clip_interpolation, None, None).map(|clip| vec![clip]),
            None => fields.required("clips", |value, at| read_clips(value, at, clip_interpolation)),
        };
        let renditions = renditions.map(Option::unwrap_or_default);
        if clips.as_ref().is_some_and(|clips| clips.len() > 1) {
            reject_own_crops(fields.at().child("outputs"), renditions.as_deref().unwrap_or_default());
        }
        fields.finish();
        (separate_forms && interpolation.is_some()).then_some(())?;
        Some(Self {
            renditions: renditions?.into_iter().map(|one| one.finish(clip_interpolation)).collect(),
            filmstrip: filmstrip?.unwrap_or(false),
            clip_index: clip_index?.and_then(|index| u32::try_from(index).ok()),
            clips: clips?,
            transition: transition?.unwrap_or_default(),
            output: output?,
            fit: fit?.unwrap_or_default(),
            audio_track: audio_track?,
            target_fps: target_fps?,
            include_audio: include_audio?.unwrap_or(true),
        })
    }

    /// The size of the whole reel, where clip `n`, from 0, has a picture of size `picture(n)`. What is not named
    /// follows from the smallest crop: one side from its aspect, both as [`CropTrack::default_output_size`] says.
    pub fn output_size(&self, picture: impl Fn(usize) -> FrameSize) -> FrameSize {
        let Some((index, crop)) = self.smallest_crop() else { return FrameSize::REEL };
        let named = self.output.resolve(crop.first_shown(picture(index)));
        named.unwrap_or_else(|| crop.default_output_size())
    }

    /// The size of one of its renditions, by the same crop as [`Framing::output_size`].
    pub fn rendition_size(&self, rendition: &Rendition, picture: impl Fn(usize) -> FrameSize) -> FrameSize {
        let Some((index, crop)) = self.smallest_crop() else { return FrameSize::REEL };
        rendition.frame_size(crop.first_shown(picture(index)), picture(index))
    }

    fn smallest_crop(&self) -> Option<(usize, &CropTrack)> {
        let crops = self.clips.iter().map(|clip| &clip.crop).enumerate();
        crops.min_by(|(_, a), (_, b)| a.first_area().total_cmp(&b.first_area()))
    }
}

impl Clip {
    /// The first and the last second of source that may be shown; the last is infinite when it is not named.
    pub fn shown_s(&self) -> (f64, f64) {
        let first = self.segments.first().map_or(0.0, |segment| segment.start);
        let last = self.segments.last().map_or(f64::INFINITY, |segment| segment.end);
        (self.start_time.unwrap_or(0.0).max(first), self.end_time.unwrap_or(f64::INFINITY).min(last))
    }
}

/// A job has either one clip's fields or `clips`: with both, it would be open which ones apply. Returns
/// whether the forms are separate.
fn reject_mixed_forms(fields: &mut ObjectReader<'_, '_>, has_clips: bool) -> bool {
    const SINGLE_CLIP_FIELDS: &[&str] = &["crop_keyframes", "start_time", "end_time", "segments"];
    const CLIP_LIST_FIELDS: &[&str] = &["transition"];
    let (foreign_fields, message) = if has_clips {
        (SINGLE_CLIP_FIELDS, "cannot be combined with `clips`; set it on each clip instead")
    } else {
        (CLIP_LIST_FIELDS, "requires `clips`: a transition joins two clips")
    };
    let mut separate = true;
    for name in foreign_fields {
        if fields.has(name) {
            fields.at().child(name).reject::<()>(message);
            separate = false;
        }
    }
    separate
}

/// A crop of its own belongs to one video; several clips have several.
fn reject_own_crops(mut at: FieldContext<'_>, renditions: &[RenditionFields]) {
    for (index, _) in renditions.iter().enumerate().filter(|(_, rendition)| rendition.has_crop()) {
        at.child(&index.to_string()).child("crop_keyframes").reject::<()>(
            "cannot be set with several `clips`; without it, the output follows each clip's crop",
        );
    }
}

fn read_clips(value: &Value, mut at: FieldContext<'_>, interpolation: Interpolation) -> Option<Vec<Clip>> {
    at.describe(|| json!({"minItems": 1}));
    let clips = list(MAX_CLIPS, |value, at| Clip::read(value, at, interpolation))(value, at.reborrow())?;
    let segment_count: usize = clips.iter().map(|clip| clip.segments.len().max(1)).sum();
    if clips.is_empty() {
        return at.reject("must have at least one clip");
    }
    if segment_count > MAX_SEGMENTS {
        return at
            .reject(format!("must have at most {MAX_SEGMENTS} segments in total, but has {segment_count}"));
    }
    Some(clips)
}

impl Clip {
    fn read(value: &Value, at: FieldContext<'_>, interpolation: Interpolation) -> Option<Self> {
        let mut fields = ObjectReader::open(value, at)?;
        let video_key = fields.optional("video_key", input_key);
        let name = fields.optional("name", text(200));
        let name = name.map(|name| name.map(str::to_owned));
        let clip_fields = ClipFields::read(&mut fields);
        let clip = clip_fields.finish(
            &mut fields,
            interpolation,
            video_key.clone().flatten(),
            name.clone().flatten(),
        );
        fields.finish();
        video_key?;
        name?;
        clip
    }
}

/// The fields that both forms have for one clip. In each, the outer `None` means an error.
#[allow(clippy::option_option, reason = "absent and invalid are different results")]
struct ClipFields {
    keyframes: Option<Keyframes>,
    start_time: Option<Option<f64>>,
    end_time: Option<Option<f64>>,
    segments: Option<Option<Vec<Segment>>>,
}

impl ClipFields {
    fn read(fields: &mut ObjectReader<'_, '_>) -> Self {
        Self {
            keyframes: fields.required("crop_keyframes", crop::non_empty_keyframes),
            start_time: fields.optional("start_time", seconds),
            end_time: fields.optional("end_time", seconds),
            segments: fields.optional("segments", read_segments),
        }
    }

    /// Checks the fields against each other.
    fn finish(
        self,
        fields: &mut ObjectReader<'_, '_>,
        interpolation: Interpolation,
        video_key: Option<ObjectKey>,
        name: Option<String>,
    ) -> Option<Clip> {
        let ordered = match (self.start_time, self.end_time) {
            (Some(start), Some(Some(end))) if end <= start.unwrap_or(0.0) => {
                fields.at().child("end_time").reject("must be after start_time")
            }
            _ => Some(()),
        };
        ordered?;
        Some(Clip {
            video_key,
            name,
            crop: CropTrack::new(self.keyframes?, interpolation)?,
            start_time: self.start_time?,
            end_time: self.end_time?,
            segments: self.segments?.unwrap_or_default(),
        })
    }
}

fn read_segments(value: &Value, mut at: FieldContext<'_>) -> Option<Vec<Segment>> {
    let segments = list(MAX_SEGMENTS, read_segment)(value, at.reborrow())?;
    let mut valid = true;
    for (index, pair) in segments.windows(2).enumerate() {
        if let [earlier, later] = pair
            && later.start < earlier.end
        {
            let message = "must not be earlier than the end of the previous segment";
            at.child(&(index + 1).to_string()).child("start").reject::<()>(message);
            valid = false;
        }
    }
    valid.then_some(segments)
}

fn read_segment(value: &Value, at: FieldContext<'_>) -> Option<Segment> {
    let mut fields = ObjectReader::open(value, at)?;
    let start = fields.required("start", seconds);
    let end = fields.required("end", seconds);
    let speed = fields.optional("speed", number(0.25..=4.0));
    let ordered = match (start, end) {
        (Some(start), Some(end)) if end <= start => fields.at().child("end").reject("must be after start"),
        _ => Some(()),
    };
    fields.finish();
    ordered?;
    Some(Segment { start: start?, end: end?, speed: speed?.unwrap_or(1.0) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edit::{Edit, JobType};

    fn clip(width: u32, height: u32) -> Value {
        json!({"crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": width, "height": height}]})
    }

    fn framing(params: &Value) -> Framing {
        match Edit::parse(JobType::Framing, &params.to_string()) {
            Ok(Edit::Framing(framing)) => framing,
            other => panic!("{other:?}"),
        }
    }

    fn errors(params: &Value) -> Vec<(String, String)> {
        let errors = Edit::parse(JobType::Framing, &params.to_string()).expect_err("errors");
        errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
    }

    #[test]
    fn clips_share_the_size_the_frame_rate_and_the_sound() {
        let mut second = clip(200, 400);
        second["video_key"] = json!("input/abc/second.mp4");
        second["name"] = json!("The goal");
        second["end_time"] = json!(2.5);
        let framing = framing(&json!({"clips": [clip(405, 720), second], "target_fps": 30,
            "transition": {"type": "dissolve"}, "output_width": 1080, "output_height": 1920}));
        assert_eq!((framing.clips.len(), framing.target_fps), (2, Some(30.0)));
        assert_eq!(framing.transition, Transition::Dissolve { seconds: 0.5 });
        assert_eq!((framing.clips[0].video_key.as_ref(), framing.clips[0].name.as_ref()), (None, None));
        assert_eq!(framing.clips[1].video_key.as_ref().map(ObjectKey::as_str), Some("input/abc/second.mp4"));
        assert_eq!(
            (framing.clips[1].name.as_deref(), framing.clips[1].end_time),
            (Some("The goal"), Some(2.5))
        );
    }

    #[test]
    fn without_a_size_the_smallest_crop_decides() {
        let framing = framing(&json!({"clips": [clip(640, 360), clip(160, 90), clip(320, 180)]}));
        let hd = FrameSize { width: 1280, height: 720 };
        assert_eq!(framing.output_size(|_| hd), FrameSize { width: 640, height: 360 });
        assert_eq!(framing.transition, Transition::Cut);
    }

    #[test]
    fn every_field_of_the_wrong_form_is_an_error() {
        let mut mixed = clip(9, 9);
        mixed["clips"] = json!([clip(9, 9)]);
        mixed["clip_index"] = json!(0);
        mixed["end_time"] = json!(3);
        let message = "cannot be combined with `clips`; set it on each clip instead";
        let expected = ["/crop_keyframes", "/end_time"].map(|p| (p.to_owned(), message.to_owned()));
        assert_eq!(errors(&mixed), expected);
        let mut single = clip(9, 9);
        single["transition"] = json!({"type": "fade"});
        let message = "requires `clips`: a transition joins two clips";
        assert_eq!(errors(&single), [("/transition".to_owned(), message.to_owned())]);
    }

    #[test]
    fn every_error_of_every_clip_has_its_pointer() {
        let mut first = clip(0, 9);
        first["video_key"] = json!("output/abc/x.mp4");
        let second = json!({"crop_keyframe": [], "start_time": 4, "end_time": 3, "name": ""});
        let listed = errors(&json!({"clips": [first, second], "interpolation": "cubic",
            "transition": {"type": "disolve", "duration": 99, "length": 1}}));
        let pointers: Vec<_> = listed.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/interpolation",
                "/transition/type",
                "/transition/duration",
                "/transition/length",
                "/clips/0/video_key",
                "/clips/0/crop_keyframes/0/width",
                "/clips/1/name",
                "/clips/1/crop_keyframes",
                "/clips/1/end_time",
                "/clips/1/crop_keyframe",
            ]
        );
        assert!(listed[1].1.ends_with("(did you mean \"dissolve\"?)"), "{listed:?}");
    }

    #[test]
    fn clips_and_segments_have_limits() {
        assert_eq!(errors(&json!({"clips": []}))[0].1, "must have at least one clip");
        let many = vec![clip(9, 9); 51];
        assert_eq!(errors(&json!({"clips": many}))[0].1, "must have at most 50 items, but has 51");
        let mut long = clip(9, 9);
        long["segments"] = (0..40).map(|n| json!({"start": n, "end": n + 1})).collect();
        let message = "must have at most 100 segments in total, but has 120";
        assert_eq!(
            errors(&json!({"clips": [long, long, long]})),
            [("/clips".to_owned(), message.to_owned())]
        );
    }
}
