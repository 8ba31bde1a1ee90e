//! Jumps of a file's clock: where it begins anew or leaves out a time that nobody recorded.
//!
//! Invariant: picture and sound that jump together are moved together, so they stay in sync.

use super::stamps::{Span, Stamp};

/// Where the stamps of one track do not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// The first packet after it, counted from 0 within its track.
    pub packet: u64,
    /// Where the track would go on.
    pub expected_us: i64,
    /// Where it goes on.
    pub found_us: i64,
}

/// Moves the packets of one track from one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// The first packet that is moved, counted from 0 within its track.
    pub packet: u64,
    /// By how much, in addition to the shifts before it.
    pub by_us: i64,
}

/// What moves each track so that its clock goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// Of the picture, in the order of its packets.
    pub picture: Vec<Shift>,
    /// Of the sound, likewise.
    pub sound: Vec<Shift>,
}

/// How a container's clock behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// Its clock may jump: transport and program streams, which programs cut and join as bytes.
    Broadcast,
    /// Its clock is the film's: a gap is a pause in which nothing was recorded.
    Film,
}

/// A clock that goes back by more than this has begun anew; less is a wrong stamp.
const BACKWARD_US: i64 = 1_000_000;
/// A gap of less than this is lost frames.
const FORWARD_US: i64 = 1_000_000;
/// Picture and sound jump together when their gaps differ by less than this.
const TOGETHER_US: i64 = 2_000_000;
/// Sound so far from the picture is not meant to be.
const APART_US: i64 = 10_000_000;
/// More than a person ever joins.
pub const MAX_BREAKS: usize = 200;

/// Finds the breaks of one track while its packets go by.
#[derive(Debug, Default)]
pub struct BreakFinder {
    packets: u64,
    expected_us: Option<i64>,
    /// Those that were found so far.
    pub breaks: Vec<Break>,
}

impl BreakFinder {
    /// Takes the next packet, in the order of the file; `None` when it has no time. Keeps at most
    /// [`MAX_BREAKS`] and one more.
    pub fn push(&mut self, stamp: Option<&Stamp>) {
        let packet = self.packets;
        self.packets += 1;
        let Some(stamp) = stamp else { return };
        let found_us = stamp.decoded_us();
        let next_us = found_us + i64::from(stamp.duration_us);
        let Some(expected_us) = self.expected_us else {
            self.expected_us = Some(next_us);
            return;
        };
        let ahead_us = found_us - expected_us;
        if (-BACKWARD_US..=FORWARD_US).contains(&ahead_us) {
            self.expected_us = Some(expected_us.max(next_us));
            return;
        }
        if self.breaks.len() <= MAX_BREAKS {
            self.breaks.push(Break { packet, expected_us, found_us });
        }
        self.expected_us = Some(next_us);
    }
}

impl Break {
    fn ahead_us(&self) -> i64 {
        self.found_us - self.expected_us
    }

    fn is_backward(&self) -> bool {
        self.ahead_us() < 0
    }

    /// Whether both tracks leave the same clock for the same other one.
    fn is_together_with(&self, other: &Self) -> bool {
        (self.expected_us - other.expected_us).abs() < TOGETHER_US
            && (self.found_us - other.found_us).abs() < TOGETHER_US
    }
}

impl ClockKind {
    /// From how long a gap on the clock has jumped, when both tracks have it.
    fn least_shared_gap_us(self) -> i64 {
        match self {
            Self::Broadcast => FORWARD_US,
            Self::Film => 30_000_000,
        }
    }

    /// The same for a track that is alone in the file.
    fn least_lone_gap_us(self) -> i64 {
        match self {
            Self::Broadcast => 10_000_000,
            Self::Film => 3_600_000_000,
        }
    }
}

/// What is known of one track.
#[derive(Clone, Copy, Debug)]
pub struct Track<'b> {
    /// Where its clock jumps.
    pub breaks: &'b [Break],
    /// Where it begins and ends by its stamps.
    pub span: Span,
}

impl Repair {
    /// Decides which breaks are jumps. `sound` is `None` for a film without sound.
    pub fn new(picture: Track<'_>, sound: Option<Track<'_>>, kind: ClockKind) -> Self {
        let mut repair = Self::default();
        let sound_breaks = sound.map_or(&[][..], |sound| sound.breaks);
        let mut sound_done = 0;
        for jump in picture.breaks {
            let rest = sound_breaks.get(sound_done..).unwrap_or_default();
            let twin = rest.iter().enumerate().find(|(_, other)| jump.is_together_with(other));
            let sound_goes_on = sound.is_some_and(|sound| sound.span.end_us + TOGETHER_US > jump.found_us);
            let least_us = match twin {
                Some(_) => kind.least_shared_gap_us(),
                // The picture just stood still.
                None if sound_goes_on => i64::MAX,
                None => kind.least_lone_gap_us(),
            };
            if !jump.is_backward() && jump.ahead_us() < least_us {
                continue;
            }
            let by_us = -jump.ahead_us();
            repair.picture.push(Shift { packet: jump.packet, by_us });
            if let Some((offset, other)) = twin {
                repair.sound_alone(rest.get(..offset).unwrap_or_default(), picture.span);
                repair.sound.push(Shift { packet: other.packet, by_us });
                sound_done += offset + 1;
            }
        }
        repair.sound_alone(sound_breaks.get(sound_done..).unwrap_or_default(), picture.span);
        if let Some(sound) = sound.filter(|_| repair.is_empty()) {
            repair.bring_together(picture.span, sound.span);
        }
        repair
    }

    /// Sound that has no time in common with the picture counts by another clock: both then start together.
    fn bring_together(&mut self, picture: Span, sound: Span) {
        if sound.start_us > picture.end_us + APART_US || sound.end_us + APART_US < picture.start_us {
            self.sound.push(Shift { packet: 0, by_us: picture.start_us - sound.start_us });
        }
    }

    /// Sound whose clock goes back while the picture's does not, or goes far beyond the film.
    fn sound_alone(&mut self, breaks: &[Break], picture: Span) {
        let is_jump = |sound: &&Break| sound.is_backward() || sound.found_us > picture.end_us + APART_US;
        let jumps = breaks.iter().filter(is_jump);
        self.sound.extend(jumps.map(|jump| Shift { packet: jump.packet, by_us: -jump.ahead_us() }));
    }

    /// Whether the clock is sound.
    pub fn is_empty(&self) -> bool {
        self.picture.is_empty() && self.sound.is_empty()
    }
}
