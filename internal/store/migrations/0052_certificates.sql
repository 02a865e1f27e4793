-- +goose Up
-- The annual certificates. What is known of one is its history, sealed for the carrier, which only grows. A year without a row is a file into
-- which nobody has written.
CREATE TABLE certificate (
    year    BIGINT NOT NULL PRIMARY KEY, -- the calendar year that it certifies
    version BIGINT NOT NULL,
    state   TEXT   NOT NULL, -- working, signed, filed
    at      BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE certificate_event (
    year     BIGINT NOT NULL,
    n        BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    what     TEXT   NOT NULL,
    actor    TEXT   NOT NULL,
    act      TEXT   NOT NULL, -- of who did it, so that it is done once; '' of the system
    entry_id TEXT   NOT NULL, -- of the ledger
    sealed   BLOB   NOT NULL,
    PRIMARY KEY (year, n)
);
CREATE UNIQUE INDEX certificate_event_act ON certificate_event (year, act) WHERE act <> '';

-- The text and the pages as they were signed, and what proves that they were filed, each as it was.
CREATE TABLE certificate_paper (
    year   BIGINT NOT NULL,
    n      BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    name   TEXT   NOT NULL,
    media  TEXT   NOT NULL,
    hash   BLOB   NOT NULL, -- SHA-256 of the file
    sealed BLOB   NOT NULL,
    PRIMARY KEY (year, n)
);

-- Of which day and about what somebody was reminded already.
CREATE TABLE certificate_reminder (
    year BIGINT NOT NULL,
    code TEXT   NOT NULL,
    day  TEXT   NOT NULL, -- YYYY-MM-DD
    PRIMARY KEY (year, code, day)
);
