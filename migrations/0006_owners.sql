-- Whose a job is: the hash of an end user's subject. NULL for a service's jobs, and for all from before this.
ALTER TABLE export_jobs ADD COLUMN owner TEXT;
-- Only jobs that have an owner pay for it.
CREATE INDEX export_jobs_by_owner ON export_jobs (owner, created_at DESC, id DESC) WHERE owner IS NOT NULL;

-- Project numbers are each owner's own; '' is a service. SQLite changes a primary key only by building the
-- table anew; every row stays, as a service's.
CREATE TABLE projects_new (
    owner TEXT NOT NULL,
    id INTEGER NOT NULL, -- the client's own
    name TEXT,
    working_video_key TEXT,
    working_video_at INTEGER, -- when its video was finished or set: an older one never replaces a newer one
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (owner, id)
) WITHOUT ROWID;
INSERT INTO projects_new (owner, id, name, working_video_key, working_video_at, created_at, updated_at)
SELECT '', id, name, working_video_key, working_video_at, created_at, updated_at FROM projects;
DROP TABLE projects;
ALTER TABLE projects_new RENAME TO projects;
CREATE INDEX projects_by_age ON projects (owner, created_at DESC, id DESC);
-- A deletion asks whether a project uses the file.
CREATE INDEX projects_by_working_video ON projects (working_video_key) WHERE working_video_key IS NOT NULL;

CREATE TABLE working_clips_new (
    owner TEXT NOT NULL, -- of its project
    project_id INTEGER NOT NULL,
    clip_index INTEGER NOT NULL,
    raw_clip_id INTEGER NOT NULL,
    start_time REAL, -- seconds of the video, as `end_time`
    end_time REAL,
    name TEXT,
    PRIMARY KEY (owner, project_id, clip_index)
) WITHOUT ROWID;
INSERT INTO working_clips_new (owner, project_id, clip_index, raw_clip_id, start_time, end_time, name)
SELECT '', project_id, clip_index, raw_clip_id, start_time, end_time, name FROM working_clips;
DROP TABLE working_clips;
ALTER TABLE working_clips_new RENAME TO working_clips;
CREATE INDEX working_clips_by_raw_clip ON working_clips (raw_clip_id);
