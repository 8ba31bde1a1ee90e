//! Colour: from the source's to 8-bit BGR for our own drawing, and from there to the BT.709 video that
//! browsers and phones expect.

use super::probe::MediaInfo;

/// Pixels as `media::frame` holds them.
pub(super) const PIXEL_FORMAT: &str = "bgr24";

/// BGR to limited-range BT.709.
pub(super) const TO_OUTPUT: &str = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p";

/// Says in the file what [`TO_OUTPUT`] made.
pub(super) const OUTPUT_TAGS: [&str; 8] =
    ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];

/// Maps high dynamic range to what an output can show; `None` for ordinary video.
pub(super) fn tone_map(media: &MediaInfo) -> Option<&'static str> {
    media.hdr.then_some(
        "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,\
         zscale=t=bt709:m=bt709:r=tv,format=yuv420p",
    )
}

/// An option of `scale`: the matrix to assume for a file that has no colour tags, as players do.
pub(super) fn assumed_matrix(media: &MediaInfo) -> &'static str {
    match (media.color_untagged && !media.hdr, media.height >= 720 || media.width >= 1280) {
        (false, _) => "",
        (true, true) => ":in_color_matrix=bt709",
        (true, false) => ":in_color_matrix=bt601",
    }
}
