//! The conversion against BT.2408's figures and the shapes that it must have.

use super::*;

const HLG: ColorMap = ColorMap { transfer: Transfer::Hlg, gamut: Gamut::Bt2020 };
const PQ: ColorMap = ColorMap { transfer: Transfer::Pq, gamut: Gamut::Bt2020 };

/// The output for a grey signal in percent, in 255ths.
fn grey(map: ColorMap, percent: f64) -> f64 {
    let [r, g, b] = map.map([percent / 100.0; 3]).map(|channel| channel * 255.0);
    assert!((r - g).abs() < 0.1 && (g - b).abs() < 0.1, "a tint: {r} {g} {b}");
    g
}

#[test]
fn the_levels_of_bt_2408_come_out_as_ordinary_video_has_them() {
    // Reference white: 75 % of HLG, 58 % of PQ, at 203 cd/m2.
    for white in [grey(HLG, 75.0), grey(PQ, 58.07)] {
        assert!((235.0..=241.0).contains(&white), "white at {white}");
    }
    // A grey card of 18 %: 38 % of both, at 26 cd/m2; a camera of ordinary video gives 104.
    for card in [grey(HLG, 38.0), grey(PQ, 38.0)] {
        assert!((card - 108.0).abs() <= 4.0, "a grey card at {card}");
    }
    assert!(grey(HLG, 0.0).abs() < 1e-6 && grey(PQ, 0.0).abs() < 1e-6, "black stays black");
}

#[test]
fn highlights_above_white_stay_distinct() {
    // 203, 314, 400, 600 and 1,000 cd/m2.
    let hlg = [75.0, 82.5, 86.2, 92.0, 100.0].map(|percent| grey(HLG, percent));
    let pq = [58.1, 62.8, 65.4, 69.7, 75.2].map(|percent| grey(PQ, percent));
    for levels in [hlg, pq] {
        assert!(levels.windows(2).all(|pair| pair[1] - pair[0] >= 1.2), "{levels:?}");
        assert!(levels[4] <= 255.001, "{levels:?}");
    }
}

#[test]
fn colours_of_bt_709_in_a_wider_gamut_come_back() {
    // Rows of the inverse matrices: red, green, blue of BT.709 in the wider gamut.
    let bt2020 = [[0.6274, 0.0691, 0.0164], [0.3293, 0.9195, 0.0880], [0.0433, 0.0114, 0.8956]];
    let p3 = [[0.8225, 0.0332, 0.0171], [0.1775, 0.9668, 0.0724], [0.0, 0.0, 0.9105]];
    for (gamut, colors) in [(Gamut::Bt2020, bt2020), (Gamut::P3, p3)] {
        let map = ColorMap { transfer: Transfer::Sdr, gamut };
        for (index, color) in colors.iter().enumerate() {
            let found = map.map(color.map(|light: f64| light.powf(1.0 / 2.4)));
            for (channel, value) in found.iter().enumerate() {
                let wanted = if channel == index { 1.0 } else { 0.0 };
                assert!((value - wanted).abs() < 0.05, "{gamut:?}, {index}: {found:?}");
            }
        }
        let [r, g, b] = map.map([1.0, 0.0, 0.0]);
        assert!(r > 0.999 && g < 0.001 && b < 0.001, "the purest red: {r} {g} {b}");
        let grey = map.map([0.5; 3]);
        assert!(grey.iter().all(|channel| (channel - 0.5).abs() < 1e-4), "{grey:?}");
    }
}

#[test]
fn the_table_is_as_good_as_the_formula() {
    for transfer in [Transfer::Sdr, Transfer::Hlg, Transfer::Pq] {
        let map = ColorMap { transfer, gamut: Gamut::Bt2020 };
        let cube = map.cube();
        let table: Vec<[f64; 3]> = cube
            .lines()
            .skip(1)
            .map(|line| {
                let mut numbers = line.split(' ').map(|number| number.parse::<f64>().expect("a number"));
                [0; 3].map(|_| numbers.next().expect("three numbers"))
            })
            .collect();
        assert_eq!(table.len(), 49 * 49 * 49);
        // Greys between the table's colours, where ffmpeg interpolates between two of them.
        let mut worst: f64 = 0.0;
        for step in 0..=1000 {
            let signal = f64::from(step) / 1000.0;
            let at = signal * 48.0;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 48")]
            let index = |steps: f64| steps as usize * (1 + 49 + 49 * 49);
            let (low, high) = (table[index(at.floor())][1], table[index(at.ceil())][1]);
            let interpolated = low + (high - low) * at.fract();
            worst = worst.max((interpolated - map.map([signal; 3])[1]).abs() * 255.0);
        }
        assert!(worst <= 1.5, "{transfer:?}: {worst} of 255");
    }
}
