//! "Did you mean …?": the known word that is most similar to an unknown one.

/// ` (did you mean "x"?)`, or an empty text when no known word is similar.
pub fn did_you_mean<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> String {
    // Longer than any known word, and comparing it would take longer than reading the whole body.
    if word.len() > 64 {
        return String::new();
    }
    // Known words are ASCII. Lower case of all scripts would add a fiftieth to the Worker's size.
    let word = word.to_ascii_lowercase();
    known
        .filter_map(|candidate| distance_to(&word, candidate).map(|distance| (distance, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!(" (did you mean \"{candidate}\"?)"))
        .unwrap_or_default()
}

/// How far a word is from a known one: the number of edits. A word that is part of the other (`fps` of
/// `target_fps`) counts as further than any number of edits.
fn distance_to(word: &str, candidate: &str) -> Option<usize> {
    let lower = candidate.to_ascii_lowercase();
    let distance = strsim::osa_distance(word, &lower);
    if distance <= (lower.len() / 3).max(1) {
        return Some(distance);
    }
    let part = word.len().min(lower.len()) >= 3 && (lower.contains(word) || word.contains(&lower));
    part.then_some(100 + distance)
}
