//! The title box of an annotated clip, drawn once as a picture with transparency.
//!
//! Invariant: nothing is drawn outside of the box, whatever the text is. [`text`] makes words drawable,
//! [`fonts`] finds glyphs for them.

mod fonts;
#[cfg(test)]
mod tests;
mod text;

use cosmic_text::{Align, Attrs, Buffer, Color, Ellipsize, EllipsizeHeightLimit, Metrics, Shaping, Wrap};

pub use fonts::TitleFonts;

/// What to write, and the colour of the border as red, green, blue.
#[derive(Clone, Copy, Debug)]
pub struct TitleBox<'a> {
    /// The first line; may be empty.
    pub title: &'a str,
    /// A second line; may be empty.
    pub notes: &'a str,
    /// Red, green, blue.
    pub border: [u8; 3],
}

/// Rows of red, green, blue, alpha; alpha is not multiplied in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Four bytes a pixel, row after row.
    pub rgba: Vec<u8>,
}

/// One line of text in the box.
struct Line {
    size_px: f32,
    baseline: f32,
    grey: u8,
}

const TITLE: Line = Line { size_px: 24.0, baseline: 29.0, grey: 0 };
const NOTES: Line = Line { size_px: 16.0, baseline: 53.0, grey: 0x33 };
const NOTES_CHARS: usize = 100;
const BORDER_PX: u32 = 4;
/// Between the border and the text, and at the least beside it.
const MARGIN_PX: f32 = 8.0;
/// 95 %.
const PAPER: [u8; 4] = [255, 255, 255, 242];

impl TitleBox<'_> {
    /// The box at this width in pixels. A line that is too long for it ends in an ellipsis.
    pub fn draw(&self, width: u32, fonts: &mut TitleFonts) -> Picture {
        let notes = text::drawable(self.notes);
        let notes = text::shortened(&notes, NOTES_CHARS);
        let height = if notes.is_empty() { 50 } else { 80 };
        let mut picture = Picture::paper(width, height, self.border);
        picture.write(&text::drawable(self.title), &TITLE, fonts);
        if !notes.is_empty() {
            picture.write(&notes, &NOTES, fonts);
        }
        picture
    }
}

impl Picture {
    fn paper(width: u32, height: u32, [red, green, blue]: [u8; 3]) -> Self {
        let pixel = |index: u32| {
            let (x, y) = (index % width.max(1), index / width.max(1));
            let nearest_edge = x.min(y).min(width - 1 - x).min(height - 1 - y);
            if nearest_edge < BORDER_PX { [red, green, blue, 255] } else { PAPER }
        };
        Self { width, height, rgba: (0..width * height).flat_map(pixel).collect() }
    }

    /// Writes one line in the middle.
    fn write(&mut self, text: &str, line: &Line, fonts: &mut TitleFonts) {
        #[allow(clippy::cast_precision_loss, reason = "a width in pixels")]
        let room = (self.width as f32 - 2.0 * (MARGIN_PX + BORDER_PX as f32)).max(1.0);
        let left = MARGIN_PX + f32::from(u8::try_from(BORDER_PX).unwrap_or(0));
        let buffer = laid_out(text, line.size_px, room, fonts);
        let color = Color::rgb(line.grey, line.grey, line.grey);
        for glyph in buffer.layout_runs().flat_map(|run| run.glyphs.iter()) {
            let glyph = glyph.physical((left, line.baseline), 1.0);
            fonts.glyphs.with_pixels(&mut fonts.system, glyph.cache_key, color, |x, y, color| {
                self.blend(glyph.x + x, glyph.y + y, color);
            });
        }
    }

    /// Puts a colour over what is there; ignores what lies outside or on the border.
    fn blend(&mut self, x: i32, y: i32, color: Color) {
        let inside = |place: i32, length: u32| {
            let place = u32::try_from(place).ok()?;
            (BORDER_PX..length.saturating_sub(BORDER_PX)).contains(&place).then_some(place as usize)
        };
        let Some((x, y)) = inside(x, self.width).zip(inside(y, self.height)) else { return };
        let start = (y * self.width as usize + x) * 4;
        let Some([pixel @ .., alpha]) = self.rgba.get_mut(start..start + 4) else { return };
        let cover = u32::from(color.a());
        for (old, new) in pixel.iter_mut().zip([color.r(), color.g(), color.b()]) {
            *old = mix(*old, new, cover);
        }
        *alpha = mix(*alpha, 255, cover);
    }
}

fn mix(old: u8, new: u8, cover: u32) -> u8 {
    let mixed = (u32::from(old) * (255 - cover) + u32::from(new) * cover + 127) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

/// Shaped text in one line, centred in `room` pixels.
fn laid_out(text: &str, size_px: f32, room: f32, fonts: &mut TitleFonts) -> Buffer {
    let mut buffer = Buffer::new(&mut fonts.system, Metrics::new(size_px, size_px * 1.25));
    buffer.set_wrap(Wrap::None);
    buffer.set_ellipsize(Ellipsize::End(EllipsizeHeightLimit::Lines(1)));
    buffer.set_size(Some(room), None);
    let plain = Attrs::new().family(fonts::TEXT);
    let spans = text::spans(text).map(|(part, is_emoji)| {
        (part, if is_emoji { plain.clone().family(fonts::EMOJI) } else { plain.clone() })
    });
    buffer.set_rich_text(spans, &plain, Shaping::Advanced, Some(Align::Center));
    buffer.shape_until_scroll(&mut fonts.system, false);
    buffer
}
