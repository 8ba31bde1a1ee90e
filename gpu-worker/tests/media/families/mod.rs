//! The table of all kinds, family by family.

mod broken;
mod browsers;
mod clocks;
mod codecs;
mod colours;
mod edits;
mod rates;
mod shapes;
mod tracks;

use crate::kind::Kind;

pub fn all() -> Vec<Kind> {
    let families = [
        rates::kinds(),
        browsers::kinds(),
        clocks::kinds(),
        colours::kinds(),
        shapes::kinds(),
        tracks::kinds(),
        codecs::kinds(),
        edits::kinds(),
        broken::kinds(),
    ];
    families.into_iter().flatten().collect()
}
