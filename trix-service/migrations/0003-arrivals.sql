-- Masters that a rule of a watch folder matches, and what became of them.

CREATE TABLE arrivals (
    path TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    -- submitted, or waits for an operator.
    state TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    submission TEXT NOT NULL,
    job TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX arrivals_by_state ON arrivals (state, at);
