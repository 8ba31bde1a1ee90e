-- The words of a type and of a status are closed in the code, which the database follows: a row with a new
-- word is not refused, or its job would repeat the refused write for ever. SQLite removes a CHECK only by
-- building the table anew; every row and every other rule stays.
CREATE TABLE export_jobs_new (
    id TEXT PRIMARY KEY NOT NULL,
    project_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    input_video_key TEXT NOT NULL,
    output_video_key TEXT,
    output_bytes INTEGER,
    error TEXT,
    error_code TEXT,
    created_at INTEGER NOT NULL, -- milliseconds since 1970, as all times here
    started_at INTEGER,
    completed_at INTEGER,
    version INTEGER NOT NULL, -- grows with every transition: an older row never overwrites a newer one
    poster_key TEXT, -- a picture of the reel; null while there is none
    further_inputs TEXT -- the other videos of a reel of several clips, each with a blank on both sides
) WITHOUT ROWID;

INSERT INTO export_jobs_new (id, project_id, type, status, attempt, input_video_key, output_video_key,
    output_bytes, error, error_code, created_at, started_at, completed_at, version, poster_key, further_inputs)
SELECT id, project_id, type, status, attempt, input_video_key, output_video_key,
    output_bytes, error, error_code, created_at, started_at, completed_at, version, poster_key, further_inputs
FROM export_jobs;

DROP TABLE export_jobs;
ALTER TABLE export_jobs_new RENAME TO export_jobs;

-- The indexes went with the old table. They are what they were.
CREATE INDEX export_jobs_by_age ON export_jobs (created_at DESC, id DESC);
CREATE INDEX export_jobs_by_project ON export_jobs (project_id, created_at DESC, id DESC);
CREATE INDEX export_jobs_by_input ON export_jobs (input_video_key);
CREATE INDEX export_jobs_open ON export_jobs (created_at) WHERE status IN ('pending', 'processing');
CREATE INDEX export_jobs_by_further_inputs ON export_jobs (further_inputs) WHERE further_inputs IS NOT NULL;
