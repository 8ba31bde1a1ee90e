//! Every statement of the index on a real SQLite, with all migrations applied.

mod database;
mod filled;
mod fixtures;
mod jobs;
mod limits;
mod listing;
mod migrations;
mod owners;
mod plans;
mod projects;
mod references;
mod webhooks;
mod working_video;

use database::Database;
use fixtures::{ALICE, clip_id, complete, export, job_id, project_id, put_clip, put_project};
use reel_core::base::owner::Visibility;
use reel_core::base::time::Timestamp;
use reel_core::sql::statement::SqlStatement;
use reel_core::sql::{exports, jobs as job_rows, projects as project_rows, references as key_references};

#[test]
fn every_statement_fits_the_schema_and_uses_each_of_its_values() {
    let database = Database::new();
    for statement in every_statement() {
        database.prepare(&statement);
    }
}

fn every_statement() -> Vec<SqlStatement> {
    let keys = || vec!["input/a/b.mp4".to_owned()];
    let mut all = vec![
        exports::select_working_video(None, 7),
        exports::select_clip_video(None, 7, 0),
        exports::select_active_exports(Visibility::All),
        exports::select_active_exports(ALICE),
        job_rows::select_open_jobs(Timestamp(1), 1),
        project_rows::select_project(None, project_id(7)),
        project_rows::select_clip(None, clip_id(7, 0)),
        project_rows::ProjectListQuery::parse("").expect("a query").select_statement(None),
        key_references::select_reference("input/a/b.mp4", Visibility::All),
        key_references::select_reference("input/a/b.mp4", ALICE),
        key_references::select_inputs_in_use(keys()),
        key_references::select_keys_outliving(job_id(1), keys()),
    ];
    all.extend(limits::every_statement());
    all.extend(webhooks::every_statement());
    all.extend(job_rows::delete_job(job_id(1)));
    all.extend(job_rows::upsert_job(&export(1, 7), &complete(1, 5000), 1));
    all.extend(project_rows::select_clips(None, project_id(7)));
    all.extend(project_rows::delete_clip(None, clip_id(7, 0)));
    all.extend(project_rows::upsert_clip(None, clip_id(7, 0), &put_clip(r#"{"video_key":"input/a/b.mp4"}"#)));
    all.extend(project_rows::upsert_project(None, project_id(7), &put_project("{}"), Timestamp(1)));
    for visibility in [Visibility::All, ALICE] {
        all.extend(listing::every_query().iter().map(|query| query.select_statement(visibility)));
    }
    all
}
