//! Outputs beside the main one: the same edit once more, in another shape or size.
//!
//! Invariant: what a rendition shows lies inside the picture and has at least one pixel.

use serde_json::{Value, json};

use crate::base::rendition_name::{MAX_NAME_CHARS, RenditionName};
use crate::edit::crop::{CropTrack, Keyframes};
use crate::edit::fit::{differs_by_rounding, ratio};
use crate::edit::{Fit, FramePosition, FrameSize, Interpolation, OutputSize, PixelRect, crop};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, list, one_of, text};

/// An output beside the main one, made from the same decoded frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendition {
    /// Unique in its job.
    pub name: RenditionName,
    /// What it shows of the picture. Without one it follows the crop of the main output.
    crop: Option<CropTrack>,
    size: OutputSize,
    /// How what is shown is placed in an output of another aspect; `None` is that of the main output.
    pub fit: Option<Fit>,
}

/// More than one job has platforms to serve. Each is an encoder of its own.
pub const MAX_RENDITIONS: usize = 4;

impl Rendition {
    /// The size of its frames, where the main output begins with `shown` of a picture of this size.
    pub(super) fn frame_size(&self, shown: FrameSize, picture: FrameSize) -> FrameSize {
        let shown = self.crop.as_ref().map_or(shown, |crop| crop.first_shown(picture));
        self.size.resolve(shown).unwrap_or(shown)
    }

    /// Its size as far as it is named.
    pub(crate) fn named_size(&self) -> OutputSize {
        self.size
    }

    /// The pixels that it shows of a picture in frames of size `output`. It follows `main`, the crop of the
    /// main output: around the same centre, in the shape of `output`, all of that crop as far as the picture
    /// reaches. Without any crop it shows the whole picture.
    pub fn pixels(
        &self,
        main: Option<&CropTrack>,
        at: FramePosition,
        picture: FrameSize,
        output: FrameSize,
    ) -> PixelRect {
        match (&self.crop, main) {
            (Some(own), _) => own.pixels(at, picture),
            (None, Some(main)) => reshaped(main.pixels(at, picture), output, picture),
            (None, None) => PixelRect { x: 0, y: 0, width: picture.width, height: picture.height },
        }
    }

    /// Its own crop, if it has one.
    pub fn crop(&self) -> Option<&CropTrack> {
        self.crop.as_ref()
    }
}

/// The smallest part of the picture around `shown` that has this aspect; smaller where the picture ends.
fn reshaped(shown: PixelRect, aspect: FrameSize, picture: FrameSize) -> PixelRect {
    let size = FrameSize { width: shown.width, height: shown.height };
    if differs_by_rounding(size, aspect) {
        return shown;
    }
    let of_width = |width| FrameSize { width, height: ratio(width, aspect.height, aspect.width).max(1) };
    let of_height = |height| FrameSize { width: ratio(height, aspect.width, aspect.height).max(1), height };
    let larger = |a: FrameSize, b: FrameSize| if a.width > b.width { a } else { b };
    let mut part = larger(of_width(shown.width), of_height(shown.height));
    if part.width > picture.width {
        part = of_width(picture.width);
    }
    if part.height > picture.height {
        part = of_height(picture.height);
    }
    let placed = |start: u32, length: u32, wanted: u32, limit: u32| {
        let wanted = wanted.min(limit);
        let twice_center = u64::from(start) * 2 + u64::from(length);
        let first = u32::try_from(twice_center.saturating_sub(wanted.into()) / 2).unwrap_or(u32::MAX);
        (first.min(limit.saturating_sub(wanted)), wanted)
    };
    let (x, width) = placed(shown.x, shown.width, part.width, picture.width);
    let (y, height) = placed(shown.y, shown.height, part.height, picture.height);
    PixelRect { x, y, width, height }
}

/// `outputs` as read, before the interpolation of its crops is known.
pub(super) struct RenditionFields {
    name: RenditionName,
    keyframes: Option<Keyframes>,
    size: OutputSize,
    fit: Option<Fit>,
}

impl RenditionFields {
    pub(super) fn finish(self, interpolation: Interpolation) -> Rendition {
        let crop = self.keyframes.and_then(|keyframes| CropTrack::new(keyframes, interpolation));
        Rendition { name: self.name, crop, size: self.size, fit: self.fit }
    }

    pub(super) fn has_crop(&self) -> bool {
        self.keyframes.is_some()
    }

    fn read(value: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(value, at)?;
        let name = fields.required("name", name);
        let keyframes = fields.optional("crop_keyframes", crop::non_empty_keyframes);
        let size = OutputSize::read(&mut fields, "width", "height");
        let fit = fields.optional("fit", one_of(Fit::WORDS));
        let size = size.and_then(|size| {
            if size.is_named() {
                Some(size)
            } else {
                fields.at().reject("must have a `preset`, a `width` or a `height`")
            }
        });
        fields.finish();
        Some(Self { name: name?, keyframes: keyframes?, size: size?, fit: fit? })
    }
}

/// Reads `outputs`. Names must differ: each is a folder of its job.
pub(super) fn read_renditions(value: &Value, mut at: FieldContext<'_>) -> Option<Vec<RenditionFields>> {
    let renditions = list(MAX_RENDITIONS, RenditionFields::read)(value, at.reborrow())?;
    let mut different = true;
    for (index, rendition) in renditions.iter().enumerate() {
        if renditions.iter().take(index).any(|earlier| earlier.name == rendition.name) {
            at.child(&index.to_string())
                .child("name")
                .reject::<()>("must differ from that of an earlier output");
            different = false;
        }
    }
    different.then_some(renditions)
}

fn name(value: &Value, mut at: FieldContext<'_>) -> Option<RenditionName> {
    let name = text(MAX_NAME_CHARS)(value, at.reborrow());
    at.describe(|| json!({"pattern": RenditionName::PATTERN}));
    let name = name?;
    RenditionName::try_from(name.to_owned()).map_err(|error| at.reject::<()>(error.to_string())).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::edit::{Edit, JobType};

    const HD: FrameSize = FrameSize { width: 1920, height: 1080 };

    fn size(width: u32, height: u32) -> FrameSize {
        FrameSize { width, height }
    }

    fn rect(x: u32, y: u32, width: u32, height: u32) -> PixelRect {
        PixelRect { x, y, width, height }
    }

    fn renditions(outputs: &str) -> Vec<Rendition> {
        let Ok(Edit::Overlay(overlay)) =
            Edit::parse(JobType::Overlay, &format!(r#"{{"outputs":{outputs}}}"#))
        else {
            panic!("not read: {outputs}")
        };
        overlay.renditions
    }

    fn errors(job_type: JobType, params: &str) -> Vec<(String, String)> {
        let errors = Edit::parse(job_type, params).expect_err("errors");
        errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
    }

    #[test]
    fn a_crop_keeps_its_centre_in_another_shape() {
        let upright = rect(700, 0, 608, 1080);
        assert_eq!(reshaped(upright, size(1080, 1920), HD), upright, "its own shape");
        assert_eq!(reshaped(upright, size(1080, 1080), HD), rect(464, 0, 1080, 1080));
        assert_eq!(reshaped(upright, size(1920, 1080), HD), rect(0, 0, 1920, 1080));
        assert_eq!(
            reshaped(rect(1312, 0, 608, 1080), size(1080, 1080), HD),
            rect(840, 0, 1080, 1080),
            "moved inside"
        );
        let wide = rect(100, 200, 640, 360);
        assert_eq!(reshaped(wide, size(1080, 1080), HD), rect(100, 60, 640, 640));
        assert_eq!(
            reshaped(wide, size(1080, 1920), HD),
            rect(116, 0, 608, 1080),
            "as far as the picture reaches"
        );
    }

    #[test]
    fn a_preset_has_its_size() {
        for (preset, expected) in [
            ("portrait_1080", size(1080, 1920)),
            ("portrait_720", size(720, 1280)),
            ("square_1080", size(1080, 1080)),
            ("landscape_1080", size(1920, 1080)),
            ("draft_360", size(640, 360)),
        ] {
            let read = renditions(&format!(r#"[{{"name":"a","preset":"{preset}"}}]"#));
            assert_eq!(read[0].frame_size(HD, HD), expected, "{preset}");
        }
        let draft = &renditions(r#"[{"name":"a","preset":"draft_360"}]"#)[0];
        assert_eq!(draft.frame_size(size(607, 1080), HD), size(360, 640), "of an upright crop");
    }

    #[test]
    fn an_own_crop_counts_for_itself() {
        let own = r#"[{"name":"coach","height":540,"fit":"cover","crop_keyframes":
            [{"time":0,"x":0,"y":0,"width":960,"height":540}]}]"#;
        let read = &renditions(own)[0];
        let at = FramePosition { frame: 7.0, fps: 30.0 };
        assert_eq!((read.name.as_str(), read.fit), ("coach", Some(Fit::Cover)));
        assert_eq!(read.frame_size(size(608, 1080), HD), size(960, 540));
        assert_eq!(read.pixels(None, at, HD, size(960, 540)), rect(0, 0, 960, 540));
        let whole = &renditions(r#"[{"name":"a","width":640}]"#)[0];
        assert_eq!(whole.frame_size(HD, HD), size(640, 360));
        assert_eq!(whole.pixels(None, at, HD, size(640, 360)), rect(0, 0, 1920, 1080));
    }

    #[test]
    fn every_error_of_an_output_has_its_pointer() {
        let params = r#"{"outputs":[{"name":"Story!","preset":"portrait"},{"name":"a"},
            {"name":"b","preset":"square_1080","width":641},{"name":"b","preset":"square_1080","height":640},
            {"name":"c","preset":"square_1080","crop_keyframes":[]}]}"#;
        let listed = errors(JobType::Overlay, params);
        assert_eq!(listed, [("/outputs".to_owned(), "must have at most 4 items, but has 5".to_owned())]);
        let params = r#"{"outputs":[{"name":"Story!","preset":"portrait"},{"name":"a"},
            {"name":"b","width":641,"crop_keyframes":[]},{"name":"b","preset":"square_1080","height":640,"size":1}]}"#;
        let pointers: Vec<_> =
            errors(JobType::Overlay, params).into_iter().map(|(pointer, _)| pointer).collect();
        let expected = [
            "/outputs/0/name",
            "/outputs/0/preset",
            "/outputs/1",
            "/outputs/2/crop_keyframes",
            "/outputs/2/width",
            "/outputs/3/preset",
            "/outputs/3/size",
        ];
        assert_eq!(pointers, expected);
        let twice = r#"{"outputs":[{"name":"a","width":640},{"name":"a","width":320}]}"#;
        assert_eq!(errors(JobType::Overlay, twice)[0].0, "/outputs/1/name");
    }

    #[test]
    fn outputs_of_several_clips_follow_their_crops() {
        let clip = r#"{"crop_keyframes":[{"frame":0,"x":0,"y":0,"width":405,"height":720}]}"#;
        let outputs = |more: &str| {
            format!(r#"{{"clips":[{clip},{clip}],"outputs":[{{"name":"a","preset":"square_1080"{more}}}]}}"#)
        };
        let Ok(Edit::Framing(framing)) = Edit::parse(JobType::Framing, &outputs("")) else {
            panic!("not read")
        };
        assert_eq!(framing.renditions.len(), 1);
        let own = outputs(r#","crop_keyframes":[{"frame":0,"x":0,"y":0,"width":9,"height":9}]"#);
        let message = "cannot be set with several `clips`; without it, the output follows each clip's crop";
        assert_eq!(
            errors(JobType::Framing, &own),
            [("/outputs/0/crop_keyframes".to_owned(), message.to_owned())]
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_is_inside_and_in_shape(
            (width, height) in (16..5000_u32, 16..5000_u32),
            (x, y, w, h) in (0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64),
            (out_width, out_height) in (8..2049_u32, 8..2049_u32),
        ) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let part = |of: f64, side: u32| ((of * f64::from(side)) as u32).min(side - 1);
            let (x, y) = (part(x, width), part(y, height));
            let shown = rect(x, y, part(w, width - x).max(1), part(h, height - y).max(1));
            let aspect = size(out_width * 2, out_height * 2);
            let got = reshaped(shown, aspect, size(width, height));
            prop_assert!(got.width >= 1 && got.x + got.width <= width, "{got:?}");
            prop_assert!(got.height >= 1 && got.y + got.height <= height, "{got:?}");
            let wanted = f64::from(aspect.width) / f64::from(aspect.height);
            let error = (f64::from(got.width) - f64::from(got.height) * wanted).abs();
            prop_assert!(got == shown || error <= 1.0 + wanted, "{got:?} for {aspect:?}");
        }
    }
}
