ALTER SEQUENCE edits_position_seq RENAME TO speaker_edits_position_seq;
ALTER TABLE edits RENAME CONSTRAINT edits_job_id_fkey TO speaker_edits_job_id_fkey;
ALTER TABLE edits RENAME CONSTRAINT edits_pkey TO speaker_edits_pkey;
ALTER INDEX edits_by_job RENAME TO speaker_edits_by_job;
ALTER TABLE edits RENAME TO speaker_edits;
