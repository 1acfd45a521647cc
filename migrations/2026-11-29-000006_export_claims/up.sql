-- Who makes an export now. A process whose claim was taken over shows an old token and changes nothing.
ALTER TABLE export_jobs ADD COLUMN claim_token UUID;
