-- What a caller has noted on a job, as JSON; NULL for most.
ALTER TABLE export_jobs ADD COLUMN labels TEXT;

-- Jobs by a label, in the order of lists. Only jobs with labels have rows here, one for each.
CREATE TABLE job_labels (
    owner TEXT NOT NULL, -- '' is a service
    label TEXT NOT NULL, -- key:value; a key has no colon
    created_at INTEGER NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (owner, label, created_at DESC, job_id DESC)
) WITHOUT ROWID;
