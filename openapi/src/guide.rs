//! The tables of the guide to errors, from the tables of the code.

use std::fmt::Write as _;

use reel_core::http::problem::ProblemCode;
use reel_core::job::error_code::ErrorCode;

use crate::problems::{job_remedy, remedy};

/// The guide, by its path in the repository.
pub const ERRORS: &str = "docs/guides/errors.md";

const END: &str = "<!-- end -->";

/// The guide with its tables as the code says them. Its other text is what was committed.
pub fn errors() -> String {
    let guide = include_str!("../../docs/guides/errors.md");
    let guide = with_table(guide, "problem codes", &problem_table());
    with_table(&guide, "error codes", &job_table())
}

/// Puts a table between the comment that names it and the next end.
fn with_table(guide: &str, name: &str, table: &str) -> String {
    let start = format!("<!-- {name}: written by `npm run openapi` -->\n");
    let (before, rest) =
        guide.split_once(&start).unwrap_or_else(|| panic!("{ERRORS} has no place for the {name}"));
    let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("{ERRORS}: the {name} have no end"));
    format!("{before}{start}{table}{END}{after}")
}

fn problem_table() -> String {
    let mut codes = ProblemCode::ALL.to_vec();
    codes.sort_by_key(|code| (code.status(), code.as_str()));
    let mut table = "| `code` | Status | Meaning | What to do |\n|---|---|---|---|\n".to_owned();
    for code in codes {
        let _ = writeln!(table, "| `{code}` | {} | {} | {} |", code.status(), code.title(), remedy(code));
    }
    table
}

fn job_table() -> String {
    let mut table =
        "| `error_code` | What a person reads | Repeated by itself | `retryable` | What to do |\n\
        |---|---|---|---|---|\n"
            .to_owned();
    let word = |yes: bool| if yes { "yes" } else { "no" };
    for code in ErrorCode::ALL {
        let (message, todo) = (code.default_message(), job_remedy(code));
        let (again, retryable) = (word(code.auto_retry()), word(code.retryable()));
        let _ = writeln!(table, "| `{code}` | {message} | {again} | {retryable} | {todo} |");
    }
    table
}
