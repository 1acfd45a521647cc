ALTER TABLE job_runs DROP COLUMN left_ms;
ALTER TABLE segments DROP COLUMN doubt;
ALTER TABLE transcripts DROP COLUMN machine_id, DROP COLUMN real_time_factor, DROP COLUMN device;
ALTER TABLE jobs DROP COLUMN requested_translate, DROP COLUMN requested_vocabulary;
