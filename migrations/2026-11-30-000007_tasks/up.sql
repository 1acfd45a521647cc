-- The work that is wanted, under way, or over: one row for each kind of work on each subject.
CREATE TABLE tasks (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    -- transcribe, diarize: the subject is a row of jobs. export: a row of export_jobs.
    kind TEXT NOT NULL,
    subject UUID NOT NULL,
    -- The recording that it is about. Its tasks go with it.
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- Only the computer of this library can do it. NULL: none of ours, because the server edition does it.
    library_id UUID,
    parameters JSONB NOT NULL DEFAULT '{}',
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    -- The greatest comes first.
    priority INTEGER NOT NULL DEFAULT 0,
    -- Who works on it, and until when that is believed.
    lease_token UUID,
    leased_until TIMESTAMPTZ,
    machine_id UUID,
    -- How often it was begun since it last got further: a recording that ends its worker every time is given up.
    attempts INTEGER NOT NULL DEFAULT 0,
    -- How far it is: milliseconds of audio, for an export percent.
    done BIGINT NOT NULL DEFAULT 0,
    total BIGINT,
    -- Seconds of work per second of audio in this attempt; lower is faster.
    real_time_factor DOUBLE PRECISION,
    -- Milliseconds of work that are left, about.
    left_ms BIGINT,
    started_at TIMESTAMPTZ,
    heartbeat_at TIMESTAMPTZ,
    error_message TEXT,
    -- When it was asked for, the last time.
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (kind, subject),
    CHECK (state <> 'running' OR lease_token IS NOT NULL AND leased_until IS NOT NULL AND machine_id IS NOT NULL)
);
CREATE INDEX tasks_by_job ON tasks (job_id);
CREATE INDEX tasks_open ON tasks (library_id, kind) WHERE state IN ('waiting', 'running');

-- What was wanted or under way before.
INSERT INTO tasks (
    kind, subject, job_id, library_id, state, lease_token, leased_until, machine_id, attempts, done, total,
    real_time_factor, left_ms, started_at, heartbeat_at, created_at
)
SELECT
    CASE WHEN j.speakers_only AND j.current_transcript_id IS NOT NULL THEN 'diarize' ELSE 'transcribe' END,
    j.id, j.id, j.library_id,
    CASE WHEN j.status = 'processing' AND r.job_id IS NOT NULL THEN 'running' ELSE 'waiting' END,
    r.lease_token, r.leased_until, r.machine_id, coalesce(r.take_overs + 1, 0), coalesce(r.audio_done_ms, 0),
    r.audio_total_ms, r.real_time_factor, r.left_ms, r.started_at, r.heartbeat_at, j.created_at AT TIME ZONE 'UTC'
FROM jobs j LEFT JOIN job_runs r ON r.job_id = j.id AND j.status = 'processing'
WHERE j.status IN ('pending', 'processing');

INSERT INTO tasks (
    kind, subject, job_id, library_id, parameters, state, lease_token, leased_until, machine_id, created_at
)
SELECT
    'export', id, job_id, library_id, jsonb_build_object('replace', replace_existing),
    CASE status WHEN 'processing' THEN 'running' ELSE 'waiting' END,
    CASE status WHEN 'processing' THEN gen_random_uuid() END,
    CASE status WHEN 'processing' THEN coalesce(claimed_until, now()) END,
    CASE status WHEN 'processing' THEN gen_random_uuid() END,
    created_at AT TIME ZONE 'UTC'
FROM export_jobs WHERE status IN ('pending', 'processing') AND file_path IS NOT NULL;

DROP TABLE job_runs;
ALTER TABLE jobs DROP COLUMN speakers_only;
ALTER TABLE export_jobs DROP COLUMN replace_existing, DROP COLUMN claimed_until, DROP COLUMN claim_token;

-- A recording that waits has a task, whoever wrote its row, and one that is at rest has none that is open. Whoever wants
-- another kind of work than a transcript writes its task first.
CREATE FUNCTION meetmemo_task_of_job() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER meetmemo_task AFTER INSERT OR UPDATE OF status ON jobs
    FOR EACH ROW EXECUTE FUNCTION meetmemo_task_of_job();

-- Signs of life are news of how far a recording is; the rest is news for workers.
CREATE FUNCTION meetmemo_tell_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state OR NEW.priority <> OLD.priority THEN
        PERFORM pg_notify('meetmemo', 'task:' || NEW.id);
    END IF;
    -- Who shows what waits shows it in another order.
    IF TG_OP = 'UPDATE' AND NEW.priority <> OLD.priority THEN
        PERFORM pg_notify('meetmemo', 'job:' || NEW.job_id);
    END IF;
    IF NEW.state = 'running' AND NEW.kind IN ('transcribe', 'diarize') THEN
        PERFORM pg_notify('meetmemo', 'progress:' || NEW.job_id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION meetmemo_tell_task();
