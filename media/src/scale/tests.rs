//! Crops, sizes and colour samples of the scaler, against OpenCV.

use reel_core::edit::FrameSize;

use super::*;
use crate::test_picture::{bgr, detailed, picture};

fn scaled(from: &Frame, view: PixelRect, size: FrameSize) -> Frame {
    let mut to = Frame::black(size);
    let whole = to.bounds();
    Scaler::new().expect("a scaler").scale(from, view, &mut to, whole).expect("scaled");
    to
}

fn with_bands(bands: usize) -> Scaler {
    let mut scaler = Scaler::new().expect("a scaler");
    scaler.bands = (0..bands).map(|_| Resizer::new()).collect();
    scaler
}

#[test]
fn enlarging_matches_opencv() {
    // The green saw teeth as a grey picture, so that no colour is averaged.
    let grey = picture(FrameSize { width: 160, height: 120 }, |x, y| {
        let value = x * 7 + y * 13 + 29 + x * y / 5 + (x / 9 + y / 7) % 3 * 61;
        [u8::try_from(value % 256).expect("a byte"); 3]
    });
    let view = PixelRect { x: 31, y: 20, width: 70, height: 90 };
    let enlarged = scaled(&grey, view, FrameSize { width: 200, height: 260 });
    let difference =
        |((x, y), expected): &((u32, u32), [u8; 3])| bgr(&enlarged, *x, *y)[1].abs_diff(expected[1]);
    let differences: Vec<u8> = ENLARGED.iter().map(difference).collect();
    // The resizer rounds between its two passes, and these saw teeth show that most.
    assert!(differences.iter().all(|difference| *difference <= 8), "{differences:?}");
    let near = differences.iter().filter(|difference| **difference <= 2).count();
    assert!(near * 10 >= differences.len() * 9, "{differences:?}");
}

#[test]
fn every_height_of_a_crop_can_be_scaled() {
    let frame = Frame::black(FrameSize { width: 4, height: 720 });
    let mut reel = Frame::black(FrameSize { width: 2, height: 1920 });
    let whole = reel.bounds();
    for bands in [1, 2, 3, 8] {
        let mut scaler = with_bands(bands);
        for height in 1..=720 {
            let view = PixelRect { x: 0, y: 0, width: 4, height };
            let result = scaler.scale(&frame, view, &mut reel, whole);
            assert!(result.is_ok(), "{bands} bands, {height} rows: {result:?}");
        }
    }
}

#[test]
fn every_place_of_a_crop_and_of_its_target_can_be_scaled() {
    let frame = Frame::black(FrameSize { width: 33, height: 21 });
    let mut reel = Frame::black(FrameSize { width: 17, height: 30 });
    let mut scaler = with_bands(2);
    for (x, y) in (0..6).flat_map(|x| (0..6).map(move |y| (x, y))) {
        for (width, height) in [(1, 1), (2, 7), (27, 15), (24, 12)] {
            let view = PixelRect { x, y, width, height };
            for target in [(0, 0, 17, 30), (3, 5, 11, 9), (2, 4, 1, 1), (16, 29, 1, 1)] {
                let (x, y, width, height) = target;
                let target = PixelRect { x, y, width, height };
                let result = scaler.scale(&frame, view, &mut reel, target);
                assert!(result.is_ok(), "{view:?} to {target:?}: {result:?}");
            }
        }
    }
}

#[test]
fn bands_leave_no_seam() {
    let frame = picture(FrameSize { width: 64, height: 90 }, |_, y| {
        [u8::try_from(y * 2).expect("a byte"), 128, u8::try_from(255 - y * 2).expect("a byte")]
    });
    let in_bands = |bands: usize| {
        let mut to = Frame::black(FrameSize { width: 50, height: 211 });
        let whole = to.bounds();
        let view = PixelRect { x: 3, y: 5, width: 41, height: 77 };
        with_bands(bands).scale(&frame, view, &mut to, whole).expect("scaled");
        to
    };
    let whole = in_bands(1);
    for bands in [2, 3, 7] {
        let apart = in_bands(bands);
        let most = whole.bytes().iter().zip(apart.bytes()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{bands} bands differ by {most:?}");
    }
}

#[test]
fn a_crop_of_the_same_size_is_a_copy() {
    let frame = detailed();
    let view = PixelRect { x: 10, y: 20, width: 60, height: 40 };
    let copy = scaled(&frame, view, FrameSize { width: 60, height: 40 });
    for (plane, (from, to)) in frame.planes().iter().zip(copy.planes()).enumerate() {
        let (x, y) = if plane == 0 { (10, 20) } else { (5, 10) };
        for row in 0..to.height {
            let wanted = &from.row(y + row)[x..x + to.width as usize];
            assert_eq!(to.row(row), wanted, "plane {plane}, row {row}");
        }
    }
}

#[test]
fn colour_stays_with_its_pixels_at_odd_crops_and_all_sizes() {
    // Blue grows with the column that a sample stands for, red with the middle of its two rows.
    let mut ramp = Frame::black(FrameSize { width: 200, height: 200 });
    let [_, blue, red] = ramp.planes_mut();
    for (index, (blue, red)) in blue.bytes.iter_mut().zip(red.bytes).enumerate() {
        let (x, y) = (index % 100, index / 100);
        *blue = u8::try_from(20 + 2 * x).expect("a byte");
        *red = u8::try_from(20 + 2 * y).expect("a byte");
    }
    for (x, y) in [(40, 40), (41, 40), (40, 41), (43, 47)] {
        for (width, height) in [(60, 60), (61, 90), (120, 31), (30, 30)] {
            let view = PixelRect { x, y, width: 60, height: 60 };
            let reel = scaled(&ramp, view, FrameSize { width, height });
            let [_, blue, red] = reel.planes();
            let (step_x, step_y) = (60.0 / f64::from(width), 60.0 / f64::from(height));
            for (column, row) in [(blue.width / 2, blue.height / 2), (blue.width / 3, blue.height / 3)] {
                // Where the sample lies in the source, from the middle of its first column and row.
                let from_x = f64::from(x) + (f64::from(2 * column) + 0.5) * step_x - 0.5;
                let from_y = f64::from(y) + f64::from(2 * row + 1) * step_y - 1.0;
                let found = [blue, red].map(|plane| f64::from(plane.row(row)[column as usize]));
                let wanted = [20.0 + from_x, 20.0 + from_y];
                let near = found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() <= 1.0);
                assert!(near, "{view:?} to {width}x{height} at {column},{row}: {found:?}, not {wanted:?}");
            }
        }
    }
}

#[test]
fn outside_of_the_target_it_is_black() {
    let color = picture(FrameSize { width: 40, height: 40 }, |_, _| [90, 120, 250]);
    // What the last frame left in the buffer.
    let mut reel = picture(FrameSize { width: 60, height: 81 }, |_, _| [1, 255, 9]);
    let target = PixelRect { x: 10, y: 20, width: 40, height: 40 };
    let view = color.bounds();
    Scaler::new().expect("a scaler").scale(&color, view, &mut reel, target).expect("scaled");
    for y in 0..81 {
        for x in 0..60 {
            let inside = (10..50).contains(&x) && (20..60).contains(&y);
            let expected = if inside { bgr(&color, 1, 1) } else { [0, 0, 0] };
            assert_eq!(bgr(&reel, x, y), expected, "{x},{y}");
        }
    }
}

/// A pixel and its blue, green, red: `cv2.resize(frame[20:110, 31:101], (200, 260),
/// interpolation=cv2.INTER_LANCZOS4)` of opencv-python-headless 5.0.
#[rustfmt::skip]
const ENLARGED: &[((u32, u32), [u8; 3])] = &[
    ((81, 136), [2, 55, 76]),
    ((55, 146), [194, 206, 255]),
    ((19, 66), [170, 202, 239]),
    ((149, 106), [45, 68, 148]),
    ((51, 190), [109, 127, 152]),
    ((153, 20), [99, 107, 190]),
    ((149, 90), [102, 126, 149]),
    ((178, 235), [3, 30, 62]),
    ((37, 192), [210, 248, 255]),
    ((80, 146), [169, 186, 228]),
    ((107, 56), [233, 0, 41]),
    ((105, 211), [255, 2, 25]),
    ((71, 150), [130, 149, 191]),
    ((152, 213), [97, 126, 164]),
    ((142, 98), [96, 121, 150]),
    ((176, 71), [65, 72, 104]),
    ((170, 221), [166, 199, 213]),
    ((63, 220), [71, 87, 126]),
    ((75, 223), [43, 17, 62]),
    ((116, 203), [157, 181, 209]),
    ((72, 65), [122, 147, 194]),
    ((146, 140), [42, 33, 60]),
    ((105, 201), [67, 103, 136]),
    ((21, 21), [112, 142, 167]),
];
