//! What the guides show is what the readers take.

use std::fs;
use std::path::Path;

use reel_core::http::requests::description::read_as;
use serde_json::Value;

#[test]
fn every_example_of_the_guide_to_editing_is_taken() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/editing.md");
    let guide = fs::read_to_string(guide).expect("the guide");
    let mut count = 0;
    for part in guide.split("\n## ").skip(1) {
        let heading = part.lines().next().unwrap_or_default();
        let params = match heading {
            "Framing" => "FramingParams",
            "Annotate" => "AnnotateParams",
            _ => "OverlayParams",
        };
        for block in part.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let example: Value = serde_json::from_str(block).expect("JSON");
            assert_eq!(read_as(params, &example), Ok(()), "{heading}: {block}");
            count += 1;
        }
    }
    assert!(count >= 5, "only {count} examples were found");
}
