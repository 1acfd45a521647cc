-- What an exported file contains, so that it can be checked later; and exports of many meetings at once.
ALTER TABLE export_jobs
    -- The options it was made with.
    ADD COLUMN options JSONB,
    -- SHA-256 of the file, in hexadecimal.
    ADD COLUMN file_sha256 TEXT,
    -- 16 bytes for each passage: start and end in milliseconds (4 bytes each, big-endian), and the beginning of the
    -- SHA-256 of its times, speaker and text.
    ADD COLUMN passages BYTEA,
    -- The batch it belongs to. No reference: batches belong to a computer and are not in a backup.
    ADD COLUMN batch_id UUID;
CREATE INDEX export_jobs_by_file ON export_jobs (file_sha256) WHERE file_sha256 IS NOT NULL;
CREATE INDEX export_jobs_by_batch ON export_jobs (batch_id) WHERE batch_id IS NOT NULL;

-- Exports that were asked for together, to one folder or one ZIP file.
CREATE TABLE export_batches (
    id UUID PRIMARY KEY,
    -- The library of the computer that the path is on.
    library_id UUID NOT NULL,
    -- The absolute path of the folder or of the ZIP file.
    target TEXT NOT NULL,
    is_zip BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- When all its files were there, and the ZIP file was written. NULL: not yet.
    ended_at TIMESTAMPTZ,
    -- Why the ZIP file could not be written.
    error_message TEXT
);

-- The formats have one name each.
UPDATE export_jobs SET export_type = 'txt' WHERE export_type = 'text_transcript';
