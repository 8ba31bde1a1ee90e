//! What a good player shows of a film, and how a reel differs from it. Pure: lists of times in, sentences out.
//!
//! A player's clock is zero where the first of picture and sound begins. A picture stands until the next one.

use crate::measure::Shown;

/// How far from its moment a picture may be, in seconds: a frame of 30.
pub const TOLERANCE_S: f64 = 0.0334;

/// A film on a player's clock.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// When each numbered picture begins, in order.
    pub pictures: Vec<(f64, u16)>,
    /// Where the last picture ends.
    pub end_s: f64,
    pub flashes_s: Vec<f64>,
    pub beeps_s: Vec<f64>,
}

/// A stretch of a film in a reel.
#[derive(Clone, Debug)]
pub struct Piece<'s> {
    pub schedule: &'s Schedule,
    pub from_s: f64,
    pub to_s: f64,
    pub speed: f64,
}

/// A reel as it was measured: its pictures on its own clock.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'m> {
    pub pictures: &'m [Shown],
    pub rate: f64,
}

/// How much a reel may differ.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// Frames that are left out or doubled.
    pub uneven: usize,
    /// Frames of another moment.
    pub damaged: usize,
    /// How far from its moment a picture may be, in seconds.
    pub loose_s: f64,
}

impl Schedule {
    /// From pictures on the file's clock. `zero_s` is the player's zero on that clock.
    pub fn of(pictures: &[Shown], zero_s: f64, end_s: f64, beeps_s: Vec<f64>) -> Self {
        let mut numbered: Vec<(f64, u16)> = pictures
            .iter()
            .filter_map(|shown| Some((shown.time_s - zero_s, shown.reading.number?)))
            .collect();
        numbered.sort_by(|a, b| a.0.total_cmp(&b.0));
        // A picture that is written twice stands twice as long.
        numbered.dedup_by_key(|(_, number)| *number);
        let mut flashes_s = flashes(pictures);
        for time_s in &mut flashes_s {
            *time_s -= zero_s;
        }
        Self { pictures: numbered, end_s, flashes_s, beeps_s }
    }

    /// Whether a player shows `number` at some moment so close to `time_s`.
    fn shows(&self, number: u16, time_s: f64, off_s: f64) -> bool {
        let (from, to) = (time_s - off_s, time_s + off_s);
        let ends = self.pictures.iter().skip(1).map(|(start, _)| *start).chain([f64::INFINITY]);
        let mut shown = self.pictures.iter().zip(ends).enumerate();
        shown.any(|(index, ((start, own), end))| {
            // Before the first picture, a reel may show it already.
            *own == number && (index == 0 || *start <= to) && end >= from
        })
    }
}

/// When the flash appears: the time of each flash picture after one without.
pub fn flashes(pictures: &[Shown]) -> Vec<f64> {
    let before = [false].into_iter().chain(pictures.iter().map(|shown| shown.reading.is_flash));
    let begins = pictures.iter().zip(before).filter(|(shown, before)| shown.reading.is_flash && !before);
    begins.map(|(shown, _)| shown.time_s).collect()
}

impl Piece<'_> {
    pub fn length_s(&self) -> f64 {
        (self.to_s - self.from_s) / self.speed
    }

    fn contains(&self, source_s: f64) -> bool {
        // A flash or beep at the very edge may fall on either side.
        source_s > self.from_s + 0.05 && source_s < self.to_s - 0.05
    }
}

/// Where each piece begins in the reel, in seconds.
pub fn starts(pieces: &[Piece<'_>]) -> Vec<f64> {
    let mut start = 0.0;
    let begin = |piece: &Piece<'_>| {
        let own = start;
        start += piece.length_s();
        own
    };
    pieces.iter().map(begin).collect()
}

/// When flashes and beeps belong into the reel, each with the time of its own film.
pub fn expected_times(pieces: &[Piece<'_>], of: fn(&Schedule) -> &[f64]) -> Vec<f64> {
    let times = pieces.iter().zip(starts(pieces)).flat_map(|(piece, start)| {
        let inside = of(piece.schedule).iter().filter(|time| piece.contains(**time));
        inside.map(move |time| start + (time - piece.from_s) / piece.speed)
    });
    times.collect()
}

/// Pictures that stand where a player shows another one; pictures that are left out or shown too often.
pub fn picture_problems(reel: Measured<'_>, pieces: &[Piece<'_>], allowed: Allowed) -> Vec<String> {
    let mut problems = Vec::new();
    let starts = starts(pieces);
    let mut wrong = Vec::new();
    for shown in reel.pictures {
        let near = pieces.iter().zip(&starts).filter(|(piece, start)| {
            shown.time_s > **start - TOLERANCE_S && shown.time_s < **start + piece.length_s() + TOLERANCE_S
        });
        let mut candidates = near.map(|(piece, start)| {
            let source_s = piece.from_s + (shown.time_s - start) * piece.speed;
            shown.reading.number.is_some_and(|number| piece.schedule.shows(number, source_s, allowed.loose_s))
        });
        if !candidates.any(|is_right| is_right) {
            let what =
                shown.reading.number.map_or("unreadable".to_owned(), |number| format!("frame {number}"));
            wrong.push(format!("{what} at {:.3} s", shown.time_s));
        }
    }
    // The last frame of a reel may stand behind the last piece's end.
    if wrong.len() > 1 + allowed.damaged {
        let first = wrong.first().cloned().unwrap_or_default();
        problems.push(format!("{} pictures at the wrong time, first {first}", wrong.len()));
    }
    for (piece, start) in pieces.iter().zip(&starts) {
        let irregular = irregular_frames(reel, piece, *start);
        if irregular.len() > allowed.uneven {
            let first: Vec<&str> = irregular.iter().take(3).map(String::as_str).collect();
            problems.push(format!("{} frames left out or doubled: {}", irregular.len(), first.join(", ")));
        }
    }
    problems
}

/// Frames that a player shows for another number of the reel's frames; all but the first and the last.
fn irregular_frames(reel: Measured<'_>, piece: &Piece<'_>, start_s: f64) -> Vec<String> {
    const NEAR_S: f64 = 0.5;
    // Each number with its time in the film.
    let own: Vec<(f64, u16)> = reel
        .pictures
        .iter()
        .filter(|shown| shown.time_s > start_s - 0.001 && shown.time_s < start_s + piece.length_s() - 0.001)
        .filter_map(|shown| {
            let source_s = piece.from_s + (shown.time_s - start_s) * piece.speed;
            Some((source_s, shown.reading.number?))
        })
        .collect();
    let schedule = &piece.schedule.pictures;
    let ends = schedule.iter().skip(1).map(|(time, _)| *time).chain([piece.schedule.end_s]);
    let frame_s = piece.speed / reel.rate;
    let mut irregular = Vec::new();
    // The first picture also stands before its time, in a film that begins with its sound.
    for ((begin, number), end) in schedule.iter().zip(ends).skip(1) {
        if *begin < piece.from_s + frame_s || end > piece.to_s - frame_s {
            continue;
        }
        let exact = (end - begin) / frame_s;
        // The same number may come again, in a film that begins anew.
        let is_near = |at: f64| at > begin - NEAR_S && at < end + NEAR_S;
        let shown = own.iter().filter(|(at, own)| own == number && is_near(*at)).count();
        let nearest = exact.round();
        // Clocks are rounded: a frame that lasts 0.97 frames of the reel is meant to last one.
        let (least, most) =
            if (exact - nearest).abs() < 0.2 { (nearest, nearest) } else { (exact.floor(), exact.ceil()) };
        if (shown as f64) < least || shown as f64 > most {
            irregular.push(format!("frame {number} {shown} times, not {least}"));
        }
    }
    irregular
}

/// Flashes or beeps that are not where they belong.
pub fn time_problems(what: &str, expected_s: &[f64], found_s: &[f64], tolerance_s: f64) -> Vec<String> {
    let missing = expected_s.iter().filter_map(|expected| {
        let nearest = found_s.iter().min_by(|a, b| (*a - expected).abs().total_cmp(&(*b - expected).abs()));
        match nearest {
            Some(found) if (found - expected).abs() <= tolerance_s => None,
            Some(found) if (found - expected).abs() < 0.5 => {
                Some(format!("{what} of {expected:.3} s at {found:.3} s"))
            }
            Some(_) | None => Some(format!("no {what} at {expected:.3} s")),
        }
    });
    missing.collect()
}

/// Beeps that lie farther from their flashes than in the film.
pub fn sync_problems(expected_s: [&[f64]; 2], found_s: [&[f64]; 2]) -> Vec<String> {
    // A measure of the sound is a millisecond, one of the picture a frame of the reel.
    const OFF_S: f64 = TOLERANCE_S + 0.003;
    let nearest = |times: &[f64], time: f64| {
        let near = times.iter().copied().filter(|own| (own - time).abs() < 0.45);
        near.min_by(|a, b| (a - time).abs().total_cmp(&(b - time).abs()))
    };
    let apart = expected_s[0].iter().filter_map(|flash| {
        let beep = nearest(expected_s[1], *flash)?;
        let (found_flash, found_beep) = (nearest(found_s[0], *flash)?, nearest(found_s[1], beep)?);
        let off = (found_beep - found_flash) - (beep - flash);
        (off.abs() > OFF_S).then(|| format!("beep {:.0} ms after its flash at {flash:.3} s", off * 1000.0))
    });
    apart.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{self, FRAME_BYTES};

    fn shown(numbers: &[u16], rate: f64) -> Vec<Shown> {
        let mut frame = vec![0; FRAME_BYTES];
        let numbered = numbers.iter().zip(0..);
        numbered
            .map(|(number, index)| {
                picture::draw(&mut frame, *number, 0);
                Shown { time_s: f64::from(index) / rate, reading: picture::read(&frame) }
            })
            .collect()
    }

    fn problems(reel: &[u16], uneven: usize) -> Vec<String> {
        let film = shown(&(0..30).collect::<Vec<u16>>(), 30.0);
        let schedule = Schedule::of(&film, 0.0, 1.0, Vec::new());
        let piece = Piece { schedule: &schedule, from_s: 0.0, to_s: 1.0, speed: 1.0 };
        let pictures = shown(reel, 30.0);
        picture_problems(
            Measured { pictures: &pictures, rate: 30.0 },
            &[piece],
            Allowed { uneven, damaged: 0, loose_s: TOLERANCE_S },
        )
    }

    #[test]
    fn a_reel_of_the_same_frames_has_no_problem() {
        assert_eq!(problems(&(0..30).collect::<Vec<u16>>(), 0), Vec::<String>::new());
    }

    #[test]
    fn a_frame_for_another_is_left_out_and_doubled() {
        let mut reel: Vec<u16> = (0..30).collect();
        reel[10] = 9;
        assert_eq!(problems(&reel, 0).len(), 1);
        assert_eq!(problems(&reel, 2), Vec::<String>::new());
    }

    #[test]
    fn a_reel_that_runs_late_has_the_wrong_pictures() {
        let late: Vec<u16> = [0, 0, 0].into_iter().chain(0..27).collect();
        assert!(
            problems(&late, 99)[0].starts_with("27 pictures at the wrong time"),
            "{:?}",
            problems(&late, 99)
        );
    }
}
