//! The title box of an annotated clip, as a filter for ffmpeg.

use std::path::Path;

use reel_core::edit::Annotation;
use reel_core::edit::FrameSize;
use reel_core::edit::Rating;

use super::RenderError;

/// Fonts to draw with, the first that is there: Debian's and Fedora's usual places.
const FONTS: &[&str] = &[
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
];

const NOTES_CHARS: usize = 100;

/// The font that titles are drawn with; refuses when the machine has none.
pub(super) fn font() -> Result<&'static str, RenderError> {
    FONTS.iter().copied().find(|font| Path::new(font).is_file()).ok_or_else(|| {
        RenderError::machine(
            "The renderer has no font to draw titles with; install the package fonts-dejavu-core.",
        )
    })
}

/// Box, title and notes over a picture of this size.
pub(super) fn filter(clip: &Annotation, picture: FrameSize, font: &str) -> String {
    let (left, width) = (picture.width / 10, picture.width * 8 / 10);
    let height = if clip.notes.is_empty() { 50 } else { 80 };
    let color = color(clip.rating);
    let mut filters = vec![
        format!("drawbox=x={left}:y=10:w={width}:h={height}:color=white@0.95:t=fill"),
        format!("drawbox=x={left}:y=10:w={width}:h={height}:color=0x{color}:t=4"),
    ];
    let title = format!("{}  {}", clip.rating.notation(), clip.name);
    // Letters are about 0.6 of their size wide; what does not fit the box ends in an ellipsis.
    filters.push(text(&shortened(title.trim_end(), width * 10 / (24 * 6)), 24, "black", 20, font));
    if !clip.notes.is_empty() {
        let notes: String = clip.notes.chars().take(NOTES_CHARS).collect();
        filters.push(text(&shortened(&notes, width * 10 / (16 * 6)), 16, "0x333333", 50, font));
    }
    filters.join(",")
}

fn text(text: &str, size: u32, color: &str, y: u32, font: &str) -> String {
    let (text, font) = (escaped(text), escaped(font));
    format!(
        "drawtext=fontfile={font}:expansion=none:text={text}:fontsize={size}:fontcolor={color}:x=(w-text_w)/2:y={y}"
    )
}

fn shortened(text: &str, max_chars: u32) -> String {
    let max_chars = max_chars.max(4) as usize;
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max_chars - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Escapes for an option's value, then for the graph around it: ffmpeg reads twice.
fn escaped(text: &str) -> String {
    let escape = |text: &str, special: &[char]| {
        let mut out = String::with_capacity(text.len() * 2);
        for c in text.chars() {
            if special.contains(&c) {
                out.push('\\');
            }
            out.push(c);
        }
        out
    };
    escape(&escape(text, &['\\', '\'', ':']), &['\\', '\'', '[', ']', ',', ';'])
}

fn color(rating: Rating) -> &'static str {
    match rating {
        Rating::Blunder => "C62828",
        Rating::Mistake => "F9A825",
        Rating::Interesting => "1565C0",
        Rating::Good => "2E7D32",
        Rating::Brilliant => "66BB6A",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_that_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(shortened("Goal", 10), "Goal");
        assert_eq!(shortened("A very long title", 7), "A very…");
    }

    #[test]
    fn text_is_escaped_twice() {
        assert_eq!(escaped("a:b"), r"a\\:b");
        assert_eq!(escaped("it's"), r"it\\\'s");
        assert_eq!(escaped("50%, [x]; \\"), r"50%\, \[x\]\; \\\\");
    }
}
