ALTER TABLE jobs ALTER CONSTRAINT jobs_current_transcript_id_fkey NOT DEFERRABLE;

CREATE OR REPLACE FUNCTION meetmemo_task_of_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
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

CREATE OR REPLACE FUNCTION meetmemo_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$;
