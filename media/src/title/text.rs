//! Text as people send it, made fit for one line of a title.
//!
//! Invariant: what comes out has no control characters and none that turn the rest of the line around, and
//! is cut only between what a reader takes for letters.

use std::borrow::Cow;

use unicode_properties::{EmojiStatus, UnicodeEmoji};
use unicode_segmentation::UnicodeSegmentation;

/// More marks on one letter are a prank, not a language.
const MAX_LETTER_CHARS: usize = 16;

/// The text without what does not belong into a line: control characters become spaces, and marks that
/// override the direction of writing are left out, because they reach beyond the words that hold them.
pub(super) fn drawable(text: &str) -> String {
    let plain = |c: char| match c {
        // Embeddings, overrides and isolates of the bidirectional algorithm; interlinear annotations;
        // deprecated format characters.
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{206F}' | '\u{FFF9}'..='\u{FFFB}' | '\u{FEFF}' => None,
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => Some(' '),
        c => Some(c),
    };
    let text: String = text.chars().filter_map(plain).collect();
    let letters = text.trim().graphemes(true).map(|letter| {
        let end = letter.char_indices().nth(MAX_LETTER_CHARS).map_or(letter.len(), |(end, _)| end);
        letter.get(..end).unwrap_or(letter)
    });
    letters.collect()
}

/// At most this many letters, the last an ellipsis when some were cut off.
pub(super) fn shortened(text: &str, max_letters: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.grapheme_indices(true).nth(max_letters) else { return text.into() };
    let kept: String = text.graphemes(true).take(max_letters.saturating_sub(1)).collect();
    debug_assert!(kept.len() < end);
    format!("{}…", kept.trim_end()).into()
}

/// Runs of text, and whether they are pictures.
pub(super) fn spans(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first_is_emoji = is_emoji(rest.graphemes(true).next()?);
        let end = rest.grapheme_indices(true).find(|(_, letter)| is_emoji(letter) != first_is_emoji);
        let (span, after) = rest.split_at(end.map_or(rest.len(), |(end, _)| end));
        rest = after;
        Some((span, first_is_emoji))
    })
}

/// Whether a reader expects a picture in colour: by Unicode's default, or because a selector says so.
fn is_emoji(letter: &str) -> bool {
    let is_picture = |c: char| {
        matches!(
            c.emoji_status(),
            EmojiStatus::EmojiPresentation
                | EmojiStatus::EmojiPresentationAndModifierBase
                | EmojiStatus::EmojiPresentationAndEmojiComponent
                | EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent
        )
    };
    !letter.contains('\u{FE0E}')
        && (letter.contains('\u{FE0F}') || letter.chars().next().is_some_and(is_picture))
}
