//! Colours that a player converts: high dynamic range, wide gamut, full range, other matrices, more bits.

use std::path::Path;

use crate::film_folder::{AAC, BT709, FilmFolder, H264, Master, PLAIN, copy};
use crate::kind::Family::Colours;
use crate::kind::Tones::{Kept, KeptWithHighlights};
use crate::kind::{Kind, Reel, Request, kind, reel};
use crate::picture::{HIGHLIGHT_AREAS, WIDTH};

const SHORT: Master = Master::new(30, 1500);
const HEVC: &[&str] =
    &["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:crf=12", "-tag:v", "hvc1"];
const VP9_10BIT: &[&str] = &[
    "-c:v",
    "libvpx-vp9",
    "-profile:v",
    "2",
    "-deadline",
    "realtime",
    "-cpu-used",
    "8",
    "-crf",
    "10",
    "-b:v",
    "0",
];

/// Says what the master's frames are, which zscale does not guess.
const FULL_RGB: &str = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc";

#[derive(Clone, Copy)]
enum Transfer {
    Hlg,
    Pq,
}

impl Transfer {
    const fn name(self) -> &'static str {
        match self {
            Self::Hlg => "arib-std-b67",
            Self::Pq => "smpte2084",
        }
    }

    /// Signals above reference white (75 % and 58 %), in codes of ten bits.
    const fn highlights(self) -> [u32; 2] {
        match self {
            Self::Hlg => [64 + 876 * 85 / 100, 64 + 876 * 95 / 100],
            Self::Pq => [64 + 876 * 66 / 100, 64 + 876 * 76 / 100],
        }
    }

    /// From RGB with white at 203 cd/m2 to this signal of BT.2020, with two patches above white.
    fn filters(self, size: (usize, usize)) -> String {
        let name = self.name();
        let [darker, brighter] = self.highlights();
        let inside = |[x, y, w, h]: [usize; 4]| {
            let at = |n: usize| n * size.0 / WIDTH;
            format!("between(X,{},{})*between(Y,{},{})", at(x), at(x + w) - 1, at(y), at(y + h) - 1)
        };
        let [first, second] = HIGHLIGHT_AREAS.map(inside);
        format!(
            "scale={}:{}:flags=neighbor,format=gbrp,{FULL_RGB},zscale=t=linear:npl=203,format=gbrpf32le,\
             zscale=p=2020:t={name}:m=2020_ncl:r=limited:npl=203,format=yuv444p10le,\
             geq=lum='if({first},{darker},if({second},{brighter},lum(X,Y)))':cb='cb(X,Y)':cr='cr(X,Y)',\
             format=yuv420p10le",
            size.0, size.1
        )
    }
}

/// Colour tags of a file; `unknown` is none.
fn tags(primaries: &'static str, transfer: &'static str, matrix: &'static str) -> [&'static str; 6] {
    ["-color_primaries", primaries, "-color_trc", transfer, "-colorspace", matrix]
}

fn hdr(films: &FilmFolder, transfer: Transfer, [primaries, matrix]: [&'static str; 2], out: &Path) {
    let tags = tags(primaries, transfer.name(), matrix);
    films.encode(SHORT, &transfer.filters((320, 180)), &[HEVC, &tags, AAC], out);
}

fn short() -> Reel {
    reel(30.0, 45)
}

fn converted(films: &FilmFolder, filters: &str, codec: &[&str], tags: [&str; 6], out: &Path) {
    films.encode(SHORT, filters, &[codec, &tags, AAC], out);
}

fn colour_kind(name: &'static str, file: &'static str, make: fn(&FilmFolder, &Path)) -> Kind {
    kind(Colours, name, file, make).pictures(45).length(1.5)
}

pub fn kinds() -> Vec<Kind> {
    let mut kinds = high_dynamic_range();
    kinds.extend(ordinary());
    kinds
}

fn high_dynamic_range() -> Vec<Kind> {
    vec![
        colour_kind("hlg", "hlg.mov", |films, out| hdr(films, Transfer::Hlg, ["bt2020", "bt2020nc"], out))
            .imitates("an iPhone's HDR: HLG, 10 bits, BT.2020")
            .has(&[
                "color_transfer=\"arib-std-b67\"",
                "color_primaries=\"bt2020\"",
                "pix_fmt=\"yuv420p10le\"",
            ])
            .whole(short().tones(KeptWithHighlights))
            .ask(Request::Trim { from_s: 0.5, to_s: 1.5 }, reel(30.0, 30).tones(KeptWithHighlights))
            .core(),
        colour_kind("pq", "pq.mp4", |films, out| hdr(films, Transfer::Pq, ["bt2020", "bt2020nc"], out))
            .imitates("an Android phone's HDR10: PQ")
            .has(&["color_transfer=\"smpte2084\""])
            .whole(short().tones(KeptWithHighlights))
            .core(),
        colour_kind("hlg-half-tags", "hlg-half.mkv", |films, out| {
            hdr(films, Transfer::Hlg, ["unknown", "unknown"], out);
        })
        .imitates("HDR that lost two of its three tags: only the transfer is told")
        .has(&["color_transfer=\"arib-std-b67\""])
        .whole(short().tones(KeptWithHighlights)),
        colour_kind("pq-half-tags", "pq-half.mkv", |films, out| {
            hdr(films, Transfer::Pq, ["bt2020", "unknown"], out);
        })
        .imitates("the same with PQ, whose matrix is not told")
        .has(&["color_transfer=\"smpte2084\""])
        .whole(short().tones(KeptWithHighlights)),
        colour_kind("hlg-odd", "hlg-odd.webm", |films, out| {
            let tags = tags("bt2020", "arib-std-b67", "bt2020nc");
            let opus = ["-c:a", "libopus"];
            films.encode(SHORT, &Transfer::Hlg.filters((321, 181)), &[VP9_10BIT, &tags, &opus], out);
        })
        .imitates("an HDR screen recording with odd sides")
        .has(&["width=321", "height=181", "color_transfer=\"arib-std-b67\""])
        .whole(short().about().tones(KeptWithHighlights)),
        colour_kind("hlg-upright", "hlg-upright.mov", |films, out| {
            let flat = films.file("hlg.mov", |out| hdr(films, Transfer::Hlg, ["bt2020", "bt2020nc"], out));
            copy(&flat, &["-metadata:s:v:0", "rotate=90"], out);
        })
        .imitates("an HDR film of a phone that is held upright")
        .read_with("transpose=1")
        .whole(short().size(180, 320).read_with("transpose=1").tones(KeptWithHighlights))
        .core(),
    ]
}

/// From the master's RGB to other primaries of ten bits, without a change of the transfer.
fn gamut(primaries: &str, matrix: &str) -> String {
    format!(
        "format=gbrp,{FULL_RGB},zscale=t=linear,format=gbrpf32le,\
         zscale=p={primaries}:t=bt709:m={matrix}:r=limited,format=yuv420p10le"
    )
}

fn ordinary() -> Vec<Kind> {
    vec![
        colour_kind("bt2020-sdr", "bt2020.mp4", |films, out| {
            converted(films, &gamut("2020", "2020_ncl"), HEVC, tags("bt2020", "bt2020-10", "bt2020nc"), out);
        })
        .imitates("a camera's wide gamut without HDR")
        .has(&["color_primaries=\"bt2020\"", "color_transfer=\"bt2020-10\""])
        .whole(short().corners(Some(25)).tones(Kept))
        .core(),
        colour_kind("p3", "p3.mov", |films, out| {
            converted(films, &gamut("smpte432", "709"), HEVC, tags("smpte432", "bt709", "bt709"), out);
        })
        .imitates("an iPhone's P3 without HDR")
        .has(&["color_primaries=\"smpte432\""])
        .whole(short().corners(Some(25)).tones(Kept)),
        colour_kind("full-range", "full-range.mp4", |films, out| {
            let filters = "scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p";
            let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-color_range", "pc"];
            converted(films, filters, &codec, tags("bt709", "bt709", "bt709"), out);
        })
        .imitates("a phone or webcam with the full range of codes")
        .has(&["color_range=\"pc\""])
        .whole(short().tones(Kept)),
        colour_kind("bt601", "bt601.mp4", |films, out| {
            let filters = "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p";
            converted(films, filters, H264, tags("smpte170m", "smpte170m", "smpte170m"), out);
        })
        .imitates("an old camera, tagged as NTSC")
        .has(&["color_space=\"smpte170m\""])
        .whole(short().tones(Kept)),
        colour_kind("untagged-small", "untagged-small.mp4", |films, out| {
            let filters = "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p";
            films.encode(SHORT, filters, &[H264, AAC], out);
        })
        .imitates("a small film without colour tags: BT.601, as players assume")
        .whole(short().tones(Kept)),
        colour_kind("untagged-hd", "untagged-hd.mp4", |films, out| {
            let filters = "scale=1280:720:flags=neighbor:out_color_matrix=bt709:out_range=tv,format=yuv420p";
            films.encode(SHORT, filters, &[H264, AAC], out);
        })
        .imitates("an HD film without colour tags: BT.709, as players assume")
        .whole(short().size(1280, 720).tones(Kept)),
        kind(Colours, "10-bit-422", "10-bit-422.mov", |films, out| {
            let filters = "scale=out_color_matrix=bt709:out_range=tv,format=yuv422p10le";
            let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-c:a", "pcm_s24le"];
            films.encode(PLAIN, filters, &[&codec, BT709], out);
        })
        .imitates("a camera with 10 bits and 4:2:2")
        .has(&["pix_fmt=\"yuv422p10le\""])
        .whole(reel(30.0, 90).tones(Kept)),
        colour_kind("444-rgb", "rgb.mkv", |films, out| {
            let codec = ["-c:v", "libx264rgb", "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "bgr0"];
            films.encode(SHORT, "null", &[&codec, AAC], out);
        })
        .imitates("a screen recorder that keeps RGB")
        .whole(short().about().tones(Kept)),
    ]
}
