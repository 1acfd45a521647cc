-- One list of corrections for a meeting, whatever they correct.
ALTER TABLE speaker_edits RENAME TO edits;
ALTER INDEX speaker_edits_by_job RENAME TO edits_by_job;
ALTER TABLE edits RENAME CONSTRAINT speaker_edits_pkey TO edits_pkey;
ALTER TABLE edits RENAME CONSTRAINT speaker_edits_job_id_fkey TO edits_job_id_fkey;
ALTER SEQUENCE speaker_edits_position_seq RENAME TO edits_position_seq;
