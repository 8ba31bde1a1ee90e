-- The other videos of a reel of several clips, each with a blank on both sides; NULL for most jobs.
ALTER TABLE export_jobs ADD COLUMN further_inputs TEXT;

-- Only such jobs pay for it: an input of theirs is found without a look at all the others.
CREATE INDEX export_jobs_by_further_inputs ON export_jobs (further_inputs) WHERE further_inputs IS NOT NULL;
