ALTER TABLE jobs DROP CONSTRAINT jobs_current_transcript_id_fkey;
DROP TABLE segments, transcript_windows, transcripts, job_runs, pending_removals, meetmemo_archive;
DROP TRIGGER meetmemo_tell ON jobs;
DROP TRIGGER meetmemo_tell ON export_jobs;
DROP TRIGGER meetmemo_touch ON jobs;
DROP TRIGGER meetmemo_touch ON export_jobs;
DROP FUNCTION meetmemo_tell, meetmemo_touch;
ALTER TABLE export_jobs DROP COLUMN replace_existing, DROP COLUMN note, DROP COLUMN library_id, DROP COLUMN claimed_until;
ALTER TABLE jobs
    DROP COLUMN title, DROP COLUMN duration_ms, DROP COLUMN recorded_at, DROP COLUMN recorded_offset_s,
    DROP COLUMN byte_size, DROP COLUMN media_format, DROP COLUMN media_note, DROP COLUMN library_id,
    DROP COLUMN requested_language, DROP COLUMN requested_model, DROP COLUMN current_transcript_id;
