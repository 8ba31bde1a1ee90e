//! What the Durable Object of an upload keeps.

use reel_core::object_key::ObjectKey;
use reel_core::time::Millis;
use reel_core::upload::{Plan, Stage, Upload};

use crate::pins::Pins;

pub fn pin(pins: &mut Pins) {
    for (name, stage) in [
        ("open", Stage::Open),
        ("completing", Stage::Completing),
        ("complete", Stage::Complete { etag: "d41d8cd98f00b204e9800998ecf8427e-3".into() }),
        ("aborted", Stage::Aborted),
    ] {
        let upload = Upload {
            key: ObjectKey::parse_input("input/abc/clip.mp4").expect("a key"),
            storage_id: "AB/cd+e=".into(),
            plan: Plan::new(12_000_000, Some(5_242_880)).expect("parts"),
            expires_at: Millis(1_769_850_300_250),
            stage,
        };
        let text = upload.to_stored();
        assert_eq!(Upload::from_stored(&text), Some(upload), "{name}");
        pins.pin(&format!("upload-{name}.json"), &text);
    }
}
