//! What the sweep does with a row of the index, once the job's object was shown it.

use crate::http::problem::Problem;
use crate::objects::job::JobReply;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowAction {
    /// The object has the job, and repairs the row itself.
    Keep,
    /// The object holds no job: the row is left over from one that was deleted.
    Remove,
    /// Nobody knows: the next run asks again.
    AskAgain,
}

/// Decides by the object's own word. A failure on the way to it is none.
pub fn row_action(reply: &Result<JobReply, Problem>) -> RowAction {
    match reply {
        Ok(JobReply::NotFound) => RowAction::Remove,
        Ok(JobReply::Problem(_)) | Err(_) => RowAction::AskAgain,
        Ok(
            JobReply::Json(_)
            | JobReply::HasOutput(_)
            | JobReply::HasNoOutput
            | JobReply::Deleted
            | JobReply::InputsMissing,
        ) => RowAction::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::ProblemCode;

    #[test]
    fn a_row_goes_only_by_the_objects_own_word() {
        assert_eq!(row_action(&Ok(JobReply::NotFound)), RowAction::Remove);
        assert_eq!(row_action(&Ok(JobReply::Json("{}".into()))), RowAction::Keep);
        for problem in [
            Problem::job_not_found(),
            Problem::internal(),
            Problem::new(ProblemCode::RouteNotFound, "404 of somebody else"),
        ] {
            assert_eq!(row_action(&Ok(JobReply::Problem(problem.clone()))), RowAction::AskAgain);
            assert_eq!(row_action(&Err(problem)), RowAction::AskAgain);
        }
    }
}
