-- +goose Up
-- Incidents. What is known of one is its history, sealed for the carrier, which only grows; the row beside it has what lists and locks need.
CREATE TABLE incident (
    incident_id TEXT   NOT NULL PRIMARY KEY,
    version     BIGINT NOT NULL,
    year        BIGINT NOT NULL, -- with seq the number by which people call it
    exercise    BIGINT NOT NULL, -- 1: a rehearsal
    seq         BIGINT NOT NULL,
    state       TEXT   NOT NULL, -- open, closed, removed
    at          BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    UNIQUE (year, exercise, seq)
);
CREATE INDEX incident_by_state ON incident (state, at);

CREATE TABLE incident_event (
    incident_id TEXT   NOT NULL,
    n           BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    what        TEXT   NOT NULL,
    actor       TEXT   NOT NULL,
    act         TEXT   NOT NULL, -- of who did it, so that it is done once; '' of the system
    entry_id    TEXT   NOT NULL, -- of the ledger
    sealed      BLOB   NOT NULL,
    PRIMARY KEY (incident_id, n)
);
CREATE UNIQUE INDEX incident_event_act ON incident_event (incident_id, act) WHERE act <> '';

-- What was filed, received and attached, each as it was.
CREATE TABLE incident_paper (
    incident_id TEXT   NOT NULL,
    n           BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    media       TEXT   NOT NULL,
    hash        BLOB   NOT NULL, -- SHA-256 of the file
    sealed      BLOB   NOT NULL,
    PRIMARY KEY (incident_id, n)
);

-- Whose information it reached, and what has become of telling each.
CREATE TABLE incident_customer (
    customer_id TEXT   NOT NULL,
    incident_id TEXT   NOT NULL,
    step        BIGINT NOT NULL, -- of the history, by which the customer is in the set or out of it
    entry_id    TEXT   NOT NULL, -- of the ledger, that shows it; '' put in by hand
    state       TEXT   NOT NULL, -- in, out, planned, sent, came-back, no-way, told
    via         TEXT   NOT NULL,
    message_id  TEXT   NOT NULL,
    code        TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (customer_id, incident_id)
);
CREATE INDEX incident_customer_of ON incident_customer (incident_id, state, customer_id);

-- How far the telling has come. It stands apart: progress is no new version.
CREATE TABLE incident_work (
    incident_id TEXT   NOT NULL PRIMARY KEY,
    place       TEXT   NOT NULL, -- the customer who was planned last
    planned     BIGINT NOT NULL,
    expected    BIGINT NOT NULL,
    state       TEXT   NOT NULL, -- running, paused, done
    claim       TEXT   NOT NULL, -- of the node that works on it
    claimed     BIGINT NOT NULL
);

-- Of which day and about what somebody was reminded already.
CREATE TABLE incident_reminder (
    incident_id TEXT   NOT NULL,
    code        TEXT   NOT NULL,
    day         TEXT   NOT NULL, -- YYYY-MM-DD
    PRIMARY KEY (incident_id, code, day)
);
