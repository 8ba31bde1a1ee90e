//! A filmstrip: small pictures of a finished output on one sheet.

use std::ffi::OsString;
use std::path::Path;

use reel_core::job::filmstrip::FilmstripLayout;

use super::args::{QUIET, strings};

/// The size of one picture: in the shape of the video, at most 160 pixels a side, even.
pub fn tile_size(width: u32, height: u32) -> (u32, u32) {
    const LONGER_SIDE: u32 = 160;
    let longer = width.max(height).max(1);
    let side = |side: u32| (side.saturating_mul(LONGER_SIDE) / longer).next_multiple_of(2).max(2);
    (side(width), side(height))
}

/// Arguments of `ffmpeg`. Only keyframes are decoded: an output has one a second, as a sheet has at most.
pub fn filmstrip_args(video: &Path, layout: FilmstripLayout, sheet: &Path) -> Vec<OsString> {
    let FilmstripLayout { tile_width, tile_height, columns, tiles, interval_ms } = layout;
    let rows = tiles.div_ceil(columns.max(1));
    // The last picture is repeated: a sheet that is not full would not be written.
    let filter = format!(
        "fps=1000/{interval_ms}:start_time=0:round=down,scale={tile_width}:{tile_height}:flags=area,\
         tpad=stop=-1:stop_mode=clone,tile={columns}x{rows}"
    );
    let mut args = strings(&QUIET);
    args.extend(strings(&["-y", "-skip_frame", "nokey", "-i"]));
    args.push(video.into());
    args.extend(strings(&["-an", "-vf", &filter, "-frames:v", "1", "-q:v", "4", "-update", "1"]));
    args.extend(strings(&["-f", "image2", "-c:v", "mjpeg"]));
    args.push(sheet.into());
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_the_shape_of_its_video() {
        assert_eq!(tile_size(1920, 1080), (160, 90));
        assert_eq!(tile_size(1080, 1920), (90, 160));
        assert_eq!(tile_size(1080, 1080), (160, 160));
        assert_eq!(tile_size(4096, 16), (160, 2));
    }
}
