//! Pictures of tests in blue, green, red, as the golden values have them, to and from planes.

use reel_core::edit::FrameSize;

use super::frame::Frame;

/// A frame of one colour.
pub fn flat(size: FrameSize, pixel: [u8; 3]) -> Frame {
    picture(size, |_, _| pixel)
}

/// A frame with detail: saw teeth, the same as the script made that the golden values come from.
pub fn detailed() -> Frame {
    picture(FrameSize { width: 160, height: 120 }, |x, y| {
        [0, 1, 2].map(|c| {
            let value = x * 7 + y * 13 + c * 29 + x * y / 5 + (x / 9 + y / 7) % 3 * 61;
            u8::try_from(value % 256).expect("a byte")
        })
    })
}

/// A frame of the pixels that `of` gives; colour is the mean of two by two.
pub fn picture(size: FrameSize, of: impl Fn(u32, u32) -> [u8; 3]) -> Frame {
    let mut frame = Frame::black(size);
    let FrameSize { width, height } = size;
    let [luma, blue, red] = frame.planes_mut();
    for y in 0..height {
        for x in 0..width {
            luma.bytes[(y * width + x) as usize] = to_byte(16.0 + 219.0 * planes(of(x, y))[0]);
        }
    }
    for (index, plane) in [(1, blue), (2, red)] {
        for (y, x) in (0..height.div_ceil(2)).flat_map(|y| (0..plane.width).map(move |x| (y, x))) {
            let pixels = [(0, 0), (1, 0), (0, 1), (1, 1)]
                .map(|(dx, dy)| planes(of((2 * x + dx).min(width - 1), (2 * y + dy).min(height - 1)))[index]);
            let mean = pixels.iter().sum::<f64>() / 4.0;
            plane.bytes[(y * plane.width + x) as usize] = to_byte(128.0 + 224.0 * mean);
        }
    }
    frame
}

/// A pixel in blue, green, red.
pub fn bgr(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
    let [luma, blue, red] = frame.planes();
    let light = (f64::from(luma.row(y)[x as usize]) - 16.0) / 219.0;
    let [cb, cr] = [blue, red].map(|plane| (f64::from(plane.row(y / 2)[x as usize / 2]) - 128.0) / 224.0);
    let (blue, red) = (light + 1.8556 * cb, light + 1.5748 * cr);
    let green = (light - 0.2126 * red - 0.0722 * blue) / 0.7152;
    [blue, green, red].map(|channel| to_byte(channel * 255.0))
}

/// Asserts that no channel differs by more than `most`.
#[track_caller]
pub fn assert_near(found: [u8; 3], expected: [u8; 3], most: u8, what: &str) {
    let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= most);
    assert!(near, "{what}: {found:?}, not {expected:?}");
}

fn planes([b, g, r]: [u8; 3]) -> [f64; 3] {
    let [b, g, r] = [b, g, r].map(|channel| f64::from(channel) / 255.0);
    let light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [light, (b - light) / 1.8556, (r - light) / 1.5748]
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn to_byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
