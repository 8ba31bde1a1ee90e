//! The title box of an annotated clip, as filters.

use std::path::Path;

use reel_core::edit::{Annotation, FrameSize, Rating};

use super::FfmpegError;
use super::args::escape_filter_value as escape;
use super::color;

/// Fonts in order of preference, at the usual paths of Debian, Fedora and Arch.
const FONTS: &[&str] = &[
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
];

const NOTES_CHARS: usize = 100;

/// The font of the titles; an error when the machine has none.
pub fn font() -> Result<&'static str, FfmpegError> {
    FONTS.iter().copied().find(|font| Path::new(font).is_file()).ok_or_else(|| {
        FfmpegError::failed("The renderer has no font for titles. Install the package fonts-dejavu-core.")
    })
}

/// Filters that draw a box with title and notes on a frame of this size.
pub fn title_filters(clip: &Annotation, frame_size: FrameSize, font: &str) -> String {
    let (left, width) = (frame_size.width / 10, frame_size.width * 8 / 10);
    let height = if clip.notes.is_empty() { 50 } else { 80 };
    let color = color::for_drawbox(color(clip.rating));
    let mut filters = vec![
        format!("drawbox=x={left}:y=10:w={width}:h={height}:color=white@0.95:t=fill"),
        format!("drawbox=x={left}:y=10:w={width}:h={height}:color=0x{color}:t=4"),
    ];
    let title = format!("{}  {}", clip.rating.notation(), clip.name);
    // Letters are about 0.6 of their size wide; what does not fit the box ends in an ellipsis.
    filters.push(text(&truncate(title.trim_end(), width * 10 / (24 * 6)), 24, "black", 20, font));
    if !clip.notes.is_empty() {
        let notes: String = clip.notes.chars().take(NOTES_CHARS).collect();
        filters.push(text(&truncate(&notes, width * 10 / (16 * 6)), 16, "0x333333", 50, font));
    }
    filters.join(",")
}

fn text(text: &str, size: u32, color: &str, y: u32, font: &str) -> String {
    let (text, font) = (escape(text), escape(font));
    format!(
        "drawtext=fontfile={font}:expansion=none:text={text}:fontsize={size}:fontcolor={color}:x=(w-text_w)/2:y={y}"
    )
}

fn truncate(text: &str, max_chars: u32) -> String {
    let max_chars = max_chars.max(4) as usize;
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max_chars - 1).collect();
    format!("{}…", kept.trim_end())
}

fn color(rating: Rating) -> [u8; 3] {
    match rating {
        Rating::Blunder => [0xC6, 0x28, 0x28],
        Rating::Mistake => [0xF9, 0xA8, 0x25],
        Rating::Interesting => [0x15, 0x65, 0xC0],
        Rating::Good => [0x2E, 0x7D, 0x32],
        Rating::Brilliant => [0x66, 0xBB, 0x6A],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_that_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(truncate("Goal", 10), "Goal");
        assert_eq!(truncate("A very long title", 7), "A very…");
    }

    #[test]
    fn text_is_escaped_twice() {
        assert_eq!(escape("a:b"), r"a\\:b");
        assert_eq!(escape("it's"), r"it\\\'s");
        assert_eq!(escape("50%, [x]; \\"), r"50%\, \[x\]\; \\\\");
    }
}
