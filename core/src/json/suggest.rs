//! "Did you mean ...?": the known word that is nearest to an unknown one.

/// ` (did you mean "x"?)`, or nothing when no known word is near.
pub fn did_you_mean<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> String {
    // Longer than any word of ours; comparing it would take longer than reading the whole body.
    if word.len() > 64 {
        return String::new();
    }
    // Names of ours are ASCII; letter case of all scripts would be a fiftieth of the Worker.
    let word = word.to_ascii_lowercase();
    known
        .filter_map(|candidate| nearness(&word, candidate).map(|distance| (distance, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!(" (did you mean \"{candidate}\"?)"))
        .unwrap_or_default()
}

/// How near a word is to a known one: the fewer edits the nearer, and one that is part of the other
/// (`fps` of `target_fps`) is the last resort.
fn nearness(word: &str, candidate: &str) -> Option<usize> {
    let lower = candidate.to_ascii_lowercase();
    let distance = strsim::osa_distance(word, &lower);
    if distance <= (lower.len() / 3).max(1) {
        return Some(distance);
    }
    let part = word.len().min(lower.len()) >= 3 && (lower.contains(word) || word.contains(&lower));
    part.then_some(100 + distance)
}
