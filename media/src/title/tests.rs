use super::*;

/// A title in each script; each needs another font than the one before.
const SCRIPTS: [(&str, &str); 12] = [
    ("Latin", "Großes Tor, Zoë!"),
    ("Cyrillic", "Отличный гол"),
    ("Greek", "Υπέροχο γκολ"),
    ("Chinese", "漂亮的进球"),
    ("Japanese", "すばらしいゴール"),
    ("Korean", "멋진 골"),
    ("Hebrew", "שער נהדר"),
    ("Arabic", "هدف رائع"),
    ("Hindi", "शानदार गोल"),
    ("Thai", "ประตูที่ยอดเยี่ยม"),
    ("Tamil", "அருமையான கோல்"),
    ("emoji", "⚽🔥👨‍👩‍👧🇧🇷👍🏽1️⃣"),
];

fn draw(title: &str, width: u32, fonts: &mut TitleFonts) -> Picture {
    TitleBox { title, notes: "", border: [0, 0, 0xFF] }.draw(width, fonts)
}

/// Pixels that are not paper, within the border.
fn ink(picture: &Picture) -> usize {
    picture.rgba.chunks_exact(4).filter(|pixel| **pixel != PAPER && **pixel != [0, 0, 0xFF, 255]).count()
}

fn glyph_ids(text: &str, room: f32, fonts: &mut TitleFonts) -> Vec<u16> {
    let buffer = laid_out(&text::drawable(text), 24.0, room, fonts);
    buffer.layout_runs().flat_map(|run| run.glyphs.iter()).map(|glyph| glyph.glyph_id).collect()
}

#[test]
fn no_script_comes_out_as_empty_boxes() {
    let mut fonts = TitleFonts::load().expect("fonts");
    for (script, title) in SCRIPTS {
        let glyphs = glyph_ids(title, 2000.0, &mut fonts);
        assert!(!glyphs.is_empty() && glyphs.iter().all(|glyph| *glyph != 0), "{script}: {glyphs:?}");
        let letters = title.chars().count();
        let boxes = "\u{0378}".repeat(letters);
        assert!(
            glyph_ids(&boxes, 2000.0, &mut fonts).iter().all(|glyph| *glyph == 0),
            "an unassigned character"
        );
        let (picture, tofu) = (draw(title, 512, &mut fonts), draw(&boxes, 512, &mut fonts));
        assert!(picture != tofu && ink(&picture) > 200, "{script}: {} pixels", ink(&picture));
    }
}

#[test]
fn letters_are_joined_and_reordered_as_their_script_wants() {
    let mut fonts = TitleFonts::load().expect("fonts");
    // Alone, each Arabic letter has another form than in a word; a Hindi conjunct is fewer glyphs than
    // characters; a family of emoji is one picture.
    let word = glyph_ids("هدف", 500.0, &mut fonts);
    let alone: Vec<u16> = ["ف", "د", "ه"].iter().flat_map(|c| glyph_ids(c, 500.0, &mut fonts)).collect();
    assert_ne!(word, alone);
    assert!(glyph_ids("क्ष", 500.0, &mut fonts).len() < 3);
    assert_eq!(glyph_ids("👨‍👩‍👧", 500.0, &mut fonts).len(), 1);
}

#[test]
fn emoji_are_in_colour() {
    let mut fonts = TitleFonts::load().expect("fonts");
    let picture = draw("🔥", 512, &mut fonts);
    let is_colourful = |pixel: &&[u8]| pixel[0] > 200 && pixel[2] < 100;
    assert!(picture.rgba.chunks_exact(4).filter(is_colourful).count() > 50);
}

#[test]
fn a_long_title_ends_in_an_ellipsis_within_the_box() {
    let mut fonts = TitleFonts::load().expect("fonts");
    for (script, title) in SCRIPTS {
        let long = format!("{title} ").repeat(20);
        for room in [60.0, 200.0, 476.0] {
            let buffer = laid_out(&text::drawable(&long), 24.0, room, &mut fonts);
            let runs: Vec<_> = buffer.layout_runs().collect();
            assert_eq!(runs.len(), 1, "{script}");
            for glyph in runs[0].glyphs {
                assert!(glyph.x >= -0.5 && glyph.x + glyph.w <= room + 0.5, "{script} in {room}: {glyph:?}");
            }
        }
        // Between border and text there is paper on both sides.
        let picture = draw(&long, 512, &mut fonts);
        let row = picture.width as usize * 4;
        for side in [5_usize, 506] {
            let column =
                picture.rgba.chunks_exact(row).skip(4).take(42).map(|row| &row[side * 4..side * 4 + 4]);
            assert!(column.into_iter().all(|pixel| pixel == PAPER), "{script}");
        }
    }
}

#[test]
fn overrides_and_control_characters_change_nothing() {
    let mut fonts = TitleFonts::load().expect("fonts");
    let plain = draw("Goal by Noa", 512, &mut fonts);
    for title in [
        "\u{202E}Goal by Noa",
        "Goal\tby\nNoa",
        "\u{2067}Goal by\0Noa\u{2069}",
        "\u{FEFF}Goal by Noa\u{202C}\r\n",
    ] {
        assert!(draw(title, 512, &mut fonts) == plain, "{title:?}");
    }
    // A tower of marks stays in its line.
    let tower = format!("Z{}", "\u{0301}".repeat(190));
    assert!(text::drawable(&tower).chars().count() < 20);
}

#[test]
fn any_text_can_be_drawn_at_any_width() {
    let mut fonts = TitleFonts::load().expect("fonts");
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..20 {
        let letter = |random: &mut fastrand::Rng| match random.u8(..6) {
            0 => random.char('\u{0}'..='\u{2FF}'),
            1 => random.char('\u{590}'..='\u{E7F}'),
            2 => random.char('\u{2000}'..='\u{2BFF}'),
            3 => random.char('\u{1F000}'..='\u{1FAFF}'),
            4 => random.char('\u{FE00}'..='\u{FFFF}'),
            _ => random.char(..),
        };
        let title: String = (0..random.usize(0..25)).map(|_| letter(&mut random)).collect();
        let width = random.u32(1..1600);
        let picture = TitleBox { title: &title, notes: &title, border: [1, 2, 3] }.draw(width, &mut fonts);
        assert_eq!(picture.rgba.len(), (picture.width * picture.height * 4) as usize);
    }
}

#[test]
fn notes_are_cut_between_letters() {
    assert_eq!(text::shortened("Goal", 4), "Goal");
    assert_eq!(text::shortened("A very long note", 7), "A very…");
    assert_eq!(text::shortened("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 2), "👨‍👩‍👧…");
}

#[test]
fn pictures_and_words_are_told_apart() {
    let spans: Vec<_> = text::spans("1st ⚽🔥 goal ©️ ☺︎").collect();
    assert_eq!(spans, [("1st ", false), ("⚽🔥", true), (" goal ", false), ("©️", true), (" ☺︎", false)]);
}
