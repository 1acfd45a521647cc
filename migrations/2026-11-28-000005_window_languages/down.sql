ALTER TABLE transcript_windows
    DROP COLUMN language,
    DROP COLUMN other_language;
