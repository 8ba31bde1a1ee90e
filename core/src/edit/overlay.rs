//! Overlay: highlight players in a finished clip.

use serde_json::Value;

use crate::base::words::word_enum;
use crate::edit::crop::CropTrack;
use crate::edit::{FrameSize, Interpolation, Regions, crop};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, one_of};

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
    /// The part of the frame to show, scaled to `output`; `None` keeps the whole frame and its size.
    pub crop: Option<CropTrack>,
    /// The size of the output; used only with a crop.
    pub output: FrameSize,
    /// How regions move between keyframes.
    pub interpolation: Interpolation,
}

impl Overlay {
    pub(super) fn read(params: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(params, at)?;
        let regions = fields.optional("highlight_regions", Regions::read);
        let effect = fields.optional("effect_type", one_of(HighlightEffect::WORDS));
        let keyframes = fields.optional("crop_keyframes", crop::read_keyframes);
        let output = FrameSize::read_output(&mut fields);
        let interpolation = fields.optional("interpolation", one_of(Interpolation::WORDS));
        fields.finish();
        let interpolation = interpolation?.unwrap_or_default();
        Some(Self {
            regions: regions?.unwrap_or_default(),
            effect: effect?.unwrap_or_default(),
            crop: keyframes?.and_then(|keyframes| CropTrack::new(keyframes, interpolation)),
            output: output?.unwrap_or(FrameSize::REEL),
            interpolation,
        })
    }
}
