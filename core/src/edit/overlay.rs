//! Overlay: highlight players in a finished clip.

use serde_json::Value;

use crate::base::words::word_enum;
use crate::edit::crop::CropTrack;
use crate::edit::limits::audio_track;
use crate::edit::rendition::read_renditions;
use crate::edit::{Fit, FrameSize, Interpolation, OutputSize, Regions, Rendition, crop};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, boolean, one_of};

word_enum! {
    /// How a highlight sets its players apart. A request with another word is refused.
    #[derive(Default)]
    pub enum HighlightEffect {
        /// Outside is out of focus.
        #[default]
        Blur = "blur",
        /// Outside is dark, with a soft edge.
        Spotlight = "spotlight",
        /// A coloured ring with a light fill.
        Original = "original",
        /// Inside is brighter.
        BrightnessBoost = "brightness_boost",
        /// Outside is dimmed, with a hard edge.
        DarkOverlay = "dark_overlay",
    }
}

/// An overlay job.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// Where the players are. Without regions the clip is not changed.
    pub regions: Regions,
    /// How they are highlighted.
    pub effect: HighlightEffect,
    /// The part of the frame to show; `None` shows the whole frame.
    pub crop: Option<CropTrack>,
    /// The size of the output, as far as it is named.
    pub output: OutputSize,
    /// How what is shown is placed in an output of another aspect.
    pub fit: Fit,
    /// Outputs beside the main one.
    pub renditions: Vec<Rendition>,
    /// Whether a sheet of small pictures is made of the output.
    pub filmstrip: bool,
    /// Which of the video's sound tracks is heard, from 1; `None` leaves the choice to the renderer.
    pub audio_track: Option<u32>,
    /// How regions move between keyframes.
    pub interpolation: Interpolation,
}

impl Overlay {
    pub(super) fn read(params: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(params, at)?;
        let regions = fields.optional("highlight_regions", Regions::read);
        let effect = fields.optional("effect_type", one_of(HighlightEffect::WORDS));
        let keyframes = fields.optional("crop_keyframes", crop::read_keyframes);
        let output = OutputSize::read(&mut fields, "output_width", "output_height");
        let fit = fields.optional("fit", one_of(Fit::WORDS));
        let audio_track = fields.optional("audio_track", audio_track);
        let interpolation = fields.optional("interpolation", one_of(Interpolation::WORDS));
        let renditions = fields.optional("outputs", read_renditions);
        let filmstrip = fields.optional("filmstrip", boolean);
        fields.finish();
        let interpolation = interpolation?.unwrap_or_default();
        let renditions = renditions?.unwrap_or_default().into_iter();
        Some(Self {
            regions: regions?.unwrap_or_default(),
            effect: effect?.unwrap_or_default(),
            crop: keyframes?.and_then(|keyframes| CropTrack::new(keyframes, interpolation)),
            output: output?,
            fit: fit?.unwrap_or_default(),
            renditions: renditions.map(|one| one.finish(interpolation)).collect(),
            filmstrip: filmstrip?.unwrap_or(false),
            audio_track: audio_track?,
            interpolation,
        })
    }

    /// The size of the output for a picture of this size. `None` keeps the picture as it is: without a crop,
    /// when no other size is named. A crop without a named size becomes a [`FrameSize::REEL`].
    pub fn output_size(&self, picture: FrameSize) -> Option<FrameSize> {
        match &self.crop {
            Some(crop) => Some(self.output.resolve(crop.first_shown(picture)).unwrap_or(FrameSize::REEL)),
            None => self.output.resolve(picture).filter(|size| *size != picture),
        }
    }

    /// The size of one of its renditions, for a picture of this size.
    pub fn rendition_size(&self, rendition: &Rendition, picture: FrameSize) -> FrameSize {
        let shown = self.crop.as_ref().map_or(picture, |crop| crop.first_shown(picture));
        rendition.frame_size(shown, picture)
    }
}
