//! The blur against OpenCV's.

use reel_core::edit::FrameSize;

use super::*;
use crate::test_picture::{bgr, detailed};

/// The blurred part of a frame; the rest is black.
fn blurred(frame: &Frame, view: PixelRect) -> Frame {
    let mut blur = GaussianBlur::new();
    blur.apply(frame, view);
    let mut result = Frame::black(frame.size());
    let mut buffers = RowBuffers::default();
    for (index, plane) in result.planes_mut().into_iter().enumerate() {
        let by = if index == 0 { 1 } else { 2 };
        let columns = (view.x / by) as usize..(view.x + view.width).div_ceil(by) as usize;
        for y in view.y / by..(view.y + view.height).div_ceil(by) {
            let start = (y * plane.width) as usize;
            let row = &mut plane.bytes[start..start + plane.width as usize];
            row[columns.clone()].copy_from_slice(blur.row(index, y, &mut buffers));
        }
    }
    result
}

#[test]
fn a_blurred_picture_is_opencvs_within_two_levels() {
    let frame = detailed();
    let blurred = blurred(&frame, frame.bounds());
    for ((x, y), expected) in BLURRED {
        let found = bgr(&blurred, *x, *y);
        // A step of the blue difference is 2.1 of 255 in blue.
        let near = found.iter().zip(expected).zip([4, 2, 2]).all(|((a, b), most)| a.abs_diff(*b) <= most);
        assert!(near, "{x},{y}: {found:?}, not {expected:?}");
    }
}

/// Whether a pixel is white.
type Pattern = fn(u32, u32) -> bool;

#[test]
fn edges_and_stripes_of_every_width_are_blurred_as_by_the_whole_kernel() {
    let patterns: [(&str, Pattern); 8] = [
        ("edge", |x, y| x + y / 3 < 60),
        ("border", |x, _| x < 6),
        ("stripes of 2", |x, _| x % 4 < 2),
        ("stripes of 3", |x, y| (x + y) % 6 < 3),
        ("stripes of 4", |_, y| y % 8 < 4),
        ("stripes of 5", |x, _| x % 10 < 5),
        ("stripes of 9", |x, _| x % 18 < 9),
        ("stripes of 20", |x, _| x % 40 < 20),
    ];
    let (width, height) = (131, 77);
    let bell: Vec<f64> = (-25..=25).map(|x| (-f64::from(x * x) / (2.0 * 64.0)).exp()).collect();
    let sum: f64 = bell.iter().sum();
    for (name, is_white) in patterns {
        let of = |x: u32, y: u32| if is_white(x, y) { 235 } else { 16 };
        let mut frame = Frame::black(FrameSize { width, height });
        for (index, byte) in (0..).zip(frame.planes_mut()[0].bytes.iter_mut()) {
            *byte = of(index % width, index / width);
        }
        let found = blurred(&frame, frame.bounds());
        for (x, y) in [(0, 0), (5, 40), (30, 20), (61, 38), (77, 3), (130, 76), (100, 50), (47, 11)] {
            let mut wanted = 0.0;
            for (by_y, down) in (-25..=25).zip(&bell) {
                for (by_x, across) in (-25..=25).zip(&bell) {
                    let (x, y) = (reflect_101(x + by_x, width), reflect_101(y + by_y, height));
                    wanted += f64::from(of(x, y)) * down * across / (sum * sum);
                }
            }
            let row = found.planes()[0].row(u32::try_from(y).expect("a row"));
            let value = f64::from(row[index(x)]);
            assert!((value - wanted).abs() <= 2.0, "{name} at {x},{y}: {value}, not {wanted}");
        }
    }
}

#[test]
fn every_view_gives_the_same_bytes() {
    let frame = detailed();
    let whole = blurred(&frame, frame.bounds());
    for (x, y, width, height) in [(0, 0, 10, 10), (2, 4, 30, 31), (38, 22, 71, 64), (158, 118, 2, 2)] {
        let part = blurred(&frame, PixelRect { x, y, width, height });
        for row in y..y + height {
            for column in x..x + width {
                assert_eq!(bgr(&part, column, row), bgr(&whole, column, row), "{column},{row}");
            }
        }
    }
}

#[test]
fn a_flat_picture_stays_flat_at_any_size() {
    for (width, height) in [(16, 16), (17, 19), (1, 1), (2, 300), (301, 2)] {
        for value in [16, 128, 235, 255] {
            let mut frame = Frame::black(FrameSize { width, height });
            frame.bytes_mut().fill(value);
            assert_eq!(blurred(&frame, frame.bounds()), frame, "{width}x{height} of {value}");
        }
    }
}

#[test]
fn borders_are_mirrored_without_repeating_the_edge() {
    let indices: Vec<u32> = (-3..7).map(|i| reflect_101(i, 4)).collect();
    assert_eq!(indices, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
    assert_eq!(reflect_101(-100, 1), 0);
}

/// `cv2.GaussianBlur(frame, (51, 51), 0)` of opencv-python-headless 5.0: corners, borders
/// and ten pixels inside, blue, green, red.
#[rustfmt::skip]
const BLURRED: &[((u32, u32), [u8; 3])] = &[
    ((0, 0), [118, 127, 125]),
    ((159, 0), [132, 130, 127]),
    ((0, 119), [126, 128, 128]),
    ((159, 119), [128, 128, 128]),
    ((80, 0), [133, 129, 125]),
    ((0, 60), [137, 134, 129]),
    ((159, 60), [128, 129, 130]),
    ((80, 119), [131, 130, 128]),
    ((60, 75), [135, 131, 123]),
    ((139, 16), [127, 128, 128]),
    ((94, 117), [128, 128, 126]),
    ((154, 60), [128, 129, 130]),
    ((148, 8), [129, 130, 129]),
    ((155, 1), [132, 131, 129]),
    ((120, 33), [129, 127, 128]),
    ((141, 29), [127, 126, 126]),
    ((49, 91), [131, 134, 134]),
    ((120, 69), [126, 127, 128]),
];
