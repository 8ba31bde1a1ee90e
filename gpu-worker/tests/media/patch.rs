//! Changes to the bytes of films that ffmpeg cannot write itself: lying headers, renamed codecs, wrong stamps.

use std::ops::Range;
use std::path::Path;

/// Writes `from` with a change to `out`.
pub fn patched(from: &Path, out: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(from).expect("a film");
    change(&mut bytes);
    std::fs::write(out, bytes).expect("written");
}

/// The boxes of an MP4 within a range: names and whole ranges.
fn boxes(bytes: &[u8], within: Range<usize>) -> Vec<([u8; 4], Range<usize>)> {
    let mut found = Vec::new();
    let mut at = within.start;
    while at + 8 <= within.end {
        let length = u32_at(bytes, at) as usize;
        let end = if length == 0 { within.end } else { at + length };
        assert!(length != 1 && end > at && end <= within.end, "a plain box at {at}");
        found.push((bytes[at + 4..at + 8].try_into().expect("four bytes"), at..end));
        at = end;
    }
    found
}

/// The first box on this path, as in `["moov", "mvhd"]`.
pub fn mp4_box(bytes: &[u8], path: &[&str]) -> Range<usize> {
    descend(bytes, 0..bytes.len(), path)
}

/// A box of a track, the first track being 0.
pub fn track_box(bytes: &[u8], track: usize, path: &[&str]) -> Range<usize> {
    let moov = mp4_box(bytes, &["moov"]);
    let mut tracks = boxes(bytes, moov.start + 8..moov.end).into_iter().filter(|(name, _)| name == b"trak");
    let (_, trak) = tracks.nth(track).expect("a track");
    descend(bytes, trak.start + 8..trak.end, path)
}

fn descend(bytes: &[u8], mut within: Range<usize>, path: &[&str]) -> Range<usize> {
    for (depth, name) in path.iter().enumerate() {
        let inner = boxes(bytes, within);
        let found = inner.into_iter().find(|(own, _)| own == name.as_bytes());
        let (_, range) = found.unwrap_or_else(|| panic!("no box {name}"));
        if depth + 1 == path.len() {
            return range;
        }
        within = range.start + 8..range.end;
    }
    within
}

/// What `mdhd` says of a track's length, in ticks of the track.
pub fn set_media_length(bytes: &mut [u8], track: usize, ticks: u32) {
    let mdhd = track_box(bytes, track, &["mdia", "mdhd"]);
    set_u32(bytes, mdhd.start + 24, ticks);
}

/// What `mvhd` says of the film's length, in milliseconds as ffmpeg writes them.
pub fn set_movie_length(bytes: &mut [u8], ticks: u32) {
    let mvhd = mp4_box(bytes, &["moov", "mvhd"]);
    set_u32(bytes, mvhd.start + 24, ticks);
}

/// Gives a track's sample description another name, and the box with its settings too.
pub fn rename_codec(bytes: &mut [u8], track: usize, renames: &[(&str, &str)]) {
    let stsd = track_box(bytes, track, &["mdia", "minf", "stbl", "stsd"]);
    for (from, to) in renames {
        replace_first(&mut bytes[stsd.clone()], from, to);
    }
}

/// Gives a track another handler, as in `text` for `meta`.
pub fn set_handler(bytes: &mut [u8], track: usize, handler: &str) {
    let hdlr = track_box(bytes, track, &["mdia", "hdlr"]);
    bytes[hdlr.start + 16..hdlr.start + 20].copy_from_slice(handler.as_bytes());
}

pub fn replace_first(bytes: &mut [u8], from: &str, to: &str) {
    assert_eq!(from.len(), to.len(), "nothing may move");
    let at = bytes.windows(from.len()).position(|part| part == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("no {from}"));
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
}

/// Changes the stamp, in milliseconds, of each picture of an FLV after its header; `number` counts from 0.
pub fn restamp_flv(bytes: &mut [u8], change: impl Fn(usize, u32) -> u32) {
    const VIDEO: u8 = 9;
    let (mut at, mut number) = (13, 0);
    while at + 11 <= bytes.len() {
        let size = u32_at(bytes, at) as usize & 0x00ff_ffff;
        // Frame type and codec, then 1 for a picture of H.264.
        if bytes[at] == VIDEO && bytes[at + 12] == 1 {
            let stamp = (u32_at(bytes, at + 4) >> 8) | u32::from(bytes[at + 7]) << 24;
            let stamp = change(number, stamp).to_be_bytes();
            bytes[at + 4..at + 7].copy_from_slice(&stamp[1..]);
            bytes[at + 7] = stamp[0];
            number += 1;
        }
        at += 11 + size + 4;
    }
    assert!(number > 0, "an FLV with pictures");
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn set_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}
