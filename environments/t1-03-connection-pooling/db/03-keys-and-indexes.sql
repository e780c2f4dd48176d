-- A job is of a kind that exists. Whoever asks for another is refused.
ALTER TABLE jobs ADD FOREIGN KEY (kind) REFERENCES kinds (name);

-- Leads a worker to the oldest job that waits, however many are done.
CREATE INDEX jobs_waiting ON jobs (id) WHERE status = 'waiting';
