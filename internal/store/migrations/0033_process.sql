-- +goose Up
-- Legal process. What stands in a file is sealed for the carrier; whom it is about, for each customer, so that it goes with the
-- customer's key. The history only grows.
CREATE TABLE process (
    process_id TEXT   NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    state      TEXT   NOT NULL, -- entered, approved, rejected, withdrawn, quashed, answered
    received   BIGINT NOT NULL,
    due        BIGINT NOT NULL, -- when it should be answered
    ends       BIGINT NOT NULL, -- the first moment at which it is no longer in force
    silent     BIGINT NOT NULL, -- the first moment at which the customer may be told; 0: from the beginning
    looked     BIGINT NOT NULL, -- when an order of silence without an end was last looked at; 0: it has an end
    late       BIGINT NOT NULL, -- 1: an alert was raised that it is not answered
    changed    BIGINT NOT NULL,
    sealed     BLOB   NOT NULL
);
CREATE INDEX process_by_state ON process (state, due);
CREATE INDEX process_by_time ON process (received, process_id);

CREATE TABLE process_subject (
    customer_id TEXT   NOT NULL, -- '' nobody of ours
    process_id  TEXT   NOT NULL,
    no          BIGINT NOT NULL, -- 1, 2, … within the process
    sealed      BLOB   NOT NULL,
    PRIMARY KEY (customer_id, process_id, no)
);
CREATE INDEX process_subject_of ON process_subject (process_id, no);

CREATE TABLE process_event (
    process_id TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    what       TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    entry_id   TEXT   NOT NULL, -- of the ledger
    sealed     BLOB   NOT NULL,
    PRIMARY KEY (process_id, n)
);

-- The papers, as they were scanned: the process itself is the first.
CREATE TABLE process_paper (
    process_id TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    media      TEXT   NOT NULL,
    hash       BLOB   NOT NULL, -- SHA-256 of the file
    sealed     BLOB   NOT NULL,
    PRIMARY KEY (process_id, n)
);

-- What was released, each by a decision of its own. It is opened again when a package is made.
CREATE TABLE process_release (
    customer_id TEXT   NOT NULL,
    process_id  TEXT   NOT NULL,
    no          BIGINT NOT NULL, -- of the subject
    round       BIGINT NOT NULL, -- 1, 2, … of the subject
    entry_id    TEXT   NOT NULL, -- of the decision
    at          BIGINT NOT NULL,
    package     BIGINT NOT NULL, -- in which it goes; 0: none yet
    PRIMARY KEY (customer_id, process_id, no, round)
);
CREATE INDEX process_release_of ON process_release (process_id, no, round);

CREATE TABLE process_package (
    process_id TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    handed     BIGINT NOT NULL, -- when it was handed out; 0: not yet
    hash       BLOB   NOT NULL, -- SHA-256 of the file that was handed out
    PRIMARY KEY (process_id, n)
);

-- Whom of its customers is to be told, and when that may be.
CREATE TABLE process_notice (
    customer_id TEXT   NOT NULL,
    process_id  TEXT   NOT NULL,
    kind        TEXT   NOT NULL, -- before, after
    due         BIGINT NOT NULL,
    state       TEXT   NOT NULL, -- waiting, sent, nowhere, dropped
    message_id  TEXT   NOT NULL,
    changed     BIGINT NOT NULL,
    PRIMARY KEY (customer_id, process_id, kind)
);
CREATE INDEX process_notice_due ON process_notice (state, due);
CREATE INDEX process_notice_of ON process_notice (process_id);
