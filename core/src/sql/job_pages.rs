//! Pages of the rows of jobs: from which ranges of which indexes a page is read.
//!
//! Invariant: each row is in exactly one range, whatever its words, and each range is a piece of one index in
//! the order of the list. So a page costs what it holds, not what the table holds. The words below are those
//! of the indexes (`migrations/0009_lists.sql`); rows with newer words are in the range of all others.

use crate::base::owner::Visibility;
use crate::edit::JobType;
use crate::job::status::JobStatus;
use crate::sql::jobs::Cursor;
use crate::sql::statement::{SqlStatement, SqlValue};

/// One page of jobs, newest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct JobPageQuery<'q> {
    /// Whose.
    pub(super) visibility: Visibility,
    /// Only of this project.
    pub(super) project_id: Option<i64>,
    /// Only in this status.
    pub(super) status: Option<JobStatus>,
    /// Only of this type.
    pub(super) job_type: Option<JobType>,
    /// Only with this label, as `key:value`.
    pub(super) label: Option<&'q str>,
    /// Only jobs that are older than this one.
    pub(super) cursor: Option<Cursor>,
    /// At most so many rows.
    pub(super) limit: i64,
}

impl JobPageQuery<'_> {
    /// The statement that gives `body`, an expression of the columns, for each row of the page.
    pub(super) fn select(&self, body: &str) -> SqlStatement {
        if let Some(label) = self.label {
            return self.select_labelled(body, label);
        }
        let mut values: Vec<SqlValue> = Vec::new();
        let conditions = self.bound_conditions(&mut values);
        values.push(self.limit.into());
        let limit = format!("LIMIT ?{}", values.len());
        let ranges = self.ranges();
        let sql = if let [range] = &*ranges {
            format!(
                "SELECT {body} AS body FROM export_jobs WHERE {range}{conditions} \
                 ORDER BY created_at DESC, id DESC {limit}"
            )
        } else {
            let page = format!("ORDER BY page_at DESC, page_id DESC {limit}");
            let groups: Vec<String> = ranges
                .chunks(COMPOUND_MAX)
                .map(|ranges| {
                    let range = |range: &String| {
                        format!(
                            "SELECT created_at AS page_at, id AS page_id FROM export_jobs \
                             WHERE {range}{conditions}"
                        )
                    };
                    let ranges: Vec<String> = ranges.iter().map(range).collect();
                    format!("SELECT page_at, page_id FROM ({} {page})", ranges.join(" UNION ALL "))
                })
                .collect();
            format!(
                "SELECT {body} AS body FROM ({} {page}) \
                 JOIN export_jobs ON id = page_id ORDER BY page_at DESC, page_id DESC",
                groups.join(" UNION ALL ")
            )
        };
        SqlStatement::new(sql, values)
    }

    /// The same for one label: it is a range of its own index, whose jobs are looked at one by one for the rest. A
    /// caller who sees all jobs reads the labels of services.
    fn select_labelled(&self, body: &str, label: &str) -> SqlStatement {
        let owner = self.visibility.owner().map(|owner| owner.to_string()).unwrap_or_default();
        let mut values: Vec<SqlValue> = vec![owner.into(), label.into()];
        let mut conditions = String::new();
        let mut bind = |value: SqlValue| {
            values.push(value);
            format!("?{}", values.len())
        };
        if let Some(Cursor { created_at, id }) = self.cursor {
            let (created_at, id) = (bind(created_at.0.into()), bind(id.to_string().into()));
            conditions.extend([" AND (labelled_at, job_id) < (", &created_at, ", ", &id, ")"]);
        }
        if let Some(project_id) = self.project_id {
            conditions.extend([" AND project_id = ", &bind(project_id.into())]);
        }
        if let Some(status) = self.status {
            conditions.extend([" AND status = ", &bind(status.as_str().into())]);
        }
        if let Some(job_type) = self.job_type {
            conditions.extend([" AND type = ", &bind(job_type.as_str().into())]);
        }
        let limit = bind(self.limit.into());
        let sql = format!(
            "SELECT {body} AS body FROM (SELECT created_at AS labelled_at, job_id FROM job_labels \
             WHERE owner = ?1 AND label = ?2) CROSS JOIN export_jobs ON id = job_id WHERE true{conditions} \
             ORDER BY labelled_at DESC, job_id DESC LIMIT {limit}"
        );
        SqlStatement::new(sql, values)
    }

    /// What holds in every range.
    fn bound_conditions(&self, values: &mut Vec<SqlValue>) -> String {
        let mut conditions = String::new();
        let mut bind = |value: SqlValue| {
            values.push(value);
            format!("?{}", values.len())
        };
        if let Visibility::Owner(owner) = self.visibility {
            conditions.extend([" AND owner = ", &bind(owner.to_string().into())]);
        }
        if let Some(project_id) = self.project_id {
            conditions.extend([" AND project_id = ", &bind(project_id.into())]);
        }
        if let Some(Cursor { created_at, id }) = self.cursor {
            let (created_at, id) = (bind(created_at.0.into()), bind(id.to_string().into()));
            conditions.extend([" AND (created_at, id) < (", &created_at, ", ", &id, ")"]);
        }
        conditions
    }

    /// The ranges, as conditions. Words stand in them as they are, since only then is an index of some rows
    /// known to hold all that are asked for.
    fn ranges(&self) -> Vec<String> {
        if self.is_of_all_jobs() {
            return vec!["1".to_owned()];
        }
        let of_type =
            self.job_type.map(|word| format!(" AND type = '{}'", word.as_str())).unwrap_or_default();
        let status = self.status.map(JobStatus::as_str);
        let mut ranges = Vec::new();
        match status {
            None => ranges.push(format!("completed_at IS NULL AND status IN {OPEN_WORDS}{of_type}")),
            Some(status) if !ENDED.contains(&status) => {
                ranges.push(format!("completed_at IS NULL AND status = '{status}'{of_type}"));
            }
            Some(_) => {}
        }
        for ended in ENDED.iter().filter(|word| status.is_none_or(|status| status == **word)) {
            for job_type in
                TYPES.iter().filter(|word| self.job_type.is_none_or(|asked| asked.as_str() == **word))
            {
                ranges.push(format!("status = '{ended}' AND type = '{job_type}'"));
            }
        }
        if !self.is_one_ended_range() {
            // The plus keeps SQLite from an index of the word, where it would have to sort.
            let in_status = status.map(|word| format!(" AND +status = '{word}'")).unwrap_or_default();
            ranges.push(format!("{OTHER}{in_status}{}", of_type.replace("type", "+type")));
        }
        ranges
    }

    /// The list that is asked for most has an index of its own.
    fn is_of_all_jobs(&self) -> bool {
        self.visibility == Visibility::All
            && self.project_id.is_none()
            && self.status.is_none()
            && self.job_type.is_none()
    }

    fn is_one_ended_range(&self) -> bool {
        self.status.is_some_and(|status| ENDED.contains(&status.as_str()))
            && self.job_type.is_some_and(|job_type| TYPES.contains(&job_type.as_str()))
    }
}

/// D1 takes five terms of a compound `SELECT` (workerd's `SQLITE_LIMIT_COMPOUND_SELECT`). More ranges are merged in
/// groups, each of at most a page.
const COMPOUND_MAX: usize = 5;

/// The statuses of a job that has ended.
const ENDED: [&str; 2] = ["complete", "error"];

/// The types that the indexes of ended jobs are known to hold.
const TYPES: [&str; 3] = ["framing", "overlay", "annotate"];

const OPEN_WORDS: &str = "('pending', 'processing')";

/// Every row that is neither open nor ended by the words above. It is the condition of an index, word by word.
pub(super) const OTHER: &str = "(status NOT IN ('pending', 'processing', 'complete', 'error') \
    OR (status IN ('pending', 'processing') AND completed_at IS NOT NULL) \
    OR (status IN ('complete', 'error') AND type NOT IN ('framing', 'overlay', 'annotate')))";
