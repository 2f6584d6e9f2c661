-- The title in small letters, as the service writes it: LOWER of SQLite knows ASCII only. The profiles of a job, for metrics.

ALTER TABLE jobs ADD COLUMN title_folded TEXT NOT NULL DEFAULT '';
UPDATE jobs SET title_folded = LOWER(title);
ALTER TABLE jobs ADD COLUMN profiles TEXT NOT NULL DEFAULT '';
