ALTER TABLE export_jobs DROP COLUMN claim_token;
