//! The short forms of the command line: `0-60@640,360,120,200`, `0:100,0,405,720`, `1080x1920`.
//!
//! Only the form is checked here. The API checks the values, so that there is one set of rules.

use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// A highlighted ellipse over a range of frames. It serialises as one entry of `highlight_regions`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegionArg {
    start_frame: u32,
    end_frame: u32,
    x: f64,
    y: f64,
    radius_x: f64,
    radius_y: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    opacity: Option<f64>,
}

/// A crop rectangle at one frame. It serialises as one entry of `crop_keyframes`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CropArg {
    frame: u32,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// Width and height in pixels; the API works out the one that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeArg {
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}

/// Why a short form could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseArgError {
    /// The separators are missing or wrong.
    #[error("expected {0}")]
    Form(&'static str),
    /// One value is not a number.
    #[error("{part} must be {expected}, not \"{actual}\"")]
    Part {
        /// Its name in the form.
        part: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        actual: String,
    },
}

impl FromStr for RegionArg {
    type Err = ParseArgError;

    fn from_str(text: &str) -> Result<Self, ParseArgError> {
        const FORM: ParseArgError = ParseArgError::Form(
            "START-END@X,Y,RX,RY or START-END@X,Y,RX,RY,OPACITY, such as 0-60@640,360,120,200",
        );
        let (frames, ellipse) = text.split_once('@').ok_or(FORM)?;
        let (start, end) = frames.split_once('-').ok_or(FORM)?;
        let parts: Vec<&str> = ellipse.split(',').collect();
        let (x, y, radius_x, radius_y, opacity) = match parts[..] {
            [x, y, rx, ry] => (x, y, rx, ry, None),
            [x, y, rx, ry, opacity] => (x, y, rx, ry, Some(opacity)),
            _ => return Err(FORM),
        };
        Ok(Self {
            start_frame: frame("START", start)?,
            end_frame: frame("END", end)?,
            x: number("X", x)?,
            y: number("Y", y)?,
            radius_x: number("RX", radius_x)?,
            radius_y: number("RY", radius_y)?,
            opacity: opacity.map(|opacity| number("OPACITY", opacity)).transpose()?,
        })
    }
}

impl FromStr for CropArg {
    type Err = ParseArgError;

    fn from_str(text: &str) -> Result<Self, ParseArgError> {
        const FORM: ParseArgError = ParseArgError::Form("FRAME:X,Y,WIDTH,HEIGHT, such as 0:100,0,405,720");
        let (at, rectangle) = text.split_once(':').ok_or(FORM)?;
        let parts: Vec<&str> = rectangle.split(',').collect();
        let [x, y, width, height] = parts[..] else { return Err(FORM) };
        Ok(Self {
            frame: frame("FRAME", at)?,
            x: number("X", x)?,
            y: number("Y", y)?,
            width: number("WIDTH", width)?,
            height: number("HEIGHT", height)?,
        })
    }
}

impl FromStr for SizeArg {
    type Err = ParseArgError;

    fn from_str(text: &str) -> Result<Self, ParseArgError> {
        const FORM: ParseArgError =
            ParseArgError::Form("WIDTHxHEIGHT, such as 1080x1920, or one of them, such as 1080x or x1920");
        let (width, height) = text.split_once(['x', 'X']).ok_or(FORM)?;
        let side = |part, text: &str| (!text.trim().is_empty()).then(|| pixels(part, text)).transpose();
        match (side("WIDTH", width)?, side("HEIGHT", height)?) {
            (None, None) => Err(FORM),
            (width, height) => Ok(Self { width, height }),
        }
    }
}

fn frame(part: &'static str, text: &str) -> Result<u32, ParseArgError> {
    integer(part, "a frame number", text)
}

fn pixels(part: &'static str, text: &str) -> Result<u32, ParseArgError> {
    integer(part, "a whole number of pixels", text)
}

fn integer(part: &'static str, expected: &'static str, text: &str) -> Result<u32, ParseArgError> {
    text.trim().parse().map_err(|_| ParseArgError::Part { part, expected, actual: text.to_owned() })
}

fn number(part: &'static str, text: &str) -> Result<f64, ParseArgError> {
    match text.trim().parse::<f64>() {
        // JSON has no infinity and no NaN.
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(ParseArgError::Part { part, expected: "a number", actual: text.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_region_becomes_a_fixed_ellipse() {
        let region: RegionArg = "0-60@640,360.5,120,-200".parse().unwrap();
        assert_eq!(
            serde_json::to_value(&region).unwrap(),
            json!({"start_frame": 0, "end_frame": 60, "x": 640.0, "y": 360.5, "radius_x": 120.0, "radius_y": -200.0})
        );
        let region: RegionArg = "5-6@-1,2,3,4,0.25".parse().unwrap();
        assert_eq!(serde_json::to_value(&region).unwrap()["opacity"], json!(0.25));
    }

    #[test]
    fn a_crop_becomes_a_keyframe() {
        let crop: CropArg = "131: 775, 0, 405, 720".parse().unwrap();
        assert_eq!(
            serde_json::to_value(&crop).unwrap(),
            json!({"frame": 131, "x": 775.0, "y": 0.0, "width": 405.0, "height": 720.0})
        );
    }

    #[test]
    fn a_size_is_two_whole_numbers() {
        assert_eq!("1080x1920".parse(), Ok(SizeArg { width: Some(1080), height: Some(1920) }));
        assert_eq!("640x".parse(), Ok(SizeArg { width: Some(640), height: None }));
        assert_eq!("x360".parse(), Ok(SizeArg { width: None, height: Some(360) }));
        assert!("1080".parse::<SizeArg>().is_err() && "x".parse::<SizeArg>().is_err());
        assert_eq!(
            "10.5x3".parse::<SizeArg>().unwrap_err().to_string(),
            "WIDTH must be a whole number of pixels, not \"10.5\""
        );
    }

    #[test]
    fn an_error_shows_an_example_or_the_name_of_the_wrong_value() {
        for wrong in ["", "0-60", "0@1,2,3,4", "0-60@1,2,3", "0-60@1,2,3,4,5,6"] {
            let error = wrong.parse::<RegionArg>().unwrap_err().to_string();
            assert!(error.contains("such as 0-60@640,360,120,200"), "{wrong}: {error}");
        }
        for (wrong, part) in
            [("-1-60@1,2,3,4", "START"), ("0-b@1,2,3,4", "END"), ("0-1@1,2,3,inf", "RY"), ("0-1@1,,3,4", "Y")]
        {
            let error = wrong.parse::<RegionArg>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{part} must be")), "{wrong}: {error}");
        }
        for wrong in ["0", "0:1,2,3", "0:1,2,3,4,5"] {
            let error = wrong.parse::<CropArg>().unwrap_err().to_string();
            assert!(error.contains("such as 0:100,0,405,720"), "{wrong}: {error}");
        }
    }
}
