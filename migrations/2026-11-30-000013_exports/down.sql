UPDATE export_jobs SET export_type = 'text_transcript' WHERE export_type = 'txt';
DROP TABLE export_batches;
DROP INDEX export_jobs_by_batch;
DROP INDEX export_jobs_by_file;
ALTER TABLE export_jobs
    DROP COLUMN batch_id,
    DROP COLUMN passages,
    DROP COLUMN file_sha256,
    DROP COLUMN options;
