-- Summaries of meetings. A new one never replaces an older one.
CREATE TABLE summaries (
    id UUID PRIMARY KEY,
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- The version of the transcript it was made of. NULL: that version was deleted.
    transcript_id UUID REFERENCES transcripts (id) ON DELETE SET NULL,
    -- 'extract': sentences of the transcript, selected by rules. 'model': written by a language model.
    kind TEXT NOT NULL CHECK (kind IN ('extract', 'model')),
    -- The name of the template. NULL: it is an extract.
    template TEXT,
    -- What made it: 'extract', or the engine of the language model.
    engine TEXT NOT NULL,
    -- The language model. NULL: it is an extract.
    model TEXT,
    -- The language of its statements: a BCP 47 tag. NULL: unknown.
    language TEXT,
    -- {"covered": …, "sections": …} in the form of docs/summaries.md.
    content JSONB NOT NULL,
    -- The passages it was made of, in the form of export_jobs.passages. Other passages now: it is out of date.
    passages BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- Rises by one with each change by hand.
    revision INTEGER NOT NULL DEFAULT 1,
    -- When it was last changed by hand. NULL: never.
    edited_at TIMESTAMPTZ
);
CREATE INDEX summaries_by_job ON summaries (job_id, created_at DESC);
CREATE INDEX summaries_by_transcript ON summaries (transcript_id) WHERE transcript_id IS NOT NULL;

CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON summaries
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('summary', 'job_id');
