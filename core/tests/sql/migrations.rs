//! Migrations: rows that exist are kept as they are.

use reel_core::sql::jobs::upsert_job;

use crate::database::Database;
use crate::fixtures::{complete, export, failed, key, pending, processing, spec};

const SCHEMA_OF_JOBS: &str = "SELECT cid, name, type, \"notnull\", dflt_value, pk \
    FROM pragma_table_info('export_jobs')";
const INDEXES: &str =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";

#[test]
fn the_migration_that_opens_the_words_keeps_every_row_column_and_index() {
    let database = Database::with_migrations(4);
    let mut reel = export(5, 7);
    reel.extra_inputs = vec![key("input/b/z.mp4"), key("input/c/a.mov"), key("input/b/m.mp4")];
    database.run_all(&upsert_job(&spec(1), &pending(), 1));
    database.run_all(&upsert_job(&spec(2), &processing(), 2));
    database.run_all(&upsert_job(&spec(3), &complete(3, 1_769_850_300_250), 3));
    database.run_all(&upsert_job(&spec(4), &failed(), 9_007_199_254_740_991));
    database.run_all(&upsert_job(&reel, &complete(5, 5000), 4));
    let seen = |database: &Database| {
        [
            database.rows("SELECT * FROM export_jobs ORDER BY id"),
            database.rows(SCHEMA_OF_JOBS),
            database.rows(INDEXES),
            database.rows("SELECT wr FROM pragma_table_list WHERE name = 'export_jobs'"),
        ]
    };
    let before = seen(&database);
    assert_eq!(before[0].len(), 5);
    database.migrate(4);
    assert_eq!(seen(&database), before);
    assert_eq!(database.rows("PRAGMA integrity_check"), [["'ok'"]]);
}

#[test]
fn a_new_type_or_status_is_refused_before_that_migration_and_accepted_after_it() {
    let database = Database::with_migrations(4);
    database.add_job(&spec(1), &pending());
    let new_words = ["UPDATE export_jobs SET type = 'captions'", "UPDATE export_jobs SET status = 'paused'"];
    for sql in new_words {
        database.0.execute(sql, []).unwrap_err();
    }
    database.migrate(4);
    for sql in new_words {
        assert_eq!(database.0.execute(sql, []), Ok(1), "{sql}");
    }
    assert!(database.0.execute("UPDATE export_jobs SET type = NULL", []).is_err(), "a row has a type");
}
