-- Profiles by version. A job keeps the versions that were in force when it was submitted.

CREATE TABLE profiles (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    text TEXT NOT NULL,
    author TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);
ALTER TABLE jobs ADD COLUMN profile_versions TEXT NOT NULL DEFAULT '{}';

-- What a job will make, once it is planned.
ALTER TABLE jobs ADD COLUMN plan TEXT;

-- The master of a job. The program fills it for jobs that are there.
ALTER TABLE jobs ADD COLUMN source TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_of_source ON jobs (source, id);

-- Masters, as they were when they were planned last, and the SHA-256 of their bytes, once a job is done.
CREATE TABLE masters (
    path TEXT PRIMARY KEY,
    bytes BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    sha256 TEXT,
    probe TEXT NOT NULL,
    job TEXT NOT NULL,
    at BIGINT NOT NULL
);

-- What dispatchers look for several times a second.
CREATE INDEX jobs_to_hand ON jobs (priority, id) WHERE state = 'queued';
CREATE INDEX jobs_to_cancel ON jobs (id) WHERE is_cancelling = 1;

-- The priority that the engine knows.
ALTER TABLE jobs ADD COLUMN handed_priority BIGINT NOT NULL DEFAULT 0;
UPDATE jobs SET handed_priority = priority;

-- How far an attempt is, as its worker tells it.
ALTER TABLE attempts ADD COLUMN frames BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN frames_expected BIGINT;
ALTER TABLE attempts ADD COLUMN doing TEXT NOT NULL DEFAULT '';
CREATE INDEX attempts_by_end ON attempts (ended_at);
CREATE INDEX jobs_by_end ON jobs (ended_at);
CREATE INDEX changes_by_time ON changes (at);

-- The attempt that a worker is at, and its machine: the load in hundredths, the memory in bytes.
ALTER TABLE workers ADD COLUMN attempt TEXT;
ALTER TABLE workers ADD COLUMN load_hundredths BIGINT;
ALTER TABLE workers ADD COLUMN cores BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workers ADD COLUMN memory BIGINT;
ALTER TABLE workers ADD COLUMN memory_free BIGINT;

-- 1: the user signs in with an OpenID provider, and has no password here.
ALTER TABLE users ADD COLUMN is_external BIGINT NOT NULL DEFAULT 0;

-- Sign-ins at an OpenID provider that have begun.
CREATE TABLE sign_ins (
    state TEXT PRIMARY KEY,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
