use super::*;

/// What is chosen among these streams: the picture's index and the numbers of the sound tracks.
fn chosen(streams: &str) -> Result<(usize, Vec<u32>), String> {
    let output: FfprobeOutput = serde_json::from_str(&format!(r#"{{"streams":[{streams}]}}"#)).expect("JSON");
    let chosen = output.choose().map_err(|error| error.to_string())?;
    Ok((chosen.picture.index, chosen.sound_tracks.iter().map(|track| track.number).collect()))
}

fn picture(index: usize, width: u32, more: &str) -> String {
    format!(
        r#"{{"index":{index},"codec_type":"video","codec_name":"h264","width":{width},"height":{width}{more}}}"#
    )
}

fn sound(index: usize, codec: &str) -> String {
    format!(r#"{{"index":{index},"codec_type":"audio","codec_name":"{codec}","channels":2}}"#)
}

const DEFAULT: &str = r#","disposition":{"default":1}"#;

#[test]
fn the_default_picture_comes_first_then_the_largest_then_the_first() {
    let chosen = |pictures: &[String]| chosen(&pictures.join(",")).expect("a picture").0;
    assert_eq!(chosen(&[picture(0, 160, ""), picture(1, 640, DEFAULT), picture(2, 1920, "")]), 1);
    assert_eq!(chosen(&[picture(0, 160, DEFAULT), picture(1, 640, DEFAULT)]), 1);
    assert_eq!(chosen(&[picture(0, 640, ""), picture(1, 640, "")]), 0);
}

#[test]
fn covers_thumbnails_stills_and_unreadable_pictures_are_no_film() {
    for other in ["attached_pic", "timed_thumbnails", "still_image"] {
        let cover = picture(0, 4000, &format!(r#","disposition":{{"default":1,"{other}":1}}"#));
        assert_eq!(chosen(&[cover, picture(1, 640, "")].join(",")), Ok((1, vec![])), "{other}");
    }
    let still = picture(0, 4000, r#","nb_frames":"1""#);
    assert_eq!(chosen(&[still.clone(), picture(1, 640, r#","nb_frames":"90""#)].join(",")), Ok((1, vec![])));
    assert_eq!(chosen(&still), Ok((0, vec![])), "a film of one picture");
    let unreadable = picture(0, 4000, DEFAULT).replace("h264", "unknown");
    assert_eq!(chosen(&[unreadable.clone(), picture(1, 640, "")].join(",")), Ok((1, vec![])));
    assert!(chosen(&unreadable).expect_err("refused").contains("codec (unknown)"));
}

#[test]
fn unreadable_sound_is_passed_over_and_counted() {
    let streams =
        [sound(0, "unknown"), picture(1, 640, ""), sound(2, "aac"), sound(3, "hca"), sound(4, "opus")];
    assert_eq!(chosen(&streams.join(",")), Ok((1, vec![2, 4])));
}

#[test]
fn encrypted_films_are_called_encrypted() {
    for sign in [
        r#","codec_tag_string":"encv""#,
        r#","codec_tag_string":"drmi""#,
        r#","side_data_list":[{"side_data_type":"Encryption initialization data"}]"#,
    ] {
        assert!(chosen(&picture(0, 640, sign)).expect_err("refused").contains("encrypted"), "{sign}");
    }
}
