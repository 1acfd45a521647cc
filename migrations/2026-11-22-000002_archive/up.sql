-- The plain TIMESTAMP columns of the contract hold UTC. Sessions of ours set the zone themselves; this is for the
-- server edition's. Only the owner of a database may set it, hence the exception.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET timezone TO ''UTC''', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the time zone of the database stays as it is';
END
$$;

-- The marker by which we know a database of ours.
CREATE TABLE meetmemo_archive (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
INSERT INTO meetmemo_archive DEFAULT VALUES;

ALTER TABLE jobs
    ADD COLUMN title TEXT,
    ADD COLUMN duration_ms BIGINT,
    ADD COLUMN recorded_at TIMESTAMPTZ,
    ADD COLUMN recorded_offset_s INTEGER,
    ADD COLUMN byte_size BIGINT,
    ADD COLUMN media_format TEXT,
    ADD COLUMN media_note TEXT,
    ADD COLUMN library_id UUID,
    ADD COLUMN requested_language TEXT,
    ADD COLUMN requested_model TEXT,
    ADD COLUMN current_transcript_id UUID;

ALTER TABLE export_jobs
    ADD COLUMN replace_existing BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN note TEXT,
    -- Whose disk file_path is on.
    ADD COLUMN library_id UUID,
    ADD COLUMN claimed_until TIMESTAMPTZ;

-- Who works on a job and how far it is. Apart from jobs, so that progress does not rewrite jobs twice a second.
CREATE TABLE job_runs (
    job_id UUID PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    lease_token UUID NOT NULL,
    leased_until TIMESTAMPTZ NOT NULL,
    machine_id UUID NOT NULL,
    -- Take-overs since the last committed window: a recording that ends its worker every time is given up.
    take_overs INTEGER NOT NULL DEFAULT 0,
    audio_done_ms BIGINT NOT NULL DEFAULT 0,
    audio_total_ms BIGINT,
    -- Seconds of work per second of audio in this run; lower is faster.
    real_time_factor DOUBLE PRECISION,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    heartbeat_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- A version of a meeting's transcript. Never overwritten; it becomes current only when complete.
CREATE TABLE transcripts (
    id UUID PRIMARY KEY,
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    status VARCHAR(50) NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'complete', 'failed')),
    error_message TEXT,
    engine TEXT NOT NULL,
    model TEXT NOT NULL,
    model_sha256 VARCHAR(64),
    language TEXT,
    -- What decides where windows are cut and how they are decoded; work is resumed only under equal settings.
    settings JSONB NOT NULL,
    audio_ms BIGINT,
    work_ms BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    completed_at TIMESTAMPTZ,
    UNIQUE (job_id, version)
);
ALTER TABLE jobs ADD CONSTRAINT jobs_current_transcript_id_fkey
    FOREIGN KEY (current_transcript_id) REFERENCES transcripts (id) ON DELETE SET NULL;

-- The windows of audio whose words are committed, with their span; the basis of resuming inside a file.
CREATE TABLE transcript_windows (
    transcript_id UUID NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    window_index INTEGER NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    PRIMARY KEY (transcript_id, window_index)
);

CREATE TABLE segments (
    id UUID PRIMARY KEY,
    transcript_id UUID NOT NULL REFERENCES transcripts (id) ON DELETE CASCADE,
    -- The window the segment came from while the version is running; the final cut has none.
    window_index INTEGER,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    text TEXT NOT NULL,
    words JSONB NOT NULL
);
CREATE INDEX segments_by_time ON segments (transcript_id, start_ms);

-- Files to unlink after their row is gone, written in the transaction that removes the row.
CREATE TABLE pending_removals (
    library_id UUID NOT NULL,
    file_path TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (library_id, file_path)
);

CREATE FUNCTION meetmemo_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER meetmemo_touch BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION meetmemo_touch();
CREATE TRIGGER meetmemo_touch BEFORE UPDATE ON export_jobs FOR EACH ROW EXECUTE FUNCTION meetmemo_touch();

-- News for every process that shows the archive: channel meetmemo, payload kind:id. The arguments of the trigger
-- are the kind and the column that holds the id. A change of a transcript's segments is told by its windows.
CREATE FUNCTION meetmemo_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    PERFORM pg_notify('meetmemo', TG_ARGV[0] || ':' || (changed ->> TG_ARGV[1]));
    RETURN NULL;
END
$$;
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON jobs
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('job', 'id');
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON export_jobs
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('export', 'id');
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON transcripts
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('transcript', 'id');
CREATE TRIGGER meetmemo_tell AFTER INSERT ON transcript_windows
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('transcript', 'transcript_id');
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE ON job_runs
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('progress', 'job_id');
