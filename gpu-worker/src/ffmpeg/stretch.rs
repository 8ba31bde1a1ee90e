//! A part of a file by the file's own clock, and where to start reading for it.

use super::probe::MediaInfo;

/// From a time to another, in seconds of the file's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    pub start_s: f64,
    pub end_s: f64,
    /// Where to seek; `None` to read from the beginning. It only saves time: what is read is cut by its stamps.
    pub seek_s: Option<f64>,
}

impl Stretch {
    /// A part of the film, in seconds from its zero.
    pub fn of_film(media: &MediaInfo, start_s: f64, end_s: f64) -> Self {
        /// For less, seeking saves nothing.
        const LEAST_SAVED_S: f64 = 1.0;
        let seek_s = media.seek_margin_s.map(|margin_s| start_s - margin_s).filter(|s| *s > LEAST_SAVED_S);
        Self {
            start_s: media.clock.file_time_s(start_s),
            end_s: media.clock.file_time_s(end_s),
            seek_s: seek_s.map(|seek_s| media.clock.file_time_s(seek_s)),
        }
    }

    /// The same part, read from the beginning of the file.
    pub fn without_seek(self) -> Self {
        Self { seek_s: None, ..self }
    }
}
