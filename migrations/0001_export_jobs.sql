-- An index of jobs for lists and sweeps. The truth is each job's own Durable Object, which repairs its row.
CREATE TABLE export_jobs (
    id TEXT PRIMARY KEY NOT NULL,
    project_id INTEGER NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('framing', 'overlay', 'annotate')),
    status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'complete', 'error')),
    attempt INTEGER NOT NULL,
    input_video_key TEXT NOT NULL,
    output_video_key TEXT,
    output_bytes INTEGER,
    error TEXT,
    error_code TEXT,
    created_at INTEGER NOT NULL, -- milliseconds since 1970, as all times here
    started_at INTEGER,
    completed_at INTEGER,
    version INTEGER NOT NULL -- grows with every transition: an older row never overwrites a newer one
) WITHOUT ROWID;

-- Lists are newest first, by time and id; a status or project narrows them.
CREATE INDEX export_jobs_by_age ON export_jobs (created_at DESC, id DESC);
CREATE INDEX export_jobs_by_project ON export_jobs (project_id, created_at DESC, id DESC);
-- An input may serve several jobs: it is deleted with the last of them.
CREATE INDEX export_jobs_by_input ON export_jobs (input_video_key);
-- The sweep looks only for jobs that have not ended.
CREATE INDEX export_jobs_open ON export_jobs (created_at) WHERE status IN ('pending', 'processing');
