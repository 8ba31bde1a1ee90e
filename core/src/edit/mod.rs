//! What a job does to its video: typed, bounded, validated once, and rendered from the same types.

mod annotate;
mod bounds;
mod color;
mod crop;
mod framing;
mod interpolate;
mod moment;
mod overlay;
mod region;
mod size;
mod transition;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{FieldContext, FieldError};
use crate::object_key::ObjectKey;

pub(crate) use bounds::seconds;

pub use annotate::{Annotate, Annotation, Rating};
pub use color::Color;
pub use crop::{CropKeyframe, CropTrack, CropUnit, PixelRect};
pub use framing::{Clip, Framing, Segment};
pub use interpolate::Interpolation;
pub use moment::FramePosition;
pub use overlay::{HighlightEffect, Overlay};
pub use region::{FixedRegion, Highlight, MovingRegion, Regions};
pub use size::FrameSize;
pub use transition::Transition;

/// One job's params, valid by construction: whoever holds an `Edit` may render it.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Highlight players in a finished clip.
    Overlay(Overlay),
    /// Crop and pace a clip, or several that become one reel.
    Framing(Framing),
    /// Join annotated moments of a game.
    Annotate(Annotate),
}

impl Edit {
    /// Reads the `params` of a job; `None` means that at least one fault went to `at`.
    ///
    /// Fields that nobody knows are faults too, beside an edit that could be read: the caller
    /// must look at the list of faults as well.
    pub fn read(kind: JobType, params: &Value, at: FieldContext<'_>) -> Option<Self> {
        match kind {
            JobType::Overlay => Overlay::read(params, at).map(Self::Overlay),
            JobType::Framing => Framing::read(params, at).map(Self::Framing),
            JobType::Annotate => Annotate::read(params, at).map(Self::Annotate),
        }
    }

    /// Reads params from JSON text, with every fault of the text at once.
    pub fn parse(kind: JobType, json: &str) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let edit = match serde_json::from_str::<Value>(json) {
            Ok(params) => Self::read(kind, &params, FieldContext::root(&mut faults)),
            Err(error) => FieldContext::root(&mut faults).reject(format!("is not JSON: {error}")),
        };
        match edit {
            Some(edit) if faults.is_empty() => Ok(edit),
            _ => Err(faults),
        }
    }

    /// The videos that clips name beside the job's own input `own`: each once, with the number of
    /// the first clip that names it.
    pub fn clip_videos(&self, own: &ObjectKey) -> Vec<(usize, ObjectKey)> {
        let mut named: Vec<(usize, ObjectKey)> = Vec::new();
        if let Self::Framing(framing) = self {
            for (index, clip) in framing.clips.iter().enumerate() {
                if let Some(key) = &clip.video_key
                    && key != own
                    && !named.iter().any(|(_, known)| known == key)
                {
                    named.push((index, key.clone()));
                }
            }
        }
        named
    }

    /// Which kind of job this is.
    pub const fn kind(&self) -> JobType {
        match self {
            Self::Overlay(_) => JobType::Overlay,
            Self::Framing(_) => JobType::Framing,
            Self::Annotate(_) => JobType::Annotate,
        }
    }
}

/// The three kinds of job, by their names on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobType {
    /// Crop and pace one clip.
    Framing,
    /// Highlight players in a finished clip.
    Overlay,
    /// Join annotated moments of a game.
    Annotate,
}

impl JobType {
    /// Every kind with its word on the wire.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("framing", Self::Framing), ("overlay", Self::Overlay), ("annotate", Self::Annotate)];

    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Framing => "framing",
            Self::Overlay => "overlay",
            Self::Annotate => "annotate",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(kind: JobType, json: &str) -> Vec<(String, String)> {
        let faults = Edit::parse(kind, json).expect_err("faults");
        faults.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
    }

    #[test]
    fn the_plans_overlay_body_is_read() {
        let json = r##"{"highlight_regions":[{"start_frame":0,"end_frame":60,"x":540,"y":960,
            "radius_x":80,"radius_y":160,"opacity":1.0,"color":"#ffffff"}],"effect_type":"blur",
            "crop_keyframes":null,"output_width":1080,"output_height":1920}"##;
        let Ok(Edit::Overlay(overlay)) = Edit::parse(JobType::Overlay, json) else { panic!("not read") };
        assert_eq!((overlay.effect, overlay.output), (HighlightEffect::Blur, FrameSize::REEL));
        assert_eq!(overlay.crop, None);
        let drawn = overlay.regions.at(FramePosition { frame: 60.0, fps: 25.0 }, Interpolation::Linear);
        assert_eq!((drawn[0].center_x, drawn[0].center_y, drawn[0].radius_y), (540, 960, 160));
    }

    #[test]
    fn an_overlay_without_any_field_is_the_seeds_default() {
        let Ok(Edit::Overlay(overlay)) = Edit::parse(JobType::Overlay, "{}") else { panic!("not read") };
        assert!(overlay.regions.is_empty());
        assert_eq!(
            (overlay.effect, overlay.crop, overlay.output),
            (HighlightEffect::Blur, None, FrameSize::REEL)
        );
    }

    #[test]
    fn the_apps_region_is_read() {
        let json = r##"{"effect_type":"original","highlight_regions":[{"id":"region-1768950000000-ab12cd34e",
            "start_time":0,"end_time":2,"keyframes":[
            {"time":0,"x":404,"y":720,"radiusX":86,"radiusY":173,"opacity":0.15,"color":"#FFFF00"},
            {"time":2,"x":430,"y":700,"radiusX":86,"radiusY":173,"opacity":0.15,"color":"#FFFF00"}]}]}"##;
        let Ok(Edit::Overlay(overlay)) = Edit::parse(JobType::Overlay, json) else { panic!("not read") };
        let drawn = overlay.regions.at(FramePosition { frame: 30.0, fps: 30.0 }, Interpolation::Linear);
        assert_eq!((drawn[0].center_x, drawn[0].center_y), (417, 710));
    }

    #[test]
    fn the_seeds_framing_body_is_read() {
        let json = r#"{"clip_index":0,"crop_keyframes":[{"frame":0,"x":100.5,"y":0,"width":405,"height":720}],
            "output_width":1080,"output_height":1920,"start_time":null,"end_time":null}"#;
        let Ok(Edit::Framing(framing)) = Edit::parse(JobType::Framing, json) else { panic!("not read") };
        assert_eq!((framing.clip_index, framing.output), (Some(0), FrameSize::REEL));
        let clip = &framing.clips[0];
        assert_eq!((clip.start_time, clip.end_time, framing.include_audio), (None, None, true));
    }

    #[test]
    fn framing_without_a_size_takes_it_from_the_crop() {
        let json = r#"{"crop_keyframes":[{"time":0,"x":0,"y":0,"width":205,"height":365}],
            "segments":[{"start":1.5,"end":4.0,"speed":1},{"start":4.0,"end":9.0,"speed":0.5}]}"#;
        let Ok(Edit::Framing(framing)) = Edit::parse(JobType::Framing, json) else { panic!("not read") };
        assert_eq!(framing.output, FrameSize { width: 808, height: 1440 });
        assert_eq!(framing.clips[0].segments[1], Segment { start: 4.0, end: 9.0, speed: 0.5 });
    }

    #[test]
    fn annotations_are_read_with_line_breaks_as_spaces() {
        let json = r#"{"clips":[{"start_time":1,"end_time":2.5,"name":"Goal","notes":"one\n two","rating":5,
            "tags":["goal"]},{"start_time":0,"end_time":1,"name":"","rating":1}]}"#;
        let Ok(Edit::Annotate(annotate)) = Edit::parse(JobType::Annotate, json) else { panic!("not read") };
        assert_eq!(
            (annotate.clips[0].notes.as_str(), annotate.clips[0].rating.notation()),
            ("one two", "!!")
        );
        assert_eq!(annotate.clips[1].name, "");
    }

    #[test]
    fn every_fault_of_an_overlay_is_told_at_once() {
        let json = r#"{"effect_type":"spotligth","output_width":1081,"output_height":8,"highlight_region":[],
            "crop_keyframes":[{"frame":0,"x":0,"y":0,"width":0,"height":"tall"}]}"#;
        let expected = [
            (
                "/effect_type",
                "must be one of blur, spotlight, original, brightness_boost, dark_overlay (did you mean \"spotlight\"?)",
            ),
            ("/crop_keyframes/0/width", "must be between 1 and 16384"),
            ("/crop_keyframes/0/height", "must be a number, not a string"),
            ("/output_width", "must be even, for example 1080"),
            ("/output_height", "must be between 16 and 4096"),
            ("/highlight_region", "is not a known field (did you mean \"highlight_regions\"?)"),
        ];
        assert_eq!(faults(JobType::Overlay, json), expected.map(|(p, d)| (p.to_owned(), d.to_owned())));
    }

    #[test]
    fn every_fault_of_a_framing_is_told_at_once() {
        let json = r#"{"crop_keyframes":[],"start_time":3,"end_time":3,"target_fps":0,"include_audio":"yes",
            "segments":[{"start":2,"end":1,"speed":9}],"interpolation":"cubic"}"#;
        let pointers: Vec<_> =
            faults(JobType::Framing, json).into_iter().map(|(pointer, _)| pointer).collect();
        let expected = [
            "/crop_keyframes",
            "/segments/0/speed",
            "/segments/0/end",
            "/target_fps",
            "/include_audio",
            "/interpolation",
            "/end_time",
        ];
        assert_eq!(pointers, expected);
    }

    #[test]
    fn text_that_is_no_json_is_one_fault() {
        let faults = faults(JobType::Annotate, "{");
        assert_eq!(faults.len(), 1);
        assert!(faults[0].1.starts_with("is not JSON"), "{faults:?}");
    }

    #[test]
    fn a_field_nobody_knows_is_a_fault_even_when_the_rest_is_fine() {
        assert_eq!(faults(JobType::Overlay, r#"{"blurr":1}"#)[0].0, "/blurr");
    }
}
