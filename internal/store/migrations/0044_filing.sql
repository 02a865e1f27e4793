-- +goose Up
-- Failures of the ways to refuse, and the letters about them. What is known of one is its history, sealed for the carrier, which only grows.
CREATE TABLE filing_failure (
    failure_id TEXT   NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    year       BIGINT NOT NULL, -- with seq the number by which people call it
    seq        BIGINT NOT NULL,
    state      TEXT   NOT NULL, -- open, filed, no-letter
    at         BIGINT NOT NULL,
    changed    BIGINT NOT NULL,
    UNIQUE (year, seq)
);
CREATE INDEX filing_failure_by_state ON filing_failure (state, at);

CREATE TABLE filing_event (
    failure_id TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    what       TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    act        TEXT   NOT NULL, -- of who did it, so that it is done once; '' of the system
    entry_id   TEXT   NOT NULL, -- of the ledger
    sealed     BLOB   NOT NULL,
    PRIMARY KEY (failure_id, n)
);
CREATE UNIQUE INDEX filing_event_act ON filing_event (failure_id, act) WHERE act <> '';

-- The letter as it was sent, and what proves it, each as it was.
CREATE TABLE filing_paper (
    failure_id TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    name       TEXT   NOT NULL,
    media      TEXT   NOT NULL,
    hash       BLOB   NOT NULL, -- SHA-256 of the file
    sealed     BLOB   NOT NULL,
    PRIMARY KEY (failure_id, n)
);

-- Of which day and about what somebody was reminded already.
CREATE TABLE filing_reminder (
    failure_id TEXT   NOT NULL,
    code       TEXT   NOT NULL,
    day        TEXT   NOT NULL, -- YYYY-MM-DD
    PRIMARY KEY (failure_id, code, day)
);
