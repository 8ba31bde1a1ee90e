//! Fetching only what is shown: the parts of a long film that an edit needs, each at its own place in a file
//! that is otherwise empty.
//!
//! The file has the film's own index and length, so the renderer reads it as if it were all there, with the
//! same clock. Only the index is asked which bytes a stretch needs: ffmpeg sees a local file and no address,
//! and no file can name another.
//!
//! Invariant: what cannot be told from an index for certain is downloaded whole.

mod boxes;
mod index;
mod samples;
mod shown;
#[cfg(test)]
mod tests;

use std::ops::Range;

use reel_core::edit::Edit;

use self::boxes::BoxHeader;
use self::index::FilmIndex;
use super::backend::Backend;
use super::download::InputVideo;
use super::partial_video::PartialVideo;
use super::transfer::TransferError;

/// A film of which parts are fetched.
pub(super) struct Excerpt {
    pub video: PartialVideo,
    /// In the order of the file, not touching each other.
    pub parts: Vec<Range<u64>>,
}

impl Excerpt {
    /// How much is to be fetched.
    pub(super) fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.end - part.start).sum()
    }
}

/// Reads the index of a video and finds the parts that the edit shows; `None` when it is to be downloaded
/// whole: because most of it is shown, it is small, or its index does not tell.
pub(super) async fn plan(
    backend: &impl Backend,
    edit: &Edit,
    input: &InputVideo,
    is_main: bool,
) -> Result<Option<Excerpt>, TransferError> {
    let Some(shown_s) = shown::shown_s(edit, &input.key, is_main) else { return Ok(None) };
    let bytes = match &input.source.version {
        Some(version) => Some(version.bytes),
        None => backend.size(&input.source.url).await,
    };
    let Some(bytes) = bytes.filter(|bytes| *bytes >= LEAST_FILM_BYTES) else { return Ok(None) };
    let mut video = PartialVideo::create(&input.file, bytes).await?;
    match read_index(backend, input, &mut video).await {
        Ok(Some(index)) => {
            // An index that was made to be slow keeps no other task waiting.
            let parts = tokio::task::spawn_blocking(move || {
                FilmIndex::parse(&index).and_then(|index| parts(&index, &shown_s, bytes))
            });
            Ok(parts.await.ok().flatten().map(|parts| Excerpt { video, parts }))
        }
        Ok(None) | Err(TransferError::NoRanges) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The content of the index, wherever it lies in the file; `None` when there is none of a known kind.
async fn read_index(
    backend: &impl Backend,
    input: &InputVideo,
    video: &mut PartialVideo,
) -> Result<Option<Vec<u8>>, TransferError> {
    let mut place = 0_u64;
    for number in 0..MAX_BOXES {
        let peek = place..place.saturating_add(PEEK_BYTES).min(video.bytes());
        if place.saturating_add(BoxHeader::MAX_BYTES) > video.bytes() {
            return Ok(None);
        }
        backend.download_part(&input.source, video, peek, |_| ()).await?;
        let header = BoxHeader::parse(&video.read(place..place + BoxHeader::MAX_BYTES).await?);
        let Some(BoxHeader { name, header_bytes, bytes: Some(length) }) = header else { return Ok(None) };
        let end = place.saturating_add(length);
        match &name {
            b"moov" if length <= MAX_INDEX_BYTES && end <= video.bytes() => {
                backend.download_part(&input.source, video, place..end, |_| ()).await?;
                return video.read(place + header_bytes..end).await.map(Some).map_err(TransferError::from);
            }
            b"mdat" | b"free" | b"skip" | b"wide" | b"uuid" | b"pdin" if number > 0 => place = end,
            b"ftyp" | b"wide" | b"free" | b"skip" | b"mdat" => place = end,
            // Fragments, another container, or nothing that is known.
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// The parts of the file that these stretches need; `None` when they are more than half of it.
fn parts(index: &FilmIndex<'_>, shown_s: &[Range<f64>], bytes: u64) -> Option<Vec<Range<u64>>> {
    let first = index.first_byte()?;
    // What ffmpeg reads of any film, to learn what is in it.
    let mut ranges = vec![0..PEEK_BYTES, first..first.saturating_add(PROBED_BYTES)];
    ranges.extend(index.byte_ranges(0.0..PROBED_S)?);
    for stretch in shown_s {
        ranges.extend(index.byte_ranges(stretch.start - MARGIN_S..stretch.end + MARGIN_S)?);
    }
    let ranges = merged(ranges, bytes);
    let needed: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    (needed <= bytes / 2).then_some(ranges)
}

/// The same bytes in order; gaps that cost less than a request are closed.
fn merged(mut ranges: Vec<Range<u64>>, bytes: u64) -> Vec<Range<u64>> {
    ranges.retain(|range| range.start < range.end && range.start < bytes);
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        let end = range.end.min(bytes);
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(CLOSED_GAP_BYTES) => {
                last.end = last.end.max(end);
            }
            _ => merged.push(range.start..end),
        }
    }
    merged
}

/// For less, one download is as fast as several requests.
const LEAST_FILM_BYTES: u64 = 64 << 20;
/// Files that a camera or a program writes have five boxes or fewer.
const MAX_BOXES: usize = 32;
/// An index of a film of three hours has about 10 MB.
const MAX_INDEX_BYTES: u64 = 24 << 20;
const PEEK_BYTES: u64 = 64 << 10;
/// ffmpeg looks at 5,000,000 bytes at the most.
const PROBED_BYTES: u64 = 5 << 20;
const PROBED_S: f64 = 3.0;
/// Before and after what is shown: what a decoder needs around it, and times that are rounded.
const MARGIN_S: f64 = 3.0;
const CLOSED_GAP_BYTES: u64 = 512 << 10;
