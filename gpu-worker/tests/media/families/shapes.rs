//! Pictures that are turned, stretched, interlaced, of odd or changing sizes.

use std::path::Path;

use crate::film_folder::{AAC, BT709, FilmFolder, H264, Master, PLAIN, TO_BT709, copy, ffmpeg, joined, text};
use crate::kind::Family::Shapes;
use crate::kind::{Clock, Kind, kind, reel};
use crate::measure::run;

pub fn kinds() -> Vec<Kind> {
    let mut kinds = turned();
    kinds.extend(sized());
    kinds.extend(interlaced());
    kinds
}

fn turn(films: &FilmFolder, degrees: &str, out: &Path) {
    copy(&films.plain(), &["-metadata:s:v:0", &format!("rotate={degrees}")], out);
}

fn turned() -> Vec<Kind> {
    vec![
        kind(Shapes, "upright", "upright.mp4", |films, out| turn(films, "90", out))
            .imitates("a phone that is held upright")
            .read_with("transpose=1")
            .whole(reel(30.0, 90).size(180, 320).read_with("transpose=1"))
            .trimmed(reel(30.0, 45).size(180, 320).read_with("transpose=1"))
            .core(),
        kind(Shapes, "upside-down", "upside-down.mp4", |films, out| turn(films, "180", out))
            .imitates("a phone that is held the other way round")
            .read_with("hflip,vflip")
            .whole(reel(30.0, 90).read_with("hflip,vflip")),
        kind(Shapes, "upright-left", "upright-left.mov", |films, out| turn(films, "270", out))
            .imitates("a phone that is held upright, on its other side")
            .read_with("transpose=2")
            .whole(reel(30.0, 90).size(180, 320).read_with("transpose=2")),
    ]
}

fn sized() -> Vec<Kind> {
    vec![
        kind(Shapes, "wide-pixels", "wide-pixels.mp4", |films, out| {
            films.h264(PLAIN, "scale=240:180,setsar=4/3", &[], out);
        })
        .imitates("a camcorder whose pixels are wider than high")
        .has(&["sample_aspect_ratio=\"4:3\""])
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45)),
        kind(Shapes, "odd-sides", "odd-sides.webm", |films, out| {
            let vp8 = [
                "-c:v",
                "libvpx",
                "-deadline",
                "realtime",
                "-cpu-used",
                "-8",
                "-b:v",
                "2M",
                "-c:a",
                "libopus",
            ];
            films.encode(PLAIN, &joined("scale=321:181"), &[&vp8], out);
        })
        .imitates("a recording of a window, of odd width and height")
        .has(&["width=321", "height=181"])
        .whole(reel(30.0, 90).about().corners(None)),
        kind(Shapes, "4k", "4k.mp4", |films, out| {
            films.h264(Master::new(30, 400), "scale=3840:2160:flags=neighbor", &[], out);
        })
        .imitates("an action camera's 4K")
        .pictures(12)
        .length(0.4)
        .whole(reel(30.0, 12).size(3840, 2160)),
        kind(Shapes, "size-changes", "size-changes.ts", |films, out| {
            let halves = [("a", "trim=end_frame=45"), ("b", "trim=start_frame=45,scale=160:90")];
            let parts = halves.map(|(name, filters)| {
                films.file(&format!("half-{name}.ts"), |out| {
                    films.encode(
                        PLAIN,
                        &joined(filters),
                        &[H264, BT709, &["-an", "-muxdelay", "0", "-f", "mpegts"]],
                        out,
                    );
                })
            });
            with_sound(films, &format!("concat:{}|{}", text(&parts[0]), text(&parts[1])), out);
        })
        .imitates("a stream whose picture becomes smaller in the middle")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about())
        .core(),
        kind(Shapes, "size-changes-webm", "size-changes.webm", |films, out| {
            let vp8: &[&str] =
                &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-8", "-b:v", "1M", "-an"];
            let halves =
                [("c", "trim=end_frame=45"), ("d", "trim=start_frame=45,setpts=PTS-STARTPTS,scale=160:90")];
            let parts = halves.map(|(name, filters)| {
                films.file(&format!("half-{name}.webm"), |out| {
                    films.encode(PLAIN, &joined(filters), &[vp8], out);
                })
            });
            let list = films.file("halves.txt", |path| {
                let lines = parts.iter().map(|part| format!("file '{}'\n", text(part)));
                std::fs::write(path, lines.collect::<String>()).expect("written");
            });
            let mut ffmpeg = ffmpeg();
            ffmpeg.args(["-f", "concat", "-safe", "0", "-i", &text(&list), "-i", &text(&films.plain())]);
            run(ffmpeg.args(["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "libopus"]).arg(out));
        })
        .imitates("a call that is recorded while the network becomes slow")
        .whole(reel(30.0, 90).about().corners(None))
        .trimmed(reel(30.0, 45).about().corners(None)),
    ]
}

fn with_sound(films: &FilmFolder, picture: &str, out: &Path) {
    let mut ffmpeg = ffmpeg();
    ffmpeg.args(["-i", picture, "-i", &text(&films.plain()), "-map", "0:v", "-map", "1:a", "-c", "copy"]);
    run(ffmpeg.arg(out));
}

/// Fifty fields a second, the upper first; each frame's upper field has an even number.
fn fields(films: &FilmFolder, codec: &[&[&str]], out: &Path) {
    let filters = format!("{TO_BT709},tinterlace=interleave_top,setfield=tff");
    films.encode(Master::new(50, 3000), &filters, codec, out);
}

const DEINTERLACED: &str = "bwdif=mode=send_frame";

fn interlaced() -> Vec<Kind> {
    vec![
        kind(Shapes, "interlaced", "interlaced.mp4", |films, out| {
            fields(films, &[H264, BT709, &["-flags", "+ilme+ildct", "-x264-params", "tff=1"], AAC], out);
        })
        .imitates("a camcorder's fields, 25 frames a second")
        .has(&["field_order=\"tt\""])
        .pictures(75)
        .read_with(DEINTERLACED)
        .whole(reel(25.0, 75).uneven(2))
        .trimmed(reel(25.0, 38).about().uneven(2)),
        kind(Shapes, "avchd", "avchd.mts", |films, out| {
            let rest: &[&str] = &["-c:a", "ac3", "-mpegts_m2ts_mode", "1", "-f", "mpegts"];
            fields(films, &[H264, BT709, &["-flags", "+ilme+ildct", "-x264-params", "tff=1"], rest], out);
        })
        .imitates("AVCHD of a camcorder: fields, AC-3, packets of 192 bytes")
        .pictures(75)
        .read_with(DEINTERLACED)
        .clock(Clock::Own)
        .whole(reel(25.0, 75).about().uneven(2)),
    ]
}
