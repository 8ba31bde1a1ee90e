//! The index of an MP4 or MOV film: which bytes a stretch of it needs.
//!
//! Invariant: a film whose index says less than every byte of every stretch has no index here; it is
//! downloaded whole.

use std::ops::Range;

use super::boxes::{children, descendant, entries, u32_at, u64_at};
use super::samples::SampleTable;

/// The tracks of a film.
#[derive(Debug)]
pub(super) struct FilmIndex<'b> {
    tracks: Vec<Track<'b>>,
    /// Where a player's clock starts, on the clock of the tracks.
    zero_s: f64,
}

#[derive(Debug)]
struct Track<'b> {
    is_picture: bool,
    ticks_per_s: f64,
    /// What the edit list adds to the times of the samples.
    shift_s: f64,
    table: SampleTable<'b>,
}

impl<'b> FilmIndex<'b> {
    /// Reads the content of the box `moov`; `None` for fragments, compressed indexes, and edit lists that do
    /// more than move a track.
    pub(super) fn parse(moov: &'b [u8]) -> Option<Self> {
        if descendant(moov, &[b"mvex"]).is_some() {
            return None;
        }
        let movie_ticks_per_s = ticks_per_s(descendant(moov, &[b"mvhd"])?)?;
        let (mut tracks, mut zero_s) = (Vec::new(), f64::INFINITY);
        for (_, trak) in children(moov).filter(|(name, _)| name == b"trak") {
            let kind = descendant(trak, &[b"mdia", b"hdlr"])?.get(8..12)?;
            let ticks_per_s = ticks_per_s(descendant(trak, &[b"mdia", b"mdhd"])?)?;
            let edits = descendant(trak, &[b"edts", b"elst"]);
            let (start_s, media_s) = match edits {
                Some(edits) => edit_list(edits, movie_ticks_per_s, ticks_per_s)?,
                None => (0.0, 0.0),
            };
            let table = SampleTable::parse(descendant(trak, &[b"mdia", b"minf", b"stbl"])?)?;
            let is_picture = kind == b"vide";
            if is_picture || kind == b"soun" {
                zero_s = start_s.min(zero_s);
            }
            tracks.push(Track { is_picture, ticks_per_s, shift_s: start_s - media_s, table });
        }
        let has_picture = tracks.iter().any(|track| track.is_picture && track.table.samples() > 0);
        has_picture.then_some(Self { tracks, zero_s })
    }

    /// The bytes of a stretch, in seconds of a player's clock, from the keyframe before it on. Unordered, and
    /// `None` when the index does not name them all.
    pub(super) fn byte_ranges(&self, stretch_s: Range<f64>) -> Option<Vec<Range<u64>>> {
        let (mut from_s, to_s) = (stretch_s.start + self.zero_s, stretch_s.end + self.zero_s);
        // A demuxer that seeks reads every track from the keyframe's time on.
        let keyframes_s = self.tracks.iter().filter(|track| track.is_picture).map(|track| {
            let table = &track.table;
            track.time_s(table.ticks_of(table.keyframe_before(table.sample_at(track.ticks(from_s)))))
        });
        from_s = keyframes_s.fold(from_s, f64::min);
        let of_track = |track: &Track<'b>| {
            let table = &track.table;
            let reorder = table.reorder_ticks;
            let first = table.sample_at(track.ticks(from_s).saturating_sub(reorder));
            let first = if track.is_picture { table.keyframe_before(first) } else { first };
            let end = table.sample_at(track.ticks(to_s).saturating_add(reorder)).saturating_add(1);
            table.byte_ranges(first..end.min(table.samples()))
        };
        let ranges: Option<Vec<_>> = self.tracks.iter().map(of_track).collect();
        Some(ranges?.into_iter().flatten().collect())
    }

    /// The first byte of any track.
    pub(super) fn first_byte(&self) -> Option<u64> {
        let first = |track: &Track<'b>| Some(track.table.byte_ranges(0..1)?.first()?.start);
        self.tracks.iter().filter_map(first).min()
    }
}

impl Track<'_> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    fn ticks(&self, player_s: f64) -> u64 {
        ((player_s - self.shift_s) * self.ticks_per_s) as u64
    }

    #[allow(clippy::cast_precision_loss, reason = "a film has far fewer than 2^53 ticks")]
    fn time_s(&self, ticks: u64) -> f64 {
        ticks as f64 / self.ticks_per_s + self.shift_s
    }
}

/// The clock of `mvhd` or `mdhd`.
fn ticks_per_s(header: &[u8]) -> Option<f64> {
    let ticks = u32_at(header, if header.first()? == &1 { 20 } else { 12 })?;
    (ticks > 0).then(|| f64::from(ticks))
}

/// When a track starts, and with which moment of its own, both in seconds; `None` when it is cut.
fn edit_list(edits: &[u8], movie_ticks_per_s: f64, ticks_per_s: f64) -> Option<(f64, f64)> {
    let is_long = edits.first()? == &1;
    let (mut start_s, mut media_s) = (0.0, None);
    for row in entries(edits, if is_long { 20 } else { 12 })? {
        let (length, media_time, rate) = if is_long {
            (u64_at(row, 0)?, u64_at(row, 8)?.cast_signed(), u32_at(row, 16)?)
        } else {
            (u64::from(u32_at(row, 0)?), i64::from(u32_at(row, 4)?.cast_signed()), u32_at(row, 8)?)
        };
        if media_s.is_some() || (media_time >= 0 && rate != 1 << 16) {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "a film has far fewer than 2^53 ticks")]
        if media_time < 0 {
            start_s += length as f64 / movie_ticks_per_s;
        } else {
            media_s = Some(media_time as f64 / ticks_per_s);
        }
    }
    Some((start_s, media_s.unwrap_or(0.0)))
}
