//! The params of a job: what is done to its video. They are checked once, here, and rendered from the same
//! types.

mod annotate;
mod color;
mod crop;
mod fit;
mod frame_position;
mod framing;
mod interpolate;
mod job_type;
mod limits;
mod overlay;
mod params;
mod region;
mod rendition;
mod size;
mod transition;
mod video_key;

pub(crate) use limits::seconds;
pub(crate) use video_key::input_key;

pub use annotate::{Annotate, Annotation, Rating};
pub use color::Color;
pub use crop::{CropKeyframe, CropTrack, CropUnit, PixelRect};
pub use fit::{Fit, Placement, placement};
pub use frame_position::FramePosition;
pub use framing::{Clip, Framing, Segment};
pub use interpolate::Interpolation;
pub use job_type::JobType;
pub use overlay::{HighlightEffect, Overlay};
pub use params::Edit;
pub use region::{FixedRegion, Highlight, MovingRegion, Regions};
pub use rendition::{MAX_RENDITIONS, Rendition};
pub use size::{FrameSize, OutputSize, SizePreset};
pub use transition::Transition;

#[cfg(test)]
mod tests {
    use super::*;

    const HD: FrameSize = FrameSize { width: 1280, height: 720 };

    fn errors(job_type: JobType, json: &str) -> Vec<(String, String)> {
        let errors = Edit::parse(job_type, json).expect_err("errors");
        errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
    }

    #[test]
    fn an_overlay_with_fixed_regions_is_read() {
        let json = r##"{"highlight_regions":[{"start_frame":0,"end_frame":60,"x":540,"y":960,
            "radius_x":80,"radius_y":160,"opacity":1.0,"color":"#ffffff"}],"effect_type":"blur",
            "crop_keyframes":null,"output_width":1080,"output_height":1920}"##;
        let Ok(Edit::Overlay(overlay)) = Edit::parse(JobType::Overlay, json) else { panic!("not read") };
        assert_eq!(overlay.effect, HighlightEffect::Blur);
        assert_eq!(overlay.output_size(HD), Some(FrameSize::REEL));
        assert_eq!(overlay.crop, None);
        let highlights = overlay.regions.at(FramePosition { frame: 60.0, fps: 25.0 }, Interpolation::Linear);
        assert_eq!((highlights[0].center_x, highlights[0].center_y, highlights[0].radius_y), (540, 960, 160));
    }

    #[test]
    fn an_overlay_without_any_field_has_defaults() {
        let Ok(Edit::Overlay(overlay)) = Edit::parse(JobType::Overlay, "{}") else { panic!("not read") };
        assert!(overlay.regions.is_empty());
        assert_eq!(overlay.output_size(HD), None, "the picture keeps its size");
        assert_eq!((overlay.effect, overlay.fit), (HighlightEffect::Blur, Fit::Contain));
        assert_eq!((overlay.crop, overlay.audio_track), (None, None));
    }

    #[test]
    fn a_moving_region_of_the_frontend_is_read() {
        let json = r##"{"effect_type":"original","highlight_regions":[{"id":"region-1768950000000-ab12cd34e",
            "start_time":0,"end_time":2,"keyframes":[
            {"time":0,"x":404,"y":720,"radiusX":86,"radiusY":173,"opacity":0.15,"color":"#FFFF00"},
            {"time":2,"x":430,"y":700,"radiusX":86,"radiusY":173,"opacity":0.15,"color":"#FFFF00"}]}]}"##;
        let Ok(Edit::Overlay(overlay)) = Edit::parse(JobType::Overlay, json) else { panic!("not read") };
        let highlights = overlay.regions.at(FramePosition { frame: 30.0, fps: 30.0 }, Interpolation::Linear);
        assert_eq!((highlights[0].center_x, highlights[0].center_y), (417, 710));
    }

    #[test]
    fn a_framing_body_of_the_fastapi_backend_is_read() {
        let json = r#"{"clip_index":0,"crop_keyframes":[{"frame":0,"x":100.5,"y":0,"width":405,"height":720}],
            "output_width":1080,"output_height":1920,"start_time":null,"end_time":null}"#;
        let Ok(Edit::Framing(framing)) = Edit::parse(JobType::Framing, json) else { panic!("not read") };
        assert_eq!((framing.clip_index, framing.output_size(|_| HD)), (Some(0), FrameSize::REEL));
        let clip = &framing.clips[0];
        assert_eq!((clip.start_time, clip.end_time, framing.include_audio), (None, None, true));
    }

    #[test]
    fn without_a_size_the_crop_decides() {
        let json = r#"{"crop_keyframes":[{"time":0,"x":0,"y":0,"width":205,"height":365}],
            "segments":[{"start":1.5,"end":4.0,"speed":1},{"start":4.0,"end":9.0,"speed":0.5}]}"#;
        let Ok(Edit::Framing(framing)) = Edit::parse(JobType::Framing, json) else { panic!("not read") };
        assert_eq!(framing.output_size(|_| HD), FrameSize { width: 808, height: 1440 });
        assert_eq!(framing.clips[0].segments[1], Segment { start: 4.0, end: 9.0, speed: 0.5 });
    }

    #[test]
    fn one_side_of_the_output_follows_from_what_is_shown() {
        let Ok(Edit::Overlay(overlay)) = Edit::parse(JobType::Overlay, r#"{"output_width":640}"#) else {
            panic!("not read")
        };
        assert_eq!(overlay.output_size(HD), Some(FrameSize { width: 640, height: 360 }));
        // What a crop by time shows ends at the edge of the picture.
        let json = r#"{"crop_keyframes":[{"time":0,"x":920,"y":0,"width":720,"height":720}],
            "output_height":1080,"fit":"cover","audio_track":2}"#;
        for job_type in [JobType::Overlay, JobType::Framing] {
            let (size, fit, track) = match Edit::parse(job_type, json) {
                Ok(Edit::Overlay(overlay)) => (overlay.output_size(HD), overlay.fit, overlay.audio_track),
                Ok(Edit::Framing(framing)) => {
                    (Some(framing.output_size(|_| HD)), framing.fit, framing.audio_track)
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(size, Some(FrameSize { width: 540, height: 1080 }));
            assert_eq!((fit, track), (Fit::Cover, Some(2)));
        }
    }

    #[test]
    fn a_sound_track_can_be_chosen_in_every_type() {
        let crop = r#""crop_keyframes":[{"frame":0,"x":0,"y":0,"width":9,"height":16}]"#;
        let clips = r#""clips":[{"start_time":0,"end_time":1,"name":"","rating":1}]"#;
        for (job_type, rest) in
            [(JobType::Overlay, crop), (JobType::Framing, crop), (JobType::Annotate, clips)]
        {
            let edit = Edit::parse(job_type, &format!(r#"{{{rest},"audio_track":3}}"#)).expect("an edit");
            assert_eq!(edit.audio_track(), Some(3));
            let edit = Edit::parse(job_type, &format!("{{{rest}}}")).expect("an edit");
            assert_eq!(edit.audio_track(), None);
            let zero = errors(job_type, &format!(r#"{{{rest},"audio_track":0}}"#));
            assert_eq!(zero, [("/audio_track".to_owned(), "must be between 1 and 100".to_owned())]);
        }
    }

    #[test]
    fn line_breaks_in_annotations_become_spaces() {
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
    fn every_error_of_an_overlay_is_reported() {
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
        assert_eq!(errors(JobType::Overlay, json), expected.map(|(p, d)| (p.to_owned(), d.to_owned())));
    }

    #[test]
    fn every_error_of_a_framing_is_reported() {
        let json = r#"{"crop_keyframes":[],"start_time":3,"end_time":3,"target_fps":0,"include_audio":"yes",
            "segments":[{"start":2,"end":1,"speed":9}],"interpolation":"cubic"}"#;
        let pointers: Vec<_> =
            errors(JobType::Framing, json).into_iter().map(|(pointer, _)| pointer).collect();
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
    fn text_that_is_not_json_is_one_error() {
        let errors = errors(JobType::Annotate, "{");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].1.starts_with("is not JSON"), "{errors:?}");
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        assert_eq!(errors(JobType::Overlay, r#"{"blurr":1}"#)[0].0, "/blurr");
    }
}
