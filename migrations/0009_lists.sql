-- Every list reads as many rows as its page has. A job is open (it has no `completed_at`), then ended, and
-- enters one index after the other: none is written when only its status changes. An ended job costs one row
-- in each index of ended jobs that it belongs to, and leaves those of open jobs for nothing.
DROP INDEX export_jobs_by_project;
DROP INDEX export_jobs_by_owner;
DROP INDEX export_jobs_open;

-- The indexes rely on it: a job that has ended says when, whoever wrote its row. Rows of the API always do.
UPDATE export_jobs SET completed_at = created_at WHERE completed_at IS NULL AND status IN ('complete', 'error');
CREATE TRIGGER export_jobs_inserted_ended AFTER INSERT ON export_jobs
    WHEN NEW.completed_at IS NULL AND NEW.status IN ('complete', 'error')
BEGIN
    UPDATE export_jobs SET completed_at = NEW.created_at WHERE id = NEW.id;
END;
CREATE TRIGGER export_jobs_updated_ended AFTER UPDATE OF status ON export_jobs
    WHEN NEW.completed_at IS NULL AND NEW.status IN ('complete', 'error')
BEGIN
    UPDATE export_jobs SET completed_at = NEW.created_at WHERE id = NEW.id;
END;

-- Open jobs are few: other conditions than the owner are met by a look at each. Most are in the index.
CREATE INDEX export_jobs_open ON export_jobs (created_at DESC, id DESC, type, project_id)
    WHERE completed_at IS NULL;
CREATE INDEX export_jobs_open_of_owner ON export_jobs (owner, created_at DESC, id DESC)
    WHERE completed_at IS NULL AND owner IS NOT NULL;

-- Ended jobs are nearly all: each combination of conditions is the beginning of one index. Where status or
-- type is not asked for, a list merges one range for each word.
CREATE INDEX export_jobs_ended ON export_jobs (status, type, created_at DESC, id DESC)
    WHERE status = 'complete' OR status = 'error';
CREATE INDEX export_jobs_ended_of_project ON export_jobs (project_id, status, type, created_at DESC, id DESC)
    WHERE status = 'complete' OR status = 'error';
CREATE INDEX export_jobs_ended_of_owner ON export_jobs (owner, status, type, created_at DESC, id DESC)
    WHERE (status = 'complete' OR status = 'error') AND owner IS NOT NULL;
CREATE INDEX export_jobs_ended_of_owners_project
    ON export_jobs (owner, project_id, status, type, created_at DESC, id DESC)
    WHERE (status = 'complete' OR status = 'error') AND owner IS NOT NULL;

-- Rows of no other range: words that this version does not know. Only the few rows of a newer version pay.
CREATE INDEX export_jobs_other ON export_jobs (created_at DESC, id DESC)
    WHERE status NOT IN ('pending', 'processing', 'complete', 'error')
    OR (status IN ('pending', 'processing') AND completed_at IS NOT NULL)
    OR (status IN ('complete', 'error') AND type NOT IN ('framing', 'overlay', 'annotate'));

-- The changes of one owner. Only lines that have an owner pay for it.
CREATE INDEX audit_of_owner ON audit (owner, at DESC, request_id DESC) WHERE owner IS NOT NULL;

-- The sweep removes the counts of earlier days: one row for each owner and day.
CREATE INDEX owner_uploads_by_day ON owner_uploads (day);
