//! A real SQLite with the migrations of this repository, which treats statements as D1 does.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use reel_core::sql::statement::{SqlStatement, SqlValue};
use rusqlite::limits::Limit;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Statement, StatementStatus, params_from_iter};

pub struct Database(pub Connection);

/// What SQLite did for a statement.
#[derive(Debug)]
pub struct Work {
    /// Steps of its machine.
    pub steps: i32,
    /// Rows that were passed without an index that finds them.
    pub scanned: i32,
}

impl Database {
    /// An empty index with all migrations.
    pub fn new() -> Self {
        Self::with_migrations(usize::MAX)
    }

    /// An empty index with the first `count` migrations.
    pub fn with_migrations(count: usize) -> Self {
        let database = Self(Connection::open_in_memory().expect("SQLite"));
        // What workerd sets for every database (src/workerd/util/sqlite.c++).
        for (limit, value) in [
            (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
            (Limit::SQLITE_LIMIT_COLUMN, 100),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
            (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
            (Limit::SQLITE_LIMIT_FUNCTION_ARG, 32),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
        ] {
            database.0.set_limit(limit, value).expect("a limit");
        }
        for (name, sql) in migrations().into_iter().take(count) {
            database.0.execute_batch(&sql).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        database
    }

    /// Applies the migration of this number, after all before it.
    pub fn migrate_to(&self, number: usize) {
        let (name, sql) = migrations().swap_remove(number - 1);
        self.0.execute_batch(&sql).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Runs a statement; answers the `body` of each row.
    pub fn run(&self, statement: &SqlStatement) -> Vec<String> {
        let mut prepared = self.prepare(statement);
        let values = params_from_iter(statement.values.iter().map(bound));
        if prepared.column_count() == 0 {
            prepared.execute(values).unwrap_or_else(|error| panic!("{}: {error}", statement.sql));
            return Vec::new();
        }
        let rows = prepared.query_map(values, |row| row.get("body")).expect("to bind");
        rows.map(|row| row.unwrap_or_else(|error| panic!("{}: {error}", statement.sql))).collect()
    }

    /// Runs statements one after the other, as D1 does with a batch.
    pub fn run_all(&self, statements: &[SqlStatement]) -> Vec<Vec<String>> {
        statements.iter().map(|statement| self.run(statement)).collect()
    }

    /// How many rows of tables a batch changes.
    pub fn changes(&self, statements: &[SqlStatement]) -> u64 {
        let before = self.0.total_changes();
        self.run_all(statements);
        self.0.total_changes() - before
    }

    /// Prepares a statement, and checks what D1 and the Worker rely on.
    pub fn prepare(&self, statement: &SqlStatement) -> Statement<'_> {
        let sql = &statement.sql;
        let prepared = self.0.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(prepared.parameter_count(), statement.values.len(), "a value for each number: {sql}");
        for number in 1..=statement.values.len() {
            assert_eq!(prepared.parameter_name(number), Some(&*format!("?{number}")), "{sql}");
        }
        let columns: Vec<&str> = prepared.column_names().collect();
        assert!(matches!(columns[..], [] | ["body"]), "one column, `body`: {sql}");
        prepared
    }

    /// How SQLite would run a statement, one step a line.
    pub fn plan(&self, statement: &SqlStatement) -> String {
        let explained = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let mut prepared = self.0.prepare(&explained).expect("a plan");
        let values = params_from_iter(statement.values.iter().map(bound));
        let steps = prepared.query_map(values, |row| row.get("detail")).expect("a plan");
        steps.collect::<Result<Vec<String>, _>>().expect("a plan").join("\n")
    }

    /// Runs a statement; answers what SQLite did for it.
    pub fn work(&self, statement: &SqlStatement) -> Work {
        let mut prepared = self.prepare(statement);
        let values = params_from_iter(statement.values.iter().map(bound));
        let mut rows = prepared.query(values).expect("to bind");
        while rows.next().unwrap_or_else(|error| panic!("{}: {error}", statement.sql)).is_some() {}
        drop(rows);
        Work {
            steps: prepared.get_status(StatementStatus::VmStep),
            scanned: prepared.get_status(StatementStatus::FullscanStep),
        }
    }

    /// How long a statement takes from its text to its last row: the median of some runs.
    pub fn median_time(&self, statement: &SqlStatement) -> Duration {
        let mut times: Vec<Duration> = (0..15)
            .map(|_| {
                let start = Instant::now();
                self.run(statement);
                start.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    }

    /// Every row of a query of the test's own, each column as SQL writes it, with the type that it has.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let mut prepared = self.0.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let count = prepared.column_count();
        let rows = prepared.query_map([], |row| (0..count).map(|at| Ok(text(row.get_ref(at)?))).collect());
        rows.expect("rows").collect::<Result<_, _>>().expect("rows")
    }
}

fn migrations() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder of the migrations")
        .map(|entry| entry.expect("an entry of the folder").path())
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("a migration")))
        .collect();
    files.sort();
    files
}

/// Numbers come from JavaScript, where every number is a float: the columns make them whole again.
fn bound(value: &SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        #[allow(clippy::cast_precision_loss, reason = "as the Worker does")]
        SqlValue::Integer(number) => Value::Real(*number as f64),
        SqlValue::Real(number) => Value::Real(*number),
        SqlValue::Text(text) => Value::Text(text.clone()),
    }
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
        ValueRef::Blob(bytes) => format!("{bytes:?}"),
    }
}
