//! A database as it is after a long time: nearly everything has ended and is alike, and what a list asks for
//! may be rare and old.

use crate::database::Database;
use crate::fixtures::ALICE;

/// Many jobs are of this project.
pub const COMMON_PROJECT: i64 = 7;
/// A few old jobs are of this one.
pub const RARE_PROJECT: i64 = 8;
/// Jobs that have not ended, of all owners.
pub const OPEN_JOBS: u32 = 60;

/// When the job of this number was created.
pub fn created_at(number: u32) -> i64 {
    1_700_000_000_000 + i64::from(number) * 1000
}

/// Writes so many jobs, as many projects, clips and lines of the audit log.
pub fn fill(database: &Database, jobs: u32) {
    let alice = ALICE.owner().expect("an owner").to_string();
    let script = FILL
        .replace(":jobs", &jobs.to_string())
        .replace(":open", &OPEN_JOBS.to_string())
        .replace(":alice", &format!("'{alice}'"))
        .replace(":common", &COMMON_PROJECT.to_string())
        .replace(":rare", &RARE_PROJECT.to_string());
    database.0.execute_batch(&script).unwrap_or_else(|error| panic!("{error}"));
}

/// The first 30 jobs have each rare word and project; the last are open.
const FILL: &str = "BEGIN;
CREATE TEMP TABLE numbers AS WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < :jobs)
    SELECT n, 1700000000000 + n * 1000 AS at, n > :jobs - :open AS open FROM up;
INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, output_video_key, error_code,
    created_at, completed_at, version, further_inputs, owner)
SELECT printf('%08x-0000-4000-8000-%012x', n * 2654435761 % 4294967296, n),
    CASE WHEN n <= 30 AND n % 2 THEN :rare WHEN n % 3 = 0 THEN :common ELSE n % 1000 + 10 END,
    CASE WHEN n <= 30 THEN CASE n % 3 WHEN 0 THEN 'annotate' WHEN 1 THEN 'framing' ELSE 'overlay' END
        ELSE 'overlay' END,
    CASE WHEN open THEN iif(n % 2, 'pending', 'processing') WHEN n <= 15 THEN 'error' ELSE 'complete' END,
    1, 'input/' || n || '/x.mp4', iif(open, NULL, 'output/' || n), iif(n <= 15, 'gpu_error', NULL),
    at, iif(open, NULL, at + 5), 3,
    iif(n % 10 = 0, ' input/reel-' || n || '/x.mp4 input/reel-' || n || '/y.mp4 ', NULL),
    CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN :alice WHEN 2 THEN 'bob' ELSE 'owner-' || n END
FROM numbers;
INSERT INTO further_input_keys (video_key, job_id)
    SELECT 'input/reel-' || substr(input_video_key, 7), id FROM export_jobs WHERE further_inputs IS NOT NULL;
INSERT INTO projects (owner, id, name, created_at, updated_at)
    SELECT iif(n % 2, '', :alice), n, 'Cup', at, at FROM numbers;
INSERT INTO raw_clips (id, video_key) SELECT n, 'input/clip-' || n || '/x.mp4' FROM numbers;
INSERT INTO working_clips (owner, project_id, clip_index, raw_clip_id)
    SELECT '', iif(n <= 10, :common, n), n - 1, n FROM numbers;
INSERT INTO audit (at, request_id, caller, owner, route, target, status)
    SELECT at, 'r' || n, 'user', iif(n <= 30, :alice, 'bob'), 'POST /api/jobs', 'x', 201 FROM numbers;
INSERT INTO owner_uploads (owner, day, bytes) SELECT 'owner-' || n, 1, 5 FROM numbers;
DROP TABLE numbers;
COMMIT;";
