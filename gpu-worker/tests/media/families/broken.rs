//! Files that broke on the way, are no films at all, or mean harm.

use std::path::Path;

use crate::film_folder::{FilmFolder, LONG, PLAIN, copy, ffmpeg};
use crate::kind::Family::Broken;
use crate::kind::{Clock, Kind, kind, reel};
use crate::measure::run;
use crate::patch::{mp4_box, patched, track_box};

fn written(out: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::write(out, bytes).expect("written");
}

pub fn kinds() -> Vec<Kind> {
    let mut kinds = damaged();
    kinds.extend(no_films());
    kinds.extend(harmful());
    kinds
}

fn with_index_first(films: &FilmFolder) -> std::path::PathBuf {
    films.file("index-first.mp4", |out| films.h264(LONG, "", &["-movflags", "+faststart"], out))
}

fn half(from: &Path, out: &Path) {
    patched(from, out, |bytes| bytes.truncate(bytes.len() / 2));
}

fn damaged() -> Vec<Kind> {
    vec![
        kind(Broken, "bit-errors", "bit-errors.mp4", |films, out| {
            let whole = films.file("faststart.mp4", |out| {
                films.h264(PLAIN, "", &["-movflags", "+faststart", "-g", "15"], out);
            });
            patched(&whole, out, |bytes| {
                let middle = bytes.len() / 2;
                bytes.iter_mut().skip(middle).step_by(9).take(50).for_each(|byte| *byte ^= 0x3c);
            });
        })
        .imitates("a bad memory card: fifty bytes are wrong in the middle")
        .clock(Clock::Of("plain.mp4"))
        .uncounted()
        .whole(reel(30.0, 90).within(3, 0.1).uneven(20).damaged(20))
        .core(),
        kind(Broken, "truncated", "truncated.mp4", |films, out| half(&with_index_first(films), out))
            .imitates("an upload that broke off, with its index in front")
            .refused(&["truncated", "upload it again"])
            .core(),
        kind(Broken, "truncated-ts", "truncated.ts", |films, out| {
            let ts = films.file("whole.ts", |out| copy(&films.plain(), &[], out));
            // Not within a beep.
            patched(&ts, out, |bytes| bytes.truncate(bytes.len() * 3 / 5));
        })
        .imitates("a transport stream that breaks off: nothing says that there was more")
        .clock(Clock::OwnPictures)
        .uncounted()
        .length(1.667)
        .whole(reel(30.0, 50).within(3, 0.1)),
        kind(Broken, "no-index", "no-index.mp4", |films, out| half(&films.plain_long(), out))
            .imitates("a camera whose battery died: the index was never written")
            .refused(&["incomplete", "index"])
            .core(),
        kind(Broken, "empty-index", "empty-index.mp4", |films, out| {
            patched(&films.plain(), out, |bytes| {
                for track in [0, 1] {
                    let stsz = track_box(bytes, track, &["mdia", "minf", "stbl", "stsz"]);
                    bytes[stsz.start + 16..stsz.start + 20].fill(0);
                }
            });
        })
        .imitates("an index that lists no frame")
        .refused(&[])
        .core(),
        kind(Broken, "zeroed-middle", "zeroed.mkv", |films, out| {
            let mkv = films.file("whole.mkv", |out| films.h264(LONG, "", &["-g", "15"], out));
            patched(&mkv, out, |bytes| {
                // Not within a flash.
                let (start, end) = (bytes.len() * 45 / 100, bytes.len() * 47 / 100);
                bytes[start..end].fill(0);
            });
        })
        .imitates("a disk that lost a fiftieth of a film: what follows is in time again")
        .clock(Clock::Of("plain-long.mp4"))
        .uncounted()
        .length(8.0)
        .whole(reel(30.0, 240).within(2, 0.1).uneven(40).damaged(40)),
    ]
}

fn no_films() -> Vec<Kind> {
    vec![
        kind(Broken, "empty", "empty.mp4", |_, out| written(out, b""))
            .imitates("an empty file")
            .refused(&["empty"])
            .core(),
        kind(Broken, "text", "text.mp4", |_, out| {
            written(out, "These are the notes of a match.\n".repeat(50));
        })
        .imitates("a text that is called a film")
        .refused(&["not a video"])
        .core(),
        kind(Broken, "web-page", "web-page.mp4", |_, out| {
            written(out, "<!doctype html><title>Sign in</title><p>Your session has expired.");
        })
        .imitates("a saved sign-in page that is called a film")
        .refused(&["not a video"]),
        kind(Broken, "archive", "archive.mp4", |_, out| {
            written(out, [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &[0x5a; 400]].concat());
        })
        .imitates("an archive that is called a film")
        .refused(&["not a video"]),
        kind(Broken, "photo", "photo.mp4", |_, out| {
            let mut ffmpeg = ffmpeg();
            ffmpeg.args([
                "-f",
                "lavfi",
                "-i",
                "testsrc2=s=640x480",
                "-frames:v",
                "1",
                "-c:v",
                "mjpeg",
                "-pix_fmt",
                "yuvj420p",
            ]);
            run(ffmpeg.args(["-f", "image2pipe"]).arg(out));
        })
        .imitates("a photo")
        .refused(&["not a video"]),
        kind(Broken, "noise", "noise.mp4", |_, out| {
            let mut state = 7_u32;
            let noise = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            });
            written(out, noise.take(200_000).collect::<Vec<u8>>());
        })
        .imitates("random bytes")
        .refused(&["not a video"]),
        kind(Broken, "sound-only", "sound-only.m4a", |films, out| copy(&films.plain(), &["-vn"], out))
            .imitates("a voice memo")
            .refused(&["no video"])
            .core(),
        kind(Broken, "encrypted", "encrypted.mp4", |films, out| {
            let keys = [
                "-encryption_scheme",
                "cenc-aes-ctr",
                "-encryption_key",
                "00112233445566778899aabbccddeeff",
                "-encryption_kid",
                "ffeeddccbbaa99887766554433221100",
            ];
            copy(&films.plain(), &keys, out);
        })
        .imitates("a film from a shop: common encryption")
        .refused(&["encrypted"])
        .core(),
    ]
}

fn harmful() -> Vec<Kind> {
    vec![
        kind(Broken, "playlist", "playlist.mp4", |films, out| {
            let other = films.plain();
            written(out, format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{}\n#EXT-X-ENDLIST\n", other.display()));
        })
        .imitates("a playlist that names another file of the machine")
        .refused(&["not a video"])
        .core(),
        kind(Broken, "concat-script", "script.mp4", |films, out| {
            written(out, format!("ffconcat version 1.0\nfile '{}'\n", films.plain().display()));
        })
        .imitates("a script of ffmpeg's that names another file")
        .refused(&["not a video"]),
        kind(Broken, "manifest", "manifest.mp4", |_, out| {
            written(out, "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><Period><BaseURL>http://127.0.0.1:9/</BaseURL></Period></MPD>");
        })
        .imitates("a manifest that names an address")
        .refused(&["not a video"]),
        kind(Broken, "growing-pictures", "growing.mkv", growing_pictures)
            .imitates("a small file whose pictures become 16000x16000")
            .refused(&[])
            .core(),
        kind(Broken, "huge-sides", "huge-sides.mp4", |films, out| {
            patched(&films.plain(), out, |bytes| {
                let stsd = track_box(bytes, 0, &["mdia", "minf", "stbl", "stsd"]);
                let sides = stsd.start + 16 + 32;
                bytes[sides..sides + 4].copy_from_slice(&[0xff, 0xf0, 0xff, 0xf0]);
                let avc = bytes[stsd.clone()].windows(4).position(|name| name == b"avcC").expect("settings");
                bytes[stsd.start + avc..stsd.start + avc + 4].copy_from_slice(b"free");
            });
        })
        .imitates("a header that says 65520x65520")
        .refused(&[]),
        kind(Broken, "many-samples", "many-samples.mp4", |films, out| {
            patched(&films.plain(), out, |bytes| {
                let stts = track_box(bytes, 0, &["mdia", "minf", "stbl", "stts"]);
                bytes[stts.start + 16..stts.start + 20].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
            });
        })
        .imitates("an index that says two thousand million frames where there are 90")
        .clock(Clock::Of("plain.mp4"))
        .whole(reel(30.0, 90)),
        kind(Broken, "box-of-length-1", "endless-box.mp4", |films, out| {
            patched(&films.plain(), out, |bytes| {
                let moov = mp4_box(bytes, &["moov"]);
                bytes[moov.start..moov.start + 4].copy_from_slice(&u32::MAX.to_be_bytes());
            });
        })
        .imitates("an index that claims four gigabytes")
        .clock(Clock::Of("plain.mp4"))
        .whole(reel(30.0, 90)),
    ]
}

/// PNG pictures of one bit each: the large one is 32 MB of zeros, and packs into some kilobytes.
fn growing_pictures(films: &FilmFolder, out: &Path) {
    let png = |side: &str| {
        let file = films.file(&format!("png-{side}.png"), |path| {
            let source = format!("color=black:s={side}x{side}:d=0.04,format=monob");
            let mut ffmpeg = ffmpeg();
            run(ffmpeg.args(["-f", "lavfi", "-i", &source, "-frames:v", "1", "-c:v", "png"]).arg(path));
        });
        std::fs::read(file).expect("a picture")
    };
    let mut pictures = png("64").repeat(5);
    pictures.extend(png("16000"));
    let chain = films.file("growing.pngs", |path| written(path, &pictures));
    let mut ffmpeg = ffmpeg();
    run(ffmpeg.args(["-f", "png_pipe", "-framerate", "30", "-i"]).arg(chain).args(["-c", "copy"]).arg(out));
}
