DROP TABLE export_jobs;
DROP TABLE jobs;
