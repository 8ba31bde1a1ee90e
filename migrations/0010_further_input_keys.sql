-- Which jobs name a video as a further one, found by the video: a search for one key among the texts of
-- `further_inputs` read those of all reels. Jobs of one video have no row here.
CREATE TABLE further_input_keys (
    video_key TEXT NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (video_key, job_id)
) WITHOUT ROWID;

-- Keys have neither quotes nor backslashes, so a text of keys becomes a list by its blanks.
INSERT INTO further_input_keys (video_key, job_id)
SELECT DISTINCT keys.value, export_jobs.id FROM export_jobs,
    json_each('["' || replace(trim(further_inputs), ' ', '","') || '"]') AS keys
WHERE further_inputs IS NOT NULL;

DROP INDEX export_jobs_by_further_inputs;
