//! Migrations: rows that exist are kept as they are.

use crate::database::Database;

const SCHEMA_OF_JOBS: &str = "SELECT cid, name, type, \"notnull\", dflt_value, pk \
    FROM pragma_table_info('export_jobs')";
const INDEXES: &str =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";

/// Rows as the versions before owners wrote them: what an upgrade finds.
const ROWS_OF_0_1: &str = "INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, \
    output_video_key, output_bytes, poster_key, error, error_code, created_at, started_at, completed_at, \
    version, further_inputs) VALUES \
    ('a', 7, 'overlay', 'pending', 1, 'input/a/b.mp4', NULL, NULL, NULL, NULL, NULL, 1, NULL, NULL, 1, NULL), \
    ('b', 7, 'overlay', 'complete', 2, 'input/a/b.mp4', 'output/b/2/video.mp4', 1048576, \
     'output/b/2/poster.jpg', NULL, NULL, 2, 3000, 1769850300250, 9007199254740991, NULL), \
    ('c', 8, 'framing', 'error', 3, 'input/a/b.mp4', NULL, NULL, NULL, 'It broke: ''x''.', 'gpu_error', \
     3, 3000, 4000, 3, ' input/b/z.mp4 input/c/a.mov ')";
const PROJECTS_OF_0_1: &str = "INSERT INTO projects VALUES (7, 'Cup', 'input/a/b.mp4', 5, 1, 9); \
    INSERT INTO raw_clips VALUES (3, 'input/a/b.mp4'); \
    INSERT INTO working_clips VALUES (7, 0, 3, 1.5, NULL, 'Goal')";

fn execute(database: &Database, sql: &str) {
    database.0.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[test]
fn the_migration_that_opens_the_words_keeps_every_row_column_and_index() {
    let database = Database::with_migrations(4);
    execute(&database, ROWS_OF_0_1);
    let seen = |database: &Database| {
        [
            database.rows("SELECT * FROM export_jobs ORDER BY id"),
            database.rows(SCHEMA_OF_JOBS),
            database.rows(INDEXES),
            database.rows("SELECT wr FROM pragma_table_list WHERE name = 'export_jobs'"),
        ]
    };
    let before = seen(&database);
    assert_eq!(before[0].len(), 3);
    database.migrate_to(5);
    assert_eq!(seen(&database), before);
    assert_eq!(database.rows("PRAGMA integrity_check"), [["'ok'"]]);
}

#[test]
fn a_new_type_or_status_is_refused_before_that_migration_and_accepted_after_it() {
    let database = Database::with_migrations(4);
    execute(&database, ROWS_OF_0_1);
    let new_words = ["UPDATE export_jobs SET type = 'captions'", "UPDATE export_jobs SET status = 'paused'"];
    for sql in new_words {
        database.0.execute(sql, []).unwrap_err();
    }
    database.migrate_to(5);
    for sql in new_words {
        assert_eq!(database.0.execute(sql, []), Ok(3), "{sql}");
    }
    assert!(database.0.execute("UPDATE export_jobs SET type = NULL", []).is_err(), "a row has a type");
}

#[test]
fn what_was_there_before_owners_belongs_to_nobody_and_stays() {
    let database = Database::with_migrations(5);
    execute(&database, ROWS_OF_0_1);
    execute(&database, PROJECTS_OF_0_1);
    let jobs = database.rows("SELECT * FROM export_jobs ORDER BY id");
    database.migrate_to(6);
    let owned = |row: &Vec<String>| [row.as_slice(), &["NULL".to_owned()]].concat();
    assert_eq!(
        database.rows("SELECT * FROM export_jobs ORDER BY id"),
        jobs.iter().map(owned).collect::<Vec<_>>()
    );
    let project = ["''", "7", "'Cup'", "'input/a/b.mp4'", "5", "1", "9"];
    assert_eq!(database.rows("SELECT * FROM projects"), [project]);
    let clip = ["''", "7", "0", "3", "1.5", "NULL", "'Goal'"];
    assert_eq!(database.rows("SELECT * FROM working_clips"), [clip]);
    assert_eq!(database.rows("PRAGMA integrity_check"), [["'ok'"]]);
}

#[test]
fn a_row_that_has_ended_says_when_whoever_wrote_it() {
    let database = Database::with_migrations(8);
    execute(&database, ROWS_OF_0_1);
    execute(&database, "UPDATE export_jobs SET completed_at = NULL WHERE id = 'c'");
    database.migrate_to(9);
    execute(
        &database,
        "INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, created_at, version) \
         VALUES ('d', 7, 'overlay', 'error', 1, 'input/a/b.mp4', 8, 1), \
         ('e', 7, 'overlay', 'pending', 1, 'input/a/b.mp4', 9, 1); \
         UPDATE export_jobs SET status = 'complete' WHERE id = 'e'",
    );
    let ends = database.rows("SELECT id, completed_at FROM export_jobs ORDER BY id");
    let expected = [("a", "NULL"), ("b", "1769850300250"), ("c", "3"), ("d", "8"), ("e", "9")];
    assert_eq!(ends, expected.map(|(id, at)| [format!("'{id}'"), at.to_owned()]));
    assert_eq!(database.rows("PRAGMA integrity_check"), [["'ok'"]]);
}

#[test]
fn further_videos_of_jobs_that_exist_are_found_by_their_keys() {
    let database = Database::with_migrations(9);
    execute(&database, ROWS_OF_0_1);
    let jobs = database.rows("SELECT * FROM export_jobs ORDER BY id");
    database.migrate_to(10);
    let keys = [["'input/b/z.mp4'", "'c'"], ["'input/c/a.mov'", "'c'"]];
    assert_eq!(database.rows("SELECT * FROM further_input_keys ORDER BY video_key"), keys);
    assert_eq!(database.rows("SELECT * FROM export_jobs ORDER BY id"), jobs);
    assert_eq!(database.rows("PRAGMA integrity_check"), [["'ok'"]]);
}
