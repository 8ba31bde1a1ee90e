//! The sample table of one track: which bytes of the file are shown when.
//!
//! Invariant: a table that is not complete is `None`, never a guess; memory does not grow with the number of
//! samples.

use std::ops::Range;

use super::boxes::{descendant, entries, u32_at, u64_at};

/// The table of a track, as it lies in the file's index.
#[derive(Debug)]
pub(super) struct SampleTable<'b> {
    /// Numbers of samples and their length in ticks.
    lengths: Vec<(u32, u32)>,
    /// Numbers of samples from which decoding can start, from 1; `None` for all.
    keyframes: Option<&'b [u8]>,
    sizes: Sizes<'b>,
    samples: u64,
    /// First chunk, from 1, and how many samples it and those after it have.
    chunk_runs: Vec<(u32, u32)>,
    chunk_offsets: Offsets<'b>,
    /// How far a picture is shown from the time at which it is decoded, at the most.
    pub reorder_ticks: u64,
}

#[derive(Debug)]
enum Sizes<'b> {
    Equal(u32),
    Each(&'b [u8]),
}

#[derive(Debug)]
enum Offsets<'b> {
    Short(&'b [u8]),
    Long(&'b [u8]),
}

impl<'b> SampleTable<'b> {
    /// Reads the box `stbl`.
    pub(super) fn parse(stbl: &'b [u8]) -> Option<Self> {
        let table = |name: &[u8; 4]| descendant(stbl, &[name]);
        let pair = |row: &[u8]| Some((u32_at(row, 0)?, u32_at(row, 4)?));
        let size_table = table(b"stsz")?;
        let (size, count) = (u32_at(size_table, 4)?, u32_at(size_table, 8)?);
        let sizes = match size {
            0 => Sizes::Each(size_table.get(12..)?.get(..usize::try_from(count).ok()?.checked_mul(4)?)?),
            size => Sizes::Equal(size),
        };
        let reorder_ticks = match table(b"ctts") {
            // Signed in practice, whatever the version says.
            Some(offsets) => entries(offsets, 8)?
                .filter_map(|row| u32_at(row, 4))
                .map(|ticks| ticks.cast_signed().unsigned_abs())
                .max(),
            None => None,
        };
        let chunk_offsets = match (table(b"stco"), table(b"co64")) {
            (Some(short), _) => Offsets::Short(rows(short, 4)?),
            (None, long) => Offsets::Long(rows(long?, 8)?),
        };
        Some(Self {
            lengths: entries(table(b"stts")?, 8)?.map(pair).collect::<Option<_>>()?,
            keyframes: match table(b"stss") {
                Some(keyframes) => Some(rows(keyframes, 4)?),
                None => None,
            },
            sizes,
            samples: count.into(),
            chunk_runs: entries(table(b"stsc")?, 12)?.map(pair).collect::<Option<_>>()?,
            chunk_offsets,
            reorder_ticks: reorder_ticks.unwrap_or(0).into(),
        })
    }

    /// The last sample that is decoded at this time or before, from 0; the first when there is none.
    pub(super) fn sample_at(&self, ticks: u64) -> u64 {
        let (mut sample, mut time) = (0_u64, 0_u64);
        for (count, length) in &self.lengths {
            let (count, length) = (u64::from(*count), u64::from(*length));
            let run = count.saturating_mul(length);
            if ticks < time.saturating_add(run) {
                // The run has a length above 0 here.
                sample = sample.saturating_add((ticks - time) / length.max(1));
                break;
            }
            (sample, time) = (sample.saturating_add(count), time.saturating_add(run));
        }
        sample.min(self.samples.saturating_sub(1))
    }

    /// When a sample is decoded.
    pub(super) fn ticks_of(&self, sample: u64) -> u64 {
        let (mut first, mut time) = (0_u64, 0_u64);
        for (count, length) in &self.lengths {
            let before = sample.saturating_sub(first).min(u64::from(*count));
            time = time.saturating_add(before.saturating_mul(u64::from(*length)));
            first = first.saturating_add(u64::from(*count));
        }
        time
    }

    /// The last sample up to this one from which decoding can start.
    pub(super) fn keyframe_before(&self, sample: u64) -> u64 {
        let Some(keyframes) = self.keyframes else { return sample };
        let numbers = keyframes.chunks_exact(4).filter_map(|row| u32_at(row, 0));
        let samples = numbers.map(|number| u64::from(number).saturating_sub(1));
        samples.filter(|keyframe| *keyframe <= sample).max().unwrap_or(0)
    }

    /// Where in the file these samples lie; `None` when the table does not say it for all of them.
    pub(super) fn byte_ranges(&self, samples: Range<u64>) -> Option<Vec<Range<u64>>> {
        let mut ranges = Vec::new();
        let mut first = 0_u64;
        let mut runs = self.chunk_runs.iter().peekable();
        let mut per_chunk = 0;
        for number in 1..=self.chunk_offsets.count() {
            while let Some((_, samples)) = runs.next_if(|(chunk, _)| u64::from(*chunk) <= number) {
                per_chunk = u64::from(*samples);
            }
            let end = first.checked_add(per_chunk)?.min(self.samples);
            let wanted = samples.start.max(first)..samples.end.min(end);
            if !wanted.is_empty() {
                let before = self.bytes(first..wanted.start)?;
                let start = self.chunk_offsets.get(number - 1)?.checked_add(before)?;
                ranges.push(start..start.checked_add(self.bytes(wanted)?)?);
            }
            first = end;
            if first >= samples.end {
                break;
            }
        }
        (first >= samples.end.min(self.samples)).then_some(ranges)
    }

    fn bytes(&self, samples: Range<u64>) -> Option<u64> {
        match self.sizes {
            Sizes::Equal(size) => (samples.end - samples.start).checked_mul(size.into()),
            Sizes::Each(sizes) => {
                let place = |sample: u64| usize::try_from(sample).ok()?.checked_mul(4);
                let rows = sizes.get(place(samples.start)?..place(samples.end)?)?;
                Some(rows.chunks_exact(4).filter_map(|row| u32_at(row, 0)).map(u64::from).sum())
            }
        }
    }

    pub(super) fn samples(&self) -> u64 {
        self.samples
    }
}

impl Offsets<'_> {
    fn count(&self) -> u64 {
        match self {
            Self::Short(rows) => (rows.len() / 4) as u64,
            Self::Long(rows) => (rows.len() / 8) as u64,
        }
    }

    fn get(&self, chunk: u64) -> Option<u64> {
        let chunk = usize::try_from(chunk).ok()?;
        match self {
            Self::Short(rows) => u32_at(rows, chunk.checked_mul(4)?).map(u64::from),
            Self::Long(rows) => u64_at(rows, chunk.checked_mul(8)?),
        }
    }
}

/// The rows of a table, one after the other.
fn rows(table: &[u8], row_bytes: usize) -> Option<&[u8]> {
    let count = entries(table, row_bytes)?.len();
    table.get(8..)?.get(..count.checked_mul(row_bytes)?)
}
