DROP TRIGGER meetmemo_task ON jobs;
DROP FUNCTION meetmemo_task_of_job;

CREATE TABLE job_runs (
    job_id UUID PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    lease_token UUID NOT NULL,
    leased_until TIMESTAMPTZ NOT NULL,
    machine_id UUID NOT NULL,
    take_overs INTEGER NOT NULL DEFAULT 0,
    audio_done_ms BIGINT NOT NULL DEFAULT 0,
    audio_total_ms BIGINT,
    real_time_factor DOUBLE PRECISION,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    heartbeat_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    left_ms BIGINT
);
ALTER TABLE jobs ADD COLUMN speakers_only BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE export_jobs
    ADD COLUMN replace_existing BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN claimed_until TIMESTAMPTZ,
    ADD COLUMN claim_token UUID;

INSERT INTO job_runs
SELECT
    job_id, lease_token, leased_until, machine_id, greatest(attempts - 1, 0), done, total, real_time_factor,
    started_at, heartbeat_at, left_ms
FROM tasks WHERE state = 'running' AND kind IN ('transcribe', 'diarize');
UPDATE jobs SET speakers_only = TRUE
FROM tasks WHERE tasks.job_id = jobs.id AND tasks.kind = 'diarize' AND tasks.state IN ('waiting', 'running');
UPDATE export_jobs
SET replace_existing = coalesce((tasks.parameters ->> 'replace')::boolean, FALSE), claimed_until = tasks.leased_until,
    claim_token = tasks.lease_token
FROM tasks WHERE tasks.kind = 'export' AND tasks.subject = export_jobs.id;
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE ON job_runs
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('progress', 'job_id');

DROP TABLE tasks;
DROP FUNCTION meetmemo_tell_task;
