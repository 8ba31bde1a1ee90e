//! The stamps of one track, and what of them is kept.

/// When one picture is decoded and shown. Sixteen bytes, since a long film has millions.
#[allow(clippy::struct_field_names, reason = "their unit")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// File time at which it is shown.
    pub shown_us: i64,
    /// How much earlier it is decoded.
    pub reordered_us: i32,
    /// How long it is shown, as its packet says; 0 when it says nothing.
    pub duration_us: u32,
}

/// A stamp that lies so far from the time of decoding is no time: nothing reorders by ten seconds.
const MAX_REORDER_US: i64 = 10_000_000;

impl Stamp {
    /// From what a packet says; `None` when it says no time at all.
    pub fn new(shown_us: Option<i64>, decoded_us: Option<i64>, duration_us: Option<i64>) -> Option<Self> {
        let shown = shown_us.or(decoded_us)?;
        let decoded = decoded_us.unwrap_or(shown);
        let is_time = (shown - decoded).abs() <= MAX_REORDER_US;
        Some(Self {
            shown_us: if is_time { shown } else { decoded },
            reordered_us: if is_time { i32::try_from(shown - decoded).unwrap_or(0) } else { 0 },
            duration_us: duration_us.and_then(|us| u32::try_from(us).ok()).unwrap_or(0),
        })
    }

    /// File time at which it is decoded: the time that only grows in a sound file.
    pub fn decoded_us(&self) -> i64 {
        self.shown_us - i64::from(self.reordered_us)
    }
}

/// Where a track begins and ends, in file time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When the first packet that counts is shown or heard.
    pub start_us: i64,
    /// When the last one ends.
    pub end_us: i64,
}

impl Span {
    /// Takes in a packet.
    pub fn extend(known: &mut Option<Self>, stamp: &Stamp) {
        let end_us = stamp.shown_us + i64::from(stamp.duration_us);
        match known {
            Some(known) => {
                known.start_us = known.start_us.min(stamp.shown_us);
                known.end_us = known.end_us.max(end_us);
            }
            None => *known = Some(Self { start_us: stamp.shown_us, end_us }),
        }
    }
}
