-- The two published tables, exactly as the server edition has them. IF NOT EXISTS lets us adopt its database;
-- the store has compared the catalogue with this text before it gets here.
CREATE TABLE IF NOT EXISTS jobs (
    id UUID PRIMARY KEY,
    file_name VARCHAR(255) NOT NULL,
    file_path TEXT NOT NULL,
    file_hash VARCHAR(64) UNIQUE,
    status VARCHAR(50) NOT NULL DEFAULT 'pending',
    error_message TEXT,
    workflow_state VARCHAR(50),
    created_at TIMESTAMP NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMP NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS idx_jobs_created_at ON jobs (created_at);
CREATE INDEX IF NOT EXISTS idx_jobs_status ON jobs (status);

CREATE TABLE IF NOT EXISTS export_jobs (
    id UUID PRIMARY KEY,
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    export_type VARCHAR(50) NOT NULL,
    status VARCHAR(50) NOT NULL DEFAULT 'pending',
    progress INTEGER DEFAULT 0,
    error_message TEXT,
    file_path TEXT,
    created_at TIMESTAMP NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMP NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS idx_export_jobs_job_id ON export_jobs (job_id);
CREATE INDEX IF NOT EXISTS idx_export_jobs_created_at ON export_jobs (created_at);
