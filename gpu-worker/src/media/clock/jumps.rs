//! Jumps of a file's clock: where it begins anew or leaves out a time that nobody recorded.
//!
//! Invariant: picture and sound that jump together are moved together, so they stay in sync.

use super::stamps::Stamp;

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
    pub picture: Vec<Shift>,
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
/// More than a person ever joins.
pub const MAX_BREAKS: usize = 200;

/// Finds the breaks of one track while its packets go by.
#[derive(Debug, Default)]
pub struct BreakFinder {
    packets: u64,
    expected_us: Option<i64>,
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
        if ahead_us > FORWARD_US || ahead_us < -BACKWARD_US {
            if self.breaks.len() <= MAX_BREAKS {
                self.breaks.push(Break { packet, expected_us, found_us });
            }
            self.expected_us = Some(next_us);
        } else {
            self.expected_us = Some(expected_us.max(next_us));
        }
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

impl Repair {
    /// Decides which breaks are jumps. `sound` is `None` for a film without sound.
    pub fn new(picture: &[Break], sound: Option<&[Break]>, kind: ClockKind) -> Self {
        let mut repair = Self::default();
        let sound_breaks = sound.unwrap_or_default();
        let mut sound_done = 0;
        for jump in picture {
            let rest = sound_breaks.get(sound_done..).unwrap_or_default();
            let twin = rest.iter().position(|other| jump.is_together_with(other));
            let least_us = match (twin, sound) {
                (Some(_), _) => kind.least_shared_gap_us(),
                (None, None) => kind.least_lone_gap_us(),
                // The sound goes on, so that the picture just stood still.
                (None, Some(_)) => i64::MAX,
            };
            if !jump.is_backward() && jump.ahead_us() < least_us {
                continue;
            }
            let by_us = -jump.ahead_us();
            repair.picture.push(Shift { packet: jump.packet, by_us });
            if let Some(twin) = twin.and_then(|offset| rest.get(offset).map(|other| (offset, other))) {
                let (offset, other) = twin;
                repair.sound_alone(rest.get(..offset).unwrap_or_default());
                repair.sound.push(Shift { packet: other.packet, by_us });
                sound_done += offset + 1;
            }
        }
        repair.sound_alone(sound_breaks.get(sound_done..).unwrap_or_default());
        repair
    }

    /// Sound whose clock goes back while the picture's does not.
    fn sound_alone(&mut self, breaks: &[Break]) {
        let backward = breaks.iter().filter(|sound| sound.is_backward());
        self.sound.extend(backward.map(|b| Shift { packet: b.packet, by_us: -b.ahead_us() }));
    }

    /// Whether the clock is sound.
    pub fn is_empty(&self) -> bool {
        self.picture.is_empty() && self.sound.is_empty()
    }
}
