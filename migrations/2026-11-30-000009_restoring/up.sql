-- A restore sets meetmemo.restoring to 'on' for its transaction: rows come back exactly as they were, so no trigger may
-- change them, and no task may be added for them.
CREATE OR REPLACE FUNCTION meetmemo_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at
        AND current_setting('meetmemo.restoring', true) IS DISTINCT FROM 'on'
    THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION meetmemo_task_of_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('meetmemo.restoring', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF NEW.status = 'pending' AND NOT EXISTS (
        SELECT FROM tasks
        WHERE job_id = NEW.id AND kind IN ('transcribe', 'diarize') AND state IN ('waiting', 'running')
    ) THEN
        INSERT INTO tasks (kind, subject, job_id, library_id)
        VALUES ('transcribe', NEW.id, NEW.id, NEW.library_id)
        ON CONFLICT (kind, subject) DO UPDATE SET
            state = 'waiting', priority = 0, attempts = 0, done = 0, total = NULL, real_time_factor = NULL,
            left_ms = NULL, error_message = NULL, created_at = now();
    ELSIF NEW.status IN ('completed', 'failed') THEN
        UPDATE tasks
        SET state = CASE NEW.status WHEN 'completed' THEN 'done' ELSE 'failed' END,
            lease_token = NULL, leased_until = NULL, machine_id = NULL
        WHERE job_id = NEW.id AND kind IN ('transcribe', 'diarize') AND state IN ('waiting', 'running');
    END IF;
    RETURN NULL;
END
$$;

-- Jobs and transcripts refer to each other. A restore writes both in one transaction and has the reference checked at
-- its end.
ALTER TABLE jobs ALTER CONSTRAINT jobs_current_transcript_id_fkey DEFERRABLE INITIALLY IMMEDIATE;
