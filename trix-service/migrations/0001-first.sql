-- SQLite and PostgreSQL read the same statements: times are milliseconds since 1970, flags are 0 or 1, documents are JSON text.

CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO counters (name, value) VALUES ('changes', 0);

-- Who did what, when. The numbers have no gaps, and grow in the order in which the changes became visible.
CREATE TABLE changes (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    job TEXT,
    who TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX changes_of_job ON changes (job, number);

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Sessions and API tokens, by the hash of the secret.
CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    owner TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX tokens_of_user ON tokens (owner);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    submission TEXT NOT NULL,
    submitter TEXT NOT NULL,
    request_key TEXT NOT NULL,
    priority BIGINT NOT NULL,
    state TEXT NOT NULL,
    is_paused BIGINT NOT NULL DEFAULT 0,
    is_cancelling BIGINT NOT NULL DEFAULT 0,
    -- The number of the run, and of the last one that the engine has.
    run BIGINT NOT NULL,
    handed_run BIGINT NOT NULL DEFAULT 0,
    units BIGINT NOT NULL DEFAULT 0,
    units_done BIGINT NOT NULL DEFAULT 0,
    detail TEXT NOT NULL DEFAULT '',
    error TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    UNIQUE (submitter, request_key)
);
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE UNIQUE INDEX one_job_a_title ON jobs (title) WHERE state IN ('queued', 'running');

CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    run BIGINT NOT NULL,
    step TEXT NOT NULL,
    worker TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    ended_at BIGINT,
    -- done, failed, waited, cancelled or fenced; NULL while it runs, and for ever if its worker was lost.
    outcome TEXT,
    error TEXT
);
CREATE INDEX attempts_of_step ON attempts (job, run, step);

CREATE TABLE outputs (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (job, path)
);

-- What the job reports: ledgers, checks, scores.
CREATE TABLE reports (
    job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    document TEXT NOT NULL
);

CREATE TABLE workers (
    name TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    work TEXT,
    is_draining BIGINT NOT NULL DEFAULT 0,
    began_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);

CREATE TABLE notices (
    id BIGINT PRIMARY KEY,
    text TEXT NOT NULL,
    author TEXT NOT NULL,
    at BIGINT NOT NULL
);
