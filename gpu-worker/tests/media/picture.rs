//! The test picture: how it is drawn, and how it is read back from a film or a reel.
//!
//! Every frame carries its own number, so a picture tells which moment of the film it shows. Everything here is
//! arithmetic on bytes of one size, [`WIDTH`] x [`HEIGHT`] in RGB.

pub const WIDTH: usize = 320;
pub const HEIGHT: usize = 180;
pub const FRAME_BYTES: usize = WIDTH * HEIGHT * 3;

/// A flash begins this long after each whole second.
pub const FLASH_AT_MS: u64 = 200;
pub const FLASH_LENGTH_MS: u64 = 100;

type Rgb = [u8; 3];

/// x, y, width and height.
type Area = [usize; 4];

const GREY: Rgb = [128; 3];
const WHITE: Rgb = [255; 3];
const BLACK: Rgb = [0; 3];
/// A light skin and a pitch in the sun.
pub const SKIN: Rgb = [224, 172, 140];
pub const GRASS: Rgb = [80, 120, 50];
/// Red, green, blue and yellow at their fullest: up left, up right, down left, down right.
pub const CORNERS: [Rgb; 4] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]];

const CORNER_AREAS: [Area; 4] = [[0, 0, 80, 45], [240, 0, 80, 45], [0, 135, 80, 45], [240, 135, 80, 45]];
const FLASH_AREA: Area = [80, 54, 160, 36];
const SKIN_AREA: Area = [90, 140, 60, 40];
const GRASS_AREA: Area = [170, 140, 60, 40];
/// Stays grey in every frame.
const GREY_AREA: Area = [140, 8, 40, 28];
/// Films of high dynamic range have something brighter than white here.
pub const HIGHLIGHT_AREAS: [Area; 2] = [[90, 8, 30, 28], [200, 8, 30, 28]];

/// A white cell, ten bits from the lowest, a black cell.
const CELLS: usize = 12;
const NUMBER_BITS: usize = 10;
const CELL_AREA: Area = [40, 99, 20, 27];

/// What stands in one picture.
#[derive(Clone, Debug)]
pub struct Reading {
    /// `None` when the cells are neither black nor white, as in a picture between two frames.
    pub number: Option<u16>,
    pub is_flash: bool,
    pub corners: [Rgb; 4],
    pub grey: Rgb,
    pub flash: Rgb,
    pub skin: Rgb,
    pub grass: Rgb,
    pub highlights: [Rgb; 2],
}

/// Whether a frame at this time shows the flash.
pub fn is_flash_at(time_ms: u64) -> bool {
    let into_second = time_ms % 1000;
    (FLASH_AT_MS..FLASH_AT_MS + FLASH_LENGTH_MS).contains(&into_second)
}

/// Draws frame `number`, which is shown at `time_ms`, over an earlier one or over zeros.
pub fn draw(frame: &mut [u8], number: u16, time_ms: u64) {
    fill(frame, [0, 0, WIDTH, HEIGHT], GREY);
    for (area, color) in CORNER_AREAS.into_iter().zip(CORNERS) {
        fill(frame, area, color);
    }
    fill(frame, SKIN_AREA, SKIN);
    fill(frame, GRASS_AREA, GRASS);
    if is_flash_at(time_ms) {
        fill(frame, FLASH_AREA, WHITE);
    }
    // In a Gray code a blend of neighbours has one unclear cell, never a far number.
    let code = number ^ (number >> 1);
    for cell in 0..CELLS {
        let is_white = cell == 0 || (cell <= NUMBER_BITS && (code >> (cell - 1)) & 1 == 1);
        fill(frame, cell_area(cell), if is_white { WHITE } else { BLACK });
    }
}

pub fn read(frame: &[u8]) -> Reading {
    let grey = mean(frame, GREY_AREA);
    let flash = mean(frame, FLASH_AREA);
    let white = luma(mean(frame, cell_area(0)));
    Reading {
        number: number(frame),
        is_flash: luma(flash) > u16::midpoint(luma(grey), white),
        corners: CORNER_AREAS.map(|area| mean(frame, area)),
        grey,
        flash,
        skin: mean(frame, SKIN_AREA),
        grass: mean(frame, GRASS_AREA),
        highlights: HIGHLIGHT_AREAS.map(|area| mean(frame, area)),
    }
}

fn number(frame: &[u8]) -> Option<u16> {
    let cell = |index: usize| luma(mean(frame, cell_area(index)));
    let (white, black) = (cell(0), cell(CELLS - 1));
    let contrast = white.checked_sub(black).filter(|contrast| *contrast > 60)?;
    let mut code = 0;
    for bit in 0..NUMBER_BITS {
        let above = i32::from(cell(bit + 1)) - i32::from(black);
        let share = f64::from(above) / f64::from(contrast);
        if (0.3..0.7).contains(&share) {
            return None;
        }
        code |= u16::from(share > 0.5) << bit;
    }
    let mut number = code;
    for shift in [1, 2, 4, 8] {
        number ^= number >> shift;
    }
    Some(number)
}

fn cell_area(index: usize) -> Area {
    let [x, y, width, height] = CELL_AREA;
    [x + index * width, y, width, height]
}

fn fill(frame: &mut [u8], [x, y, width, height]: Area, color: Rgb) {
    let row = color.repeat(width);
    for line in y..y + height {
        let start = (line * WIDTH + x) * 3;
        frame[start..start + row.len()].copy_from_slice(&row);
    }
}

/// Without the border, where neighbours run into each other.
fn mean(frame: &[u8], [x, y, width, height]: Area) -> Rgb {
    let (inset_x, inset_y) = (width / 4, height / 4);
    let mut sums = [0_usize; 3];
    let mut count = 0;
    for line in y + inset_y..y + height - inset_y {
        for column in x + inset_x..x + width - inset_x {
            let start = (line * WIDTH + column) * 3;
            for (sum, byte) in sums.iter_mut().zip(&frame[start..start + 3]) {
                *sum += usize::from(*byte);
            }
            count += 1;
        }
    }
    sums.map(|sum| (sum / count) as u8)
}

fn luma([red, green, blue]: Rgb) -> u16 {
    (u16::from(red) * 54 + u16::from(green) * 183 + u16::from(blue) * 19) / 256
}

#[test]
fn a_number_that_was_drawn_is_read_again() {
    let mut frame = vec![0; FRAME_BYTES];
    for number in [0, 1, 29, 30, 511, 512, 1000, 1023] {
        draw(&mut frame, number, 1250);
        let reading = read(&frame);
        assert_eq!((reading.number, reading.is_flash), (Some(number), true));
        assert_eq!((reading.corners, reading.grey, reading.skin), (CORNERS, GREY, SKIN));
    }
    draw(&mut frame, 5, 1300);
    assert!(!read(&frame).is_flash);
}

#[test]
fn a_blend_of_two_frames_has_no_number() {
    let (mut one, mut other) = (vec![0; FRAME_BYTES], vec![0; FRAME_BYTES]);
    draw(&mut one, 7, 0);
    draw(&mut other, 8, 0);
    let blend: Vec<u8> = one.iter().zip(&other).map(|(a, b)| u8::midpoint(*a, *b)).collect();
    assert_eq!(read(&blend).number, None);
}
