//! Rows as they come back through `src/platform/bindings.mjs`: one text, with a control character of ASCII after each
//! row and each answer. Rows are JSON, or ids and keys, which hold none; so nothing is escaped and read again.

/// The rows of each statement.
pub fn answers(text: &str) -> Vec<Vec<String>> {
    text.split_terminator(ANSWER_END).map(rows).collect()
}

/// The rows of one statement.
pub fn rows(text: &str) -> Vec<String> {
    text.split_terminator(ROW_END).map(str::to_owned).collect()
}

/// Information separator two.
const ROW_END: char = '\u{1e}';
/// Information separator three.
const ANSWER_END: char = '\u{1d}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_row_is_a_row_and_an_empty_answer_is_an_answer() {
        assert_eq!(rows(""), Vec::<String>::new());
        assert_eq!(rows("\u{1e}a\u{1e}"), ["", "a"]);
        assert_eq!(answers(""), Vec::<Vec<String>>::new());
        assert_eq!(answers("{}\u{1e}{}\u{1e}\u{1d}\u{1d}"), [vec!["{}", "{}"], vec![]]);
    }
}
