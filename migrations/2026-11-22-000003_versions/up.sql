-- What the user chose besides language and model.
ALTER TABLE jobs
    ADD COLUMN requested_translate BOOLEAN NOT NULL DEFAULT FALSE,
    -- Names and terms to expect, one in a line.
    ADD COLUMN requested_vocabulary TEXT;

ALTER TABLE transcripts
    -- Where it was made, and how fast: seconds of work per second of audio, of a run that was not interrupted.
    ADD COLUMN machine_id UUID,
    ADD COLUMN real_time_factor DOUBLE PRECISION,
    -- What it was computed on.
    ADD COLUMN device TEXT;

-- Why the words of a line should be doubted: repetition, invented.
ALTER TABLE segments ADD COLUMN doubt TEXT;

-- What is left to do, as far as this computer's earlier runs and this one tell.
ALTER TABLE job_runs ADD COLUMN left_ms BIGINT;
