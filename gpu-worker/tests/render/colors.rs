//! Colours of phones and cameras become those that every screen shows, against films that zscale made.

use gpu_worker::render::RenderedVideo;
use reel_core::edit::JobType::Overlay;
use serde_json::json;

use crate::test_videos::TestVideos;

/// Grey with red, green, blue and yellow corners and white in the middle; each part a third of a side.
const PICTURE: &str = "format=gbrp,drawbox=0:0:iw/3:ih/3:red:fill,drawbox=iw*2/3:0:iw/3:ih/3:0x00ff00:fill,\
    drawbox=0:ih*2/3:iw/3:ih/3:blue:fill,drawbox=iw*2/3:ih*2/3:iw/3:ih/3:yellow:fill,\
    drawbox=iw/3:ih/3:iw/3:ih/3:white:fill,scale=out_color_matrix=bt709:out_range=tv,format=yuv444p";
/// To linear light with reference white at 203 cd/m2; zscale needs the tags, which `lavfi` loses.
const LINEAR: &str = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,\
    zscale=tin=709:min=709:pin=709:rin=tv:t=linear:npl=203,format=gbrpf32le";

struct Film {
    size: (usize, usize),
    /// Filters after the picture.
    filters: String,
    /// Primaries, transfer, matrix.
    tags: [&'static str; 3],
}

/// A film in BT.2020 with this transfer.
fn wide(transfer: &'static str) -> Film {
    let filters = format!("{LINEAR},zscale=p=2020:t={transfer}:m=2020_ncl:r=tv:npl=203");
    Film { size: (180, 120), filters, tags: ["bt2020", transfer, "bt2020nc"] }
}

fn render(videos: &TestVideos, film: &Film) -> RenderedVideo {
    let (width, height) = film.size;
    let source = format!("color=0x808080:s={width}x{height}:r=10:d=0.3,{PICTURE}");
    let filters = format!("{},format=yuv444p10le", film.filters);
    let [primaries, transfer, space] = film.tags;
    let tags = ["-color_primaries", primaries, "-color_trc", transfer, "-colorspace", space];
    let codec = ["-f", "lavfi", "-i", &source, "-vf", &filters, "-c:v", "ffv1", "-color_range", "tv"];
    let video = videos.make_video("film.mkv", &[&codec[..], &tags].concat());
    videos.render(Overlay, &json!({}), &video).expect("a reel")
}

/// Checks the corners and the grey; returns the white's channels.
fn check_picture(videos: &TestVideos, reel: &RenderedVideo, name: &str) -> [u8; 3] {
    let (width, height) = (reel.width as usize, reel.height as usize);
    let pixels = videos.frame(1);
    let at = |x: usize, y: usize| {
        let start = (height * y / 6 * width + width * x / 6) * 3;
        [pixels[start], pixels[start + 1], pixels[start + 2]]
    };
    let corners = [((1, 1), [0, 0, 1]), ((5, 1), [0, 1, 0]), ((1, 5), [1, 0, 0]), ((5, 5), [0, 1, 1])];
    for ((x, y), wanted) in corners {
        let found = at(x, y);
        let right = found
            .iter()
            .zip(wanted)
            .all(|(value, full)| if full == 1 { *value >= 215 } else { *value <= 40 });
        assert!(right, "{name}: corner {x},{y} is {found:?}, blue, green, red");
    }
    let grey = at(3, 1);
    assert!(grey.iter().all(|value| value.abs_diff(128) <= 6), "{name}: grey is {grey:?}");
    let stream = &videos.streams("video")[0];
    for tag in ["color_space", "color_transfer", "color_primaries"] {
        assert_eq!(stream[tag].as_str(), Some("bt709"), "{name}: {tag}");
    }
    assert_eq!((stream["color_range"].as_str(), stream["pix_fmt"].as_str()), (Some("tv"), Some("yuv420p")));
    at(3, 3)
}

#[test]
fn high_dynamic_range_keeps_white_grey_and_colours() {
    let odd = Film { size: (181, 121), ..wide("arib-std-b67") };
    let half_tagged = |transfer| Film { tags: ["unknown", transfer, "unknown"], ..wide(transfer) };
    let films = [
        ("HLG", wide("arib-std-b67")),
        ("PQ", wide("smpte2084")),
        ("HLG with odd sides", odd),
        ("HLG without the other tags", half_tagged("arib-std-b67")),
        ("PQ without the other tags", half_tagged("smpte2084")),
    ];
    for (name, film) in films {
        let videos = TestVideos::new();
        let reel = render(&videos, &film);
        let white = check_picture(&videos, &reel, name);
        assert!(white.iter().all(|value| (235..=245).contains(value)), "{name}: white is {white:?}");
        assert_eq!(videos.files(), ["film.mkv", "reel.mp4"], "nothing is left behind");
    }
}

#[test]
fn wide_gamut_without_high_dynamic_range_is_mapped_into_bt_709() {
    let filters = |primaries: &str, matrix: &str| {
        format!("zscale=tin=709:min=709:pin=709:rin=tv:p={primaries}:t=709:m={matrix}:r=tv")
    };
    let films = [
        ("BT.2020", filters("2020", "2020_ncl"), ["bt2020", "bt2020-10", "bt2020nc"]),
        ("P3", filters("smpte432", "709"), ["smpte432", "bt709", "bt709"]),
    ];
    for (name, filters, tags) in films {
        let videos = TestVideos::new();
        let reel = render(&videos, &Film { size: (180, 120), filters, tags });
        let white = check_picture(&videos, &reel, name);
        assert!(white.iter().all(|value| *value >= 250), "{name}: white is {white:?}");
    }
}

#[test]
fn another_matrix_and_range_are_converted_whatever_the_size() {
    let to = |matrix: &str, range: &str| {
        format!("scale=in_color_matrix=bt709:in_range=tv:out_color_matrix={matrix}:out_range={range}")
    };
    for size in [(180, 120), (181, 121)] {
        for (matrix, range, space) in
            [("bt601", "tv", "smpte170m"), ("bt601", "tv", "unknown"), ("bt709", "tv", "bt709")]
        {
            let videos = TestVideos::new();
            let film = Film { size, filters: to(matrix, range), tags: ["bt709", "bt709", space] };
            let name = format!("{matrix} tagged {space}, {size:?}");
            let reel = render(&videos, &film);
            let white = check_picture(&videos, &reel, &name);
            assert!(white.iter().all(|value| *value >= 250), "{name}: white is {white:?}");
        }
    }
}

#[test]
fn red_green_and_blue_of_a_screen_recorder_keep_their_colours_to_the_last_column() {
    let videos = TestVideos::new();
    let source = "color=0xc83264:s=181x121:r=10:d=0.3,format=gbrp";
    let video = videos.make_video("screen.mkv", &["-f", "lavfi", "-i", source, "-c:v", "ffv1"]);
    let params = json!({"crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 181, "height": 121}],
        "output_width": 182, "output_height": 122});
    videos.render(reel_core::edit::JobType::Framing, &params, &video).expect("a reel");
    let pixels = videos.frame(1);
    for (x, y) in [(0, 0), (90, 60), (181, 0), (181, 121)] {
        let found: Vec<u8> = pixels.iter().skip((y * 182 + x) * 3).take(3).copied().collect();
        let near = found.iter().zip([0x64, 0x32, 0xc8]).all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 4);
        assert!(near, "{x},{y}: {found:?}");
    }
}
