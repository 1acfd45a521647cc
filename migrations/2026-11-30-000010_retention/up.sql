ALTER TABLE jobs
    -- The user wants to keep it: clean-up removes neither it nor its audio nor its exports.
    ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT FALSE,
    -- When clean-up removed the audio; the meeting and its text stay. NULL: the audio is kept.
    ADD COLUMN audio_removed_at TIMESTAMPTZ,
    -- When the audio was last put back; its age counts from then. NULL: from the age of the meeting.
    ADD COLUMN audio_restored_at TIMESTAMPTZ,
    -- From when the age counts, if created_at cannot be trusted. 'infinity': it is not known yet. NULL: from created_at.
    ADD COLUMN retention_from TIMESTAMPTZ;
ALTER TABLE export_jobs ADD COLUMN retention_from TIMESTAMPTZ;

-- One row: what clean-up knows from one run to the next.
CREATE TABLE retention_state (
    id BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (id),
    -- The last moment of the server's clock that is believed. Clean-up asks before it follows a clock that lies before
    -- it, or that has moved far ahead of it.
    trusted_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- When the last clean-up removed what was due, even if nothing was.
    last_run_at TIMESTAMPTZ,
    -- When a restore brought rows back, until the user has agreed to the next clean-up.
    restored_at TIMESTAMPTZ,
    -- Why the last run removed nothing and asked: the words of store::CleanupQuestion, separated by commas.
    questions TEXT,
    questions_at TIMESTAMPTZ
);
INSERT INTO retention_state DEFAULT VALUES;

-- A row that is written while the clock is behind the last trusted moment has a created_at that is too early; it would
-- look years old as soon as the clock is right again. Its age counts from the first clean-up with a trusted clock.
CREATE FUNCTION meetmemo_retention_from() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.retention_from IS NULL
        AND current_setting('meetmemo.restoring', true) IS DISTINCT FROM 'on'
        AND now() < (SELECT trusted_at FROM retention_state)
    THEN
        NEW.retention_from := 'infinity';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER meetmemo_retention_from BEFORE INSERT ON jobs
    FOR EACH ROW EXECUTE FUNCTION meetmemo_retention_from();
CREATE TRIGGER meetmemo_retention_from BEFORE INSERT ON export_jobs
    FOR EACH ROW EXECUTE FUNCTION meetmemo_retention_from();
