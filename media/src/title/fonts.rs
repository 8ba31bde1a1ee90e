//! The fonts of this machine, and which of them titles use.
//!
//! cosmic-text shapes and falls back from font to font in Rust, and draws emoji in colour, which ffmpeg's
//! filters for text (drawtext, libass) do not.

use cosmic_text::fontdb::Family;
use cosmic_text::{FontSystem, SwashCache};

/// Loaded fonts and drawn glyphs.
#[derive(Debug)]
pub struct TitleFonts {
    pub(super) system: FontSystem,
    pub(super) glyphs: SwashCache,
}

/// The machine has no font at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The renderer has no font for titles. Install the package fonts-noto-core.")]
pub struct NoFonts;

/// The font of ordinary text; for other scripts cosmic-text goes on to Noto's fonts, then to any.
pub(super) const TEXT: Family<'static> = Family::SansSerif;
pub(super) const EMOJI: Family<'static> = Family::Name("Noto Color Emoji");

/// In order of preference.
const SANS_SERIFS: [&str; 3] = ["DejaVu Sans", "Noto Sans", "Liberation Sans"];

impl TitleFonts {
    /// Reads the names of all installed fonts, which takes tenths of a second.
    pub fn load() -> Result<Self, NoFonts> {
        let mut system = FontSystem::new();
        let fonts = system.db_mut();
        let is_installed =
            |name: &&str| fonts.faces().any(|face| face.families.iter().any(|(family, _)| family == name));
        let sans_serif = SANS_SERIFS.iter().find(|name| is_installed(name)).copied();
        let any = fonts.faces().find_map(|face| face.families.first()).map(|(family, _)| family.clone());
        let family = sans_serif.map(str::to_owned).or(any).ok_or(NoFonts)?;
        fonts.set_sans_serif_family(family);
        Ok(Self { system, glyphs: SwashCache::new() })
    }
}
