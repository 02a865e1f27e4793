-- +goose Up
-- What the carrier works on for customers: cases of fraud and protection, trouble tickets, orders, ports, accounts placed with a
-- vendor. What is written in them stands sealed; the number of the carrier's own system is kept as a keyed index only.
--
-- cite: P-30, P-31, P-33, P-34, P-35
CREATE TABLE matter (
    matter_id TEXT   NOT NULL PRIMARY KEY,
    version   BIGINT NOT NULL, -- raised by whatever changes what it justifies, or what was done in it
    kind      TEXT   NOT NULL, -- protection, ticket, order, port-in, port-out, collection
    state     TEXT   NOT NULL, -- open, closed
    opened    BIGINT NOT NULL, -- microseconds since 1970 UTC, as all times here
    opener    TEXT   NOT NULL, -- id of a member, or what opened it
    touched   BIGINT NOT NULL, -- when it was last worked on
    reminded  BIGINT NOT NULL, -- since when it lies; 0: it does not
    closed    BIGINT NOT NULL, -- 0: it is not
    closer    TEXT   NOT NULL,
    outcome   TEXT   NOT NULL, -- done, cancelled, unfounded, lapsed; '' while it is open
    partner   TEXT   NOT NULL, -- the vendor of a placement; '' of any other
    data      TEXT   NOT NULL, -- the classes that it can justify, with blanks between
    token     BLOB   NOT NULL, -- keyed index of the number that the carrier's own system gave it
    sealed    BLOB   NOT NULL  -- that number and what else is written about it, under the keys of all whom it is about
);
-- One number of the carrier's own system stands for one matter that runs.
CREATE UNIQUE INDEX matter_open ON matter (kind, token) WHERE state = 'open';
CREATE INDEX matter_token ON matter (token, opened);
CREATE INDEX matter_work ON matter (state, kind, opened);
CREATE INDEX matter_idle ON matter (state, kind, touched);

-- Whom a matter is about, and which of their lines.
CREATE TABLE matter_about (
    customer_id TEXT NOT NULL,
    matter_id   TEXT NOT NULL,
    sealed      BLOB NOT NULL, -- the numbers of the lines, under the customer's key
    PRIMARY KEY (customer_id, matter_id)
);
CREATE INDEX matter_about_matter ON matter_about (matter_id);

-- What was done in a matter, in order. Nothing here is ever changed.
CREATE TABLE matter_history (
    matter_id TEXT    NOT NULL,
    n         INTEGER NOT NULL,
    at        BIGINT  NOT NULL,
    by_actor  TEXT    NOT NULL,
    what      TEXT    NOT NULL, -- opened, noted, reminded, closed: OUTCOME
    sealed    BLOB    NOT NULL, -- the note or reason, as the matter is; empty: none
    PRIMARY KEY (matter_id, n)
);
