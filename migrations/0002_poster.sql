-- A picture of the reel, for lists; null while there is none.
ALTER TABLE export_jobs ADD COLUMN poster_key TEXT;
