-- What an export of a project is made of. Videos are keys of the bucket; no file named here is deleted.
CREATE TABLE projects (
    id INTEGER PRIMARY KEY NOT NULL, -- the app's
    name TEXT,
    working_video_key TEXT,
    working_video_at INTEGER, -- when its video was finished or set: an older one never replaces a newer one
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX projects_by_age ON projects (created_at DESC, id DESC);
-- A deletion asks whether a project uses the file.
CREATE INDEX projects_by_working_video ON projects (working_video_key) WHERE working_video_key IS NOT NULL;

-- One row for each video that some clip shows a part of; it goes with the last such clip.
CREATE TABLE raw_clips (
    id INTEGER PRIMARY KEY NOT NULL,
    video_key TEXT NOT NULL UNIQUE
);

CREATE TABLE working_clips (
    project_id INTEGER NOT NULL,
    clip_index INTEGER NOT NULL,
    raw_clip_id INTEGER NOT NULL,
    start_time REAL, -- seconds of the video, as `end_time`
    end_time REAL,
    name TEXT,
    PRIMARY KEY (project_id, clip_index)
) WITHOUT ROWID;
CREATE INDEX working_clips_by_raw_clip ON working_clips (raw_clip_id);
