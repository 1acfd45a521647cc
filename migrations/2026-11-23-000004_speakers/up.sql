-- How many people speak, as far as the user said; and whether only the speakers are to be told apart, not the words.
ALTER TABLE jobs
    ADD COLUMN requested_speakers_min INTEGER,
    ADD COLUMN requested_speakers_max INTEGER,
    ADD COLUMN speakers_only BOOLEAN NOT NULL DEFAULT FALSE;

-- Whether voices are remembered: nothing of the kind is kept before somebody agreed. One row.
CREATE TABLE people_settings (
    id BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (id),
    enabled BOOLEAN NOT NULL DEFAULT FALSE,
    -- Name those who are surely known without asking.
    automatic BOOLEAN NOT NULL DEFAULT FALSE,
    agreed_at TIMESTAMPTZ
);
INSERT INTO people_settings DEFAULT VALUES;

-- Somebody whose voice is known.
CREATE TABLE people (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Who speaks in a meeting. Rows stay for as long as a correction may speak of them.
CREATE TABLE speakers (
    id UUID PRIMARY KEY,
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- In order of appearance, from 1.
    number INTEGER NOT NULL,
    -- What the corrections amount to: name, known person, and as whom they are shown (merged; else themselves).
    name TEXT,
    person_id UUID REFERENCES people (id) ON DELETE SET NULL,
    shown_as UUID NOT NULL,
    -- Whether there is anything of them: a turn, or words given to them by hand.
    present BOOLEAN NOT NULL DEFAULT TRUE,
    -- Their voice, only while voices are remembered: 32-bit floats, little-endian, of the named encoder.
    voice BYTEA,
    voice_encoder TEXT,
    voice_ms BIGINT,
    UNIQUE (job_id, number)
);
CREATE INDEX speakers_by_person ON speakers (person_id);

-- How the speakers of a meeting were told apart.
CREATE TABLE diarizations (
    job_id UUID PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    -- voices, sortformer, channels; none if it never worked.
    method TEXT,
    model TEXT,
    -- Why the last attempt failed, if it did; what turns there are then are those of an earlier one.
    error_message TEXT,
    -- What else should be known.
    note TEXT,
    -- How many people were expected.
    expected_min INTEGER,
    expected_max INTEGER,
    work_ms BIGINT NOT NULL DEFAULT 0,
    made_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Who speaks when, as it was found in the sound.
CREATE TABLE turns (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    speaker_id UUID NOT NULL REFERENCES speakers (id) ON DELETE CASCADE,
    -- From 0 to 1.
    confidence REAL,
    overlap BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX turns_by_time ON turns (job_id, start_ms);
CREATE INDEX turns_by_speaker ON turns (speaker_id);

-- What was corrected, in order. Names, merges and words given by hand follow from this list alone.
CREATE TABLE speaker_edits (
    id UUID PRIMARY KEY,
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    edit JSONB NOT NULL,
    -- Undone ones come last and can be done again until something else is done.
    undone BOOLEAN NOT NULL DEFAULT FALSE,
    made_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX speaker_edits_by_job ON speaker_edits (job_id, position);

-- What is known of a person's voice, and whose voice was mistaken for theirs (refused). Outlives the meeting.
CREATE TABLE person_voices (
    id UUID PRIMARY KEY,
    person_id UUID NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    refused BOOLEAN NOT NULL DEFAULT FALSE,
    voice BYTEA NOT NULL,
    voice_encoder TEXT NOT NULL,
    voice_ms BIGINT NOT NULL,
    -- Where it was heard, as long as that is there.
    job_id UUID REFERENCES jobs (id) ON DELETE SET NULL,
    speaker_id UUID REFERENCES speakers (id) ON DELETE SET NULL,
    sample_start_ms BIGINT,
    sample_end_ms BIGINT,
    made_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (person_id, speaker_id)
);
CREATE INDEX person_voices_by_job ON person_voices (job_id);
CREATE INDEX person_voices_by_speaker ON person_voices (speaker_id);

ALTER TABLE segments
    ADD COLUMN speaker_id UUID REFERENCES speakers (id) ON DELETE SET NULL,
    ADD COLUMN overlap BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN by_hand BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX segments_by_speaker ON segments (speaker_id) WHERE speaker_id IS NOT NULL;

CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON diarizations
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('speakers', 'job_id');
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON speaker_edits
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('speakers', 'job_id');
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON people
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('person', 'id');
CREATE TRIGGER meetmemo_tell AFTER INSERT OR DELETE ON person_voices
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('person', 'person_id');
CREATE TRIGGER meetmemo_tell AFTER UPDATE ON people_settings
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('person', 'id');
