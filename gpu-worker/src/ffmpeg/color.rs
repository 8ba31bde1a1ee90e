//! Colour: from whatever the source has to 8-bit 4:2:0 in BT.709 and limited range, which our own drawing
//! works on and which browsers and phones expect. It is converted once, while it is decoded.
//!
//! A source that has these colours already is left alone. Another matrix or range is converted in planes.
//! High dynamic range and wide gamut go through a table ([`ColorMap`]) in red, green and blue.

use std::io::Write as _;
use std::sync::Arc;

use tempfile::NamedTempFile;

use super::FfmpegError;
use reel_media::color_map::{ColorMap, Gamut, Transfer};

/// Pixels as `media::frame` holds them.
pub(super) const PIXEL_FORMAT: &str = "yuv420p";

/// Says in the file what [`SourceColor::filters`] made.
pub(super) const OUTPUT_TAGS: [&str; 8] =
    ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];

/// Which colours a source has; what its tags leave open is decided as players do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceColor {
    matrix: Matrix,
    transfer: Transfer,
    gamut: Gamut,
    full_range: bool,
}

/// What ffprobe says of a stream's colours; unknown words are as good as none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ColorTags<'t> {
    pub space: Option<&'t str>,
    pub primaries: Option<&'t str>,
    pub transfer: Option<&'t str>,
    pub range: Option<&'t str>,
    pub pixel_format: Option<&'t str>,
}

/// How light and colour differences are made of red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matrix {
    /// They are not: the source is in red, green and blue.
    Rgb,
    Bt709,
    Bt601,
    Smpte240m,
    Bt2020,
}

impl SourceColor {
    /// The output's own colours.
    #[cfg(test)]
    pub const BT709: Self =
        Self { matrix: Matrix::Bt709, transfer: Transfer::Sdr, gamut: Gamut::Bt709, full_range: false };

    pub(super) fn new(tags: ColorTags<'_>, width: u32, height: u32) -> Self {
        let transfer = match tags.transfer {
            Some("smpte2084") => Transfer::Pq,
            Some("arib-std-b67") => Transfer::Hlg,
            _ => Transfer::Sdr,
        };
        let tagged_gamut = match tags.primaries {
            Some("bt2020") => Some(Gamut::Bt2020),
            Some("smpte431" | "smpte432") => Some(Gamut::P3),
            Some("bt709" | "bt470m" | "bt470bg" | "smpte170m" | "smpte240m" | "film" | "ebu3213") => {
                Some(Gamut::Bt709)
            }
            _ => None,
        };
        let pixel_format = tags.pixel_format.unwrap_or_default();
        let is_rgb = ["rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2rgb", "x2bgr", "pal8"]
            .iter()
            .any(|name| pixel_format.starts_with(name));
        let tagged_matrix = match tags.space {
            _ if is_rgb => Some(Matrix::Rgb),
            Some("bt709") => Some(Matrix::Bt709),
            Some("bt470bg" | "smpte170m" | "fcc") => Some(Matrix::Bt601),
            Some("smpte240m") => Some(Matrix::Smpte240m),
            Some("bt2020nc" | "bt2020c") => Some(Matrix::Bt2020),
            _ => None,
        };
        // High dynamic range is BT.2020 unless something else is said, and so is what has its matrix.
        let is_wide = transfer != Transfer::Sdr || tagged_matrix == Some(Matrix::Bt2020);
        let gamut = tagged_gamut.unwrap_or(if is_wide { Gamut::Bt2020 } else { Gamut::Bt709 });
        let assumed_matrix = if transfer != Transfer::Sdr || gamut == Gamut::Bt2020 {
            Matrix::Bt2020
        } else if height >= 720 || width >= 1280 {
            Matrix::Bt709
        } else {
            Matrix::Bt601
        };
        Self {
            matrix: tagged_matrix.unwrap_or(assumed_matrix),
            transfer,
            gamut,
            full_range: is_rgb || tags.range == Some("pc") || pixel_format.starts_with("yuvj"),
        }
    }

    /// The table that is needed for high dynamic range and wide gamut.
    pub(super) fn table(self) -> Result<Option<ColorTable>, FfmpegError> {
        let map = ColorMap { transfer: self.transfer, gamut: self.gamut };
        if map == (ColorMap { transfer: Transfer::Sdr, gamut: Gamut::Bt709 }) {
            return Ok(None);
        }
        ColorTable::write(map).map(Some)
    }

    /// The filters from the source's pixels to our own, of this size.
    pub(super) fn filters(self, width: u32, height: u32, table: Option<&ColorTable>) -> Vec<String> {
        let range = if self.full_range { "pc" } else { "tv" };
        let (matrix, to_format) = (self.matrix.scale_name(), format!("format={PIXEL_FORMAT}"));
        let input = format!("scale={width}:{height}:in_color_matrix={matrix}:in_range={range}");
        if let Some(table) = table {
            return vec![
                // 16 bits: whatever depth comes in, no step of it is lost before the table.
                format!("{input},format=gbrp16"),
                format!("lut3d=file={}:interp=tetrahedral", table.path()),
                "scale=out_color_matrix=bt709:out_range=tv".to_owned(),
                to_format,
            ];
        }
        match (self.matrix, self.full_range) {
            // Without other options, `scale` passes on what has the size already.
            (Matrix::Bt709, false) => vec![format!("scale={width}:{height}"), to_format],
            (Matrix::Bt709, true) => vec![format!("{input}:out_range=tv"), to_format],
            // In two steps: in one, ffmpeg 5.1 darkens the last colour samples of odd sides.
            (Matrix::Rgb, _) => {
                vec![
                    format!("{input}:out_color_matrix=bt709:out_range=tv"),
                    "format=yuv444p".to_owned(),
                    to_format,
                ]
            }
            (Matrix::Bt601 | Matrix::Smpte240m | Matrix::Bt2020, _) => {
                let to_limited = if self.full_range {
                    format!("{input}:out_color_matrix={matrix}:out_range=tv")
                } else {
                    format!("scale={width}:{height}")
                };
                let colormatrix = format!("colormatrix={}:bt709", self.matrix.colormatrix_name());
                if width.is_multiple_of(2) && height.is_multiple_of(2) {
                    return vec![to_limited, to_format, colormatrix];
                }
                // With odd sides, `colormatrix` of ffmpeg 5.1 writes beyond its planes.
                let even = format!("pad={}:{}", width.next_multiple_of(2), height.next_multiple_of(2));
                let cut = format!("crop={width}:{height}:0:0:exact=1");
                vec![to_limited, to_format, even, colormatrix, cut]
            }
        }
    }
}

impl Matrix {
    /// Its name in `scale`.
    fn scale_name(self) -> &'static str {
        match self {
            // The value does not matter.
            Self::Rgb | Self::Bt709 => "bt709",
            Self::Bt601 => "bt601",
            Self::Smpte240m => "smpte240m",
            Self::Bt2020 => "bt2020",
        }
    }

    /// Its name in `colormatrix`, which converts planes without going through red, green and blue.
    fn colormatrix_name(self) -> &'static str {
        match self {
            Self::Rgb | Self::Bt709 => "bt709",
            Self::Bt601 => "bt601",
            Self::Smpte240m => "smpte240m",
            Self::Bt2020 => "bt2020",
        }
    }
}

/// A colour table on the disk, which disappears with its last clone. ffmpeg takes tables from files only,
/// and tells their format by the name.
#[derive(Clone, Debug)]
pub struct ColorTable(Arc<NamedTempFile>);

impl ColorTable {
    fn write(map: ColorMap) -> Result<Self, FfmpegError> {
        let failed = |error: std::io::Error| {
            FfmpegError::failed(format!("The renderer's temporary folder cannot be written: {error}."))
        };
        let mut file =
            tempfile::Builder::new().prefix("reel-color-").suffix(".cube").tempfile().map_err(failed)?;
        file.write_all(map.cube().as_bytes()).map_err(failed)?;
        Ok(Self(Arc::new(file)))
    }

    /// Its path as the value of a filter's option.
    fn path(&self) -> String {
        super::args::escape_filter_value(&self.0.path().to_string_lossy())
    }
}

impl PartialEq for ColorTable {
    fn eq(&self, other: &Self) -> bool {
        self.0.path() == other.0.path()
    }
}
