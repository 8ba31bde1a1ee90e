//! A filmstrip: one sheet of small pictures of a video, for the bar of a player.
//!
//! Invariant: a layout has at least one picture, and none lies outside its sheet of at most 100.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a sheet is divided. Pictures go from left to right, then down.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilmstripLayout {
    /// Pixels across of one picture.
    pub tile_width: u32,
    /// Pixels down of one picture.
    pub tile_height: u32,
    /// Pictures in a row.
    pub columns: u32,
    /// Pictures in all.
    pub tiles: u32,
    /// From one picture to the next.
    pub interval_ms: u64,
}

impl FilmstripLayout {
    /// Pictures in a row, at most.
    pub const MAX_COLUMNS: u32 = 10;
    /// Pictures of a sheet, at most.
    pub const MAX_TILES: u32 = 100;

    /// Keeps what can be a sheet; `None` for any other numbers.
    pub fn new(
        (tile_width, tile_height): (u32, u32),
        columns: u32,
        tiles: u32,
        interval_ms: u64,
    ) -> Option<Self> {
        let sides = [tile_width, tile_height].iter().all(|side| (1..=MAX_TILE_SIDE).contains(side));
        let count = (1..=Self::MAX_COLUMNS).contains(&columns) && (1..=Self::MAX_TILES).contains(&tiles);
        let interval = (1..=MAX_INTERVAL_MS).contains(&interval_ms);
        (sides && count && interval).then_some(Self { tile_width, tile_height, columns, tiles, interval_ms })
    }

    /// Reads it from a report; `None` for anything that is no layout.
    pub fn read(report: &Value) -> Option<Self> {
        let whole = |name: &str| report.get(name).and_then(Value::as_u64);
        let small = |name: &str| whole(name).and_then(|number| u32::try_from(number).ok());
        let tile = (small("tile_width")?, small("tile_height")?);
        Self::new(tile, small("columns")?, small("tiles")?, whole("interval_ms")?)
    }

    /// The pictures of a video of this length: one a second, fewer when they would be too many.
    pub fn of_length(tile: (u32, u32), duration_ms: u64) -> Option<Self> {
        let seconds = duration_ms.div_ceil(1000).max(1);
        let step_s = seconds.div_ceil(Self::MAX_TILES.into()).max(1);
        let tiles = u32::try_from(seconds.div_ceil(step_s)).ok()?;
        Self::new(tile, tiles.min(Self::MAX_COLUMNS), tiles, step_s.saturating_mul(1000))
    }

    /// From the begin of the first picture's time to the end of the last one's.
    pub fn covered_ms(&self) -> u64 {
        u64::from(self.tiles) * self.interval_ms
    }

    /// `WebVTT` that tells a player which part of the sheet at `url` shows which moment of a video of this
    /// length (<https://www.w3.org/TR/webvtt1/>, and <https://www.w3.org/TR/media-frags/> for the part).
    pub fn vtt(&self, url: &str, duration_ms: u64) -> String {
        let mut text = "WEBVTT\n".to_owned();
        for tile in 0..self.tiles {
            let start_ms = u64::from(tile) * self.interval_ms;
            let end_ms = if tile + 1 == self.tiles {
                duration_ms.max(start_ms.saturating_add(1))
            } else {
                start_ms + self.interval_ms
            };
            let (x, y) = (tile % self.columns * self.tile_width, tile / self.columns * self.tile_height);
            let (start, end) = (timestamp(start_ms), timestamp(end_ms));
            let (width, height) = (self.tile_width, self.tile_height);
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{start} --> {end}\n{url}#xywh={x},{y},{width},{height}\n");
        }
        text
    }
}

fn timestamp(ms: u64) -> String {
    let (seconds, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A sheet of 100 such pictures has sides that every decoder of JPEG takes.
const MAX_TILE_SIDE: u32 = 640;
/// A hundred pictures of the longest reel that params can name.
const MAX_INTERVAL_MS: u64 = 4 * 864_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_picture_a_second_and_at_most_a_hundred() {
        let layout =
            |ms| FilmstripLayout::of_length((160, 90), ms).map(|l| (l.columns, l.tiles, l.interval_ms));
        assert_eq!(layout(1), Some((1, 1, 1000)));
        assert_eq!(layout(4001), Some((5, 5, 1000)));
        assert_eq!(layout(100_000), Some((10, 100, 1000)));
        assert_eq!(layout(100_001), Some((10, 51, 2000)));
        assert_eq!(layout(4 * 86_400_000), Some((10, 100, 3_456_000)));
    }

    #[test]
    fn a_player_finds_the_part_of_each_moment() {
        let layout = FilmstripLayout::new((160, 90), 2, 3, 1000).expect("a layout");
        let expected = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\ns.jpg#xywh=0,0,160,90\n\n\
            00:00:01.000 --> 00:00:02.000\ns.jpg#xywh=160,0,160,90\n\n\
            00:00:02.000 --> 00:00:02.500\ns.jpg#xywh=0,90,160,90\n";
        assert_eq!(layout.vtt("s.jpg", 2500), expected);
        assert_eq!(timestamp(3_723_004), "01:02:03.004");
    }

    #[test]
    fn other_numbers_are_no_layout() {
        let read = |columns: u32, tiles: u32, interval_ms: u64| {
            let sheet = json!({"tile_width": 160, "tile_height": 90, "columns": columns, "tiles": tiles,
                "interval_ms": interval_ms});
            FilmstripLayout::read(&sheet)
        };
        assert_eq!(read(10, 100, 1000), FilmstripLayout::new((160, 90), 10, 100, 1000));
        assert!(read(10, 100, 1000).is_some());
        for (columns, tiles, interval_ms) in [(0, 1, 1000), (11, 11, 1000), (1, 101, 1000), (1, 1, 0)] {
            assert_eq!(read(columns, tiles, interval_ms), None, "{columns} {tiles} {interval_ms}");
        }
        assert_eq!(FilmstripLayout::read(&json!("160x90")), None);
    }
}
