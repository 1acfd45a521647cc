DROP TRIGGER meetmemo_retention_from ON export_jobs;
DROP TRIGGER meetmemo_retention_from ON jobs;
DROP FUNCTION meetmemo_retention_from();
DROP TABLE retention_state;
ALTER TABLE export_jobs DROP COLUMN retention_from;
ALTER TABLE jobs
    DROP COLUMN retention_from,
    DROP COLUMN audio_restored_at,
    DROP COLUMN audio_removed_at,
    DROP COLUMN pinned;
