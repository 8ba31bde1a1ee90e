//! The clock of a source: when its pictures are shown, decided from the stamps of its packets.
//!
//! Film time starts at zero where a player's does: at the earliest start of the chosen picture and sound.
//! Sound that starts less than a frame before the first picture starts with it, since encoders of sound put
//! such a lead-in before their first sample, and the first picture would otherwise be shown twice.
//! File time is what the file's stamps say. Invariant: nothing here believes a header, and the order of
//! pictures is never lost. Pure: no I/O and no processes.

pub mod jumps;
mod nominal_rate;
pub mod stamps;

use std::sync::Arc;

use self::stamps::{Span, Stamp};
use super::frame_rate::FrameRate;

/// When the pictures of a source are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceClock {
    /// File time at film time zero.
    pub zero_us: i64,
    /// The rate that the source keeps where it loses no frame.
    pub rate: FrameRate,
    /// Film time of the end: of the last picture, or of sound that goes on after it.
    pub end_us: i64,
    /// Film times of all pictures, in ascending order.
    pictures_us: Arc<[i64]>,
}

/// Sound that ends later than the picture by less than this is cut: frames of sound do not end where frames
/// of the picture do. Where it goes on for longer, the last picture stands, as in a player.
const MAX_SOUND_TAIL_US: i64 = 100_000;
/// How long the last picture may stand when nothing but its own duration says so.
const MAX_LAST_PICTURE_US: i64 = 10_000_000;
/// Positions that differ from a whole frame by less than this are that frame.
const SAME_FRAME: f64 = 1e-3;

impl SourceClock {
    /// Decides from the stamps of the chosen picture and sound; `None` without a picture. `fallback_rate` is
    /// for a film of a single picture, which has no rate.
    pub fn new(pictures: &[Stamp], sound: Option<&Span>, fallback_rate: FrameRate) -> Option<Self> {
        let last = pictures.iter().max_by_key(|stamp| stamp.shown_us)?;
        let mut pictures_us: Vec<i64> = pictures.iter().map(|stamp| stamp.shown_us).collect();
        pictures_us.sort_unstable();
        let first_us = *pictures_us.first()?;
        let rate = nominal_rate::of(&pictures_us).unwrap_or(fallback_rate);
        let waits = |sound: &&Span| seconds(first_us - sound.start_us) * rate.fps() >= 1.0;
        let zero_us = sound.filter(waits).map_or(first_us, |sound| sound.start_us);
        for picture in &mut pictures_us {
            *picture -= zero_us;
        }
        let sound_end_us = sound.map(|sound| sound.end_us);
        let picture_end_us = last.shown_us + last_duration_us(last, sound_end_us, rate);
        let end_us = match sound_end_us {
            Some(sound_end) if sound_end > picture_end_us + MAX_SOUND_TAIL_US => sound_end,
            _ => picture_end_us,
        } - zero_us;
        Some(Self { zero_us, rate, end_us, pictures_us: pictures_us.into() })
    }

    /// The clock of a stream without any times: every picture for as long; `None` without a picture.
    pub fn counted(pictures: u64, rate: FrameRate) -> Option<Self> {
        let pictures_us = (0..pictures).map(|picture| round_us(rate.duration_s(picture))).collect();
        let end_us = round_us(rate.duration_s(pictures));
        (pictures > 0).then_some(Self { zero_us: 0, rate, end_us, pictures_us })
    }

    /// Seconds from zero to the end.
    pub fn length_s(&self) -> f64 {
        seconds(self.end_us)
    }

    /// File time in seconds of a film time.
    pub fn file_time_s(&self, film_s: f64) -> f64 {
        seconds(self.zero_us) + film_s
    }

    /// How many pictures begin in this part of the film.
    pub fn pictures_between(&self, start_s: f64, end_s: f64) -> usize {
        let before = |time_s: f64| self.pictures_us.partition_point(|time| *time < round_us(time_s));
        before(end_s).saturating_sub(before(start_s))
    }

    /// Film times of the picture that is `margin` pictures before the one shown at the start of a part, and of
    /// the one as far after its end; of the outermost ones where there are not so many.
    pub fn around(&self, start_s: f64, end_s: f64, margin: usize) -> (f64, f64) {
        let until = |time_s: f64| self.pictures_us.partition_point(|time| *time <= round_us(time_s));
        let last = self.pictures_us.len().saturating_sub(1);
        let at = |index: usize| seconds(self.pictures_us.get(index.min(last)).copied().unwrap_or(0));
        (at(until(start_s).saturating_sub(1 + margin)), at(until(end_s) + margin))
    }

    /// Film time of the first picture, in seconds.
    pub fn first_picture_s(&self) -> f64 {
        seconds(self.pictures_us.first().copied().unwrap_or(0))
    }

    /// The length of the film in whole frames of the nominal rate, in seconds: the pictures may lie off the
    /// grid that starts at zero, and then the film ends as far off it.
    pub fn even_length_s(&self) -> f64 {
        let frames = seconds(self.end_us) * self.rate.fps();
        let offset = self.phase(0.0, self.length_s()).filter(|_| self.is_whole(frames));
        self.rate.time_s(frames - offset.unwrap_or(0.0))
    }

    /// How much earlier than its stamp a picture may be shown, in seconds, in a part of the film that is
    /// sampled every `step_s` from `start_s` on.
    ///
    /// Where the samples lie on the source's own grid, the limit lies halfway between two pictures, so that
    /// neither jitter nor rounding loses or doubles one; a picture is then shown at most half a frame off
    /// its time. Elsewhere it only makes up for rounding.
    pub fn lead_s(&self, start_s: f64, end_s: f64, step_s: f64) -> f64 {
        let fps = self.rate.fps();
        let step = step_s * fps;
        let is_on_grid = step.round() >= 1.0 && (step - step.round()).abs() < 1e-6;
        match self.phase(start_s, end_s) {
            // Above 0 and at most 1 frame, so that a film from its start loses no end.
            Some(phase) if is_on_grid => (1.0 - (start_s * fps - phase - 0.5).rem_euclid(1.0)) / fps,
            None if is_on_grid => 0.5 / fps,
            _ => (0.1 / fps).min(0.4 * step_s),
        }
    }

    /// How far the pictures lie from the grid of the nominal rate, in frames; `None` when they lie on none.
    pub fn grid_offset_frames(&self) -> Option<f64> {
        self.phase(0.0, self.length_s())
    }

    /// How far the pictures of a part lie from the grid of the nominal rate that starts at zero: from -0.5 to
    /// 0.5 frames; `None` when they lie on no such grid.
    fn phase(&self, start_s: f64, end_s: f64) -> Option<f64> {
        /// Enough to tell, and before a rate that is a little off has moved the grid.
        const MOST_PICTURES: usize = 600;
        /// Length of the mean of unit vectors: 1 for a perfect grid, near 0 for none.
        const LEAST_AGREEMENT: f64 = 0.6;
        let first = self.pictures_us.partition_point(|time| *time < round_us(start_s));
        let used = self.pictures_us.iter().skip(first).take(MOST_PICTURES);
        let used = used.take_while(|time| seconds(**time) < end_s);
        let (mut sin, mut cos, mut count) = (0.0, 0.0, 0.0);
        for time in used {
            let angle = std::f64::consts::TAU * (seconds(*time) * self.rate.fps()).rem_euclid(1.0);
            sin += angle.sin();
            cos += angle.cos();
            count += 1.0;
        }
        let agrees = count > 0.0 && (sin * sin + cos * cos).sqrt() >= LEAST_AGREEMENT * count;
        let phase = sin.atan2(cos) / std::f64::consts::TAU;
        // Half a frame early is half a frame late.
        agrees.then_some(if phase < 1e-6 - 0.5 { 0.5 } else { phase })
    }

    /// The pictures end on their own grid, so that the film has a whole number of frames.
    fn is_whole(&self, frames: f64) -> bool {
        let Some(phase) = self.phase(0.0, self.length_s()) else { return false };
        let off = frames - phase;
        (off - off.round()).abs() < 0.25
    }
}

/// How long the last picture is shown. Its packet says so, but muxers that do not know it write anything;
/// more than two frames are believed while the sound goes on, or for a short time in a silent film.
fn last_duration_us(last: &Stamp, sound_end_us: Option<i64>, rate: FrameRate) -> i64 {
    let frame_us = round_us(rate.time_s(1.0));
    let said_us = i64::from(last.duration_us);
    if said_us < frame_us / 2 {
        return frame_us;
    }
    if said_us <= 2 * frame_us {
        return said_us;
    }
    let believable_us = match sound_end_us {
        Some(sound_end) => sound_end - last.shown_us,
        None => MAX_LAST_PICTURE_US,
    };
    said_us.min(believable_us).max(frame_us)
}

/// The frame of the nominal rate at a position that is a little off by rounding.
pub fn snapped(position: f64) -> f64 {
    let whole = position.round();
    if (position - whole).abs() < SAME_FRAME { whole } else { position }
}

/// Seconds of a time in microseconds.
pub fn seconds(time_us: i64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a day has 2^37 microseconds")]
    {
        time_us as f64 / 1e6
    }
}

/// Microseconds of a time in seconds.
pub fn round_us(time_s: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation, reason = "rounded; `as` saturates")]
    {
        (time_s * 1e6).round() as i64
    }
}

#[cfg(test)]
mod tests;
