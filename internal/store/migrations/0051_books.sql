-- +goose Up
-- The registers of which the yearly certificate tells: complaints, actions against data brokers, pretexting methods, reviews of suppliers.
-- What is known of a record is its history, which only grows: sealed for the carrier, and what tells who complained, and in which words,
-- apart from it, for the customer where the customer is known. Where they are forgotten only that goes, and the record still counts.
CREATE TABLE book_record (
    record_id  TEXT   NOT NULL PRIMARY KEY, -- of what a customer reported: the report's
    kind       TEXT   NOT NULL, -- complaint, broker-action, pretexting-method, supplier-review
    version    BIGINT NOT NULL,
    year       BIGINT NOT NULL, -- with seq the number by which people call it
    seq        BIGINT NOT NULL,
    subject    TEXT   NOT NULL, -- a complaint's category, the partner that was reviewed; '' of the others
    day        TEXT   NOT NULL, -- YYYY-MM-DD by the carrier's calendar: the first on which it counts
    last_day   TEXT   NOT NULL, -- the last on which it counts
    mend_by    TEXT   NOT NULL, -- the day by which a review's findings are mended; '' nothing waits for that
    of         TEXT   NOT NULL, -- the customer who complained; '' not known, or forgotten
    report     BIGINT NOT NULL, -- 1: a customer reported it, and the report says more
    forgotten  BIGINT NOT NULL, -- 1: the customer is forgotten
    at         BIGINT NOT NULL,
    changed    BIGINT NOT NULL,
    UNIQUE (kind, year, seq)
);
CREATE INDEX book_record_by_day ON book_record (kind, day);
CREATE INDEX book_record_by_subject ON book_record (kind, subject, day);
CREATE INDEX book_record_of ON book_record (of) WHERE of <> '';
CREATE INDEX book_record_mend ON book_record (mend_by) WHERE mend_by <> '';

CREATE TABLE book_event (
    record_id TEXT   NOT NULL,
    n         BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    what      TEXT   NOT NULL,
    actor     TEXT   NOT NULL,
    act       TEXT   NOT NULL, -- of who did it, so that it is done once; '' of the system
    entry_id  TEXT   NOT NULL, -- of the ledger
    sealed    BLOB   NOT NULL,
    private   BLOB   NOT NULL, -- sealed for the customer; empty: nothing, or the customer is forgotten
    PRIMARY KEY (record_id, n)
);
CREATE UNIQUE INDEX book_event_act ON book_event (record_id, act) WHERE act <> '';

-- The last number that was given.
CREATE TABLE book_number (
    kind TEXT   NOT NULL,
    year BIGINT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (kind, year)
);

-- From which day on the registers are kept. The first row is the system's; others say what was carried over from before it.
CREATE TABLE book_kept (
    n        BIGINT NOT NULL PRIMARY KEY,
    at       BIGINT NOT NULL,
    since    TEXT   NOT NULL, -- YYYY-MM-DD
    actor    TEXT   NOT NULL,
    entry_id TEXT   NOT NULL,
    sealed   BLOB   NOT NULL  -- on what it rests
);

-- Since when a partner is known to get customers' information: its first review is counted from there.
CREATE TABLE book_supplier (
    partner_id TEXT NOT NULL PRIMARY KEY,
    since      TEXT NOT NULL -- YYYY-MM-DD
);

-- Of what an alert was raised already.
CREATE TABLE book_alert (
    subject  TEXT   NOT NULL PRIMARY KEY,
    at       BIGINT NOT NULL,
    entry_id TEXT   NOT NULL
);
