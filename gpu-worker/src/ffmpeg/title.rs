//! A picture that is laid over every frame of a clip, as a filter and as the file that the filter reads.
//!
//! Invariant: text never reaches a command line; a path is escaped.

use std::path::Path;

use super::args::escape_filter_value as escape;
use super::color;
use reel_media::title::Picture;

/// The picture in a format that needs no encoder: PAM, a short header and the pixels.
pub fn picture_file(picture: &Picture) -> Vec<u8> {
    let Picture { width, height, rgba } = picture;
    let header =
        format!("P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n");
    [header.as_bytes(), rgba].concat()
}

/// A filter that lays the picture in `file` over a film, its left upper corner at `left`, `top`.
///
/// ffmpeg opens the file again when it builds its filters anew, in the middle of a film.
pub fn overlay_filter(file: &Path, left: u32, top: u32) -> String {
    let (file, format) = (escape(&file.to_string_lossy()), color::PIXEL_FORMAT);
    // Far in the past: a picture is shown from its own time on, and films start at any time.
    format!(
        "null[film];movie=filename={file}:format_name=pam_pipe,setpts=PTS-360000/TB,\
         scale=out_color_matrix=bt709:out_range=tv,format=yuva420p[title];\
         [film][title]overlay=x={left}:y={top}:format=yuv420,format={format}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_twice() {
        assert_eq!(escape("a:b"), r"a\\:b");
        assert_eq!(escape("it's"), r"it\\\'s");
        assert_eq!(escape("50%, [x]; \\"), r"50%\, \[x\]\; \\\\");
    }
}
