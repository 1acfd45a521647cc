-- Folders of meetings, one inside another. The program moves what is in a folder one level up before it deletes it.
CREATE TABLE folders (
    id UUID PRIMARY KEY,
    -- NULL: at the top.
    parent_id UUID REFERENCES folders (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX folders_by_name ON folders (parent_id, lower(name)) NULLS NOT DISTINCT;

CREATE TABLE tags (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    -- The name of a colour; the page knows how it looks in a dark and in a light window.
    colour TEXT NOT NULL CHECK (colour ~ '^c([1-9]|1[0-2])$')
);
CREATE UNIQUE INDEX tags_by_name ON tags (lower(name));

ALTER TABLE jobs
    ADD COLUMN folder_id UUID REFERENCES folders (id) ON DELETE SET NULL,
    ADD COLUMN favourite BOOLEAN NOT NULL DEFAULT FALSE,
    -- Since when the meeting is in the trash. NULL: it is not. Never before retention_state.trusted_at of that moment,
    -- so that a clock that is behind does not make it look as if it had been there for long.
    ADD COLUMN trashed_at TIMESTAMPTZ;
-- The list of meetings, newest first, in pages.
CREATE INDEX jobs_by_time ON jobs ((coalesce(recorded_at, created_at AT TIME ZONE 'UTC')) DESC, id DESC)
    WHERE trashed_at IS NULL;
CREATE INDEX jobs_by_folder ON jobs (folder_id) WHERE folder_id IS NOT NULL;
CREATE INDEX jobs_trashed ON jobs (trashed_at) WHERE trashed_at IS NOT NULL;

CREATE TABLE meeting_tags (
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    tag_id UUID NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    PRIMARY KEY (job_id, tag_id)
);
CREATE INDEX meeting_tags_by_tag ON meeting_tags (tag_id);

-- What people write about a meeting, in Markdown. An empty text stays, so that its revision does.
CREATE TABLE notes (
    job_id UUID PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    -- Rises by one with each change. Whoever saves names the revision they started from.
    revision INTEGER NOT NULL DEFAULT 1,
    changed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Cancelled because the meeting went to the trash. It waits again when the meeting is restored.
ALTER TABLE tasks ADD COLUMN cancelled_by_trash BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON folders
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('folder', 'id');
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON tags
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('tag', 'id');
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON meeting_tags
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('job', 'job_id');
CREATE TRIGGER meetmemo_tell AFTER INSERT OR UPDATE OR DELETE ON notes
    FOR EACH ROW EXECUTE FUNCTION meetmemo_tell('note', 'job_id');
