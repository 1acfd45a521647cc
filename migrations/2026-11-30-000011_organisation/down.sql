ALTER TABLE tasks DROP COLUMN cancelled_by_trash;
DROP TABLE notes;
DROP TABLE meeting_tags;
ALTER TABLE jobs
    DROP COLUMN trashed_at,
    DROP COLUMN favourite,
    DROP COLUMN folder_id;
DROP TABLE tags;
DROP TABLE folders;
