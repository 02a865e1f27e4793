-- +goose Up
-- What a commit tells to who follows the tree: one line an entry, the customer, the entry and the rules that decided. It is
-- emptied when it was told.
ALTER TABLE ledger_lane ADD COLUMN about TEXT NOT NULL DEFAULT '';
ALTER TABLE ledger_span ADD COLUMN about TEXT NOT NULL DEFAULT '';
CREATE INDEX ledger_span_first ON ledger_span (first_seq);

-- Wrong secrets of two days as short tags under the key of their day, which goes with them: enough to see that one secret is
-- tried on many customers, of no use for finding the secret once the key is gone.
CREATE TABLE tried_key (
    day    INTEGER NOT NULL PRIMARY KEY, -- yyyymmdd UTC
    sealed BLOB    NOT NULL
);
CREATE TABLE tried (
    customer_id TEXT    NOT NULL,
    contact_id  TEXT    NOT NULL,
    at          BIGINT  NOT NULL,
    day         INTEGER NOT NULL,
    tag         INTEGER NOT NULL,
    PRIMARY KEY (customer_id, contact_id, at)
);
CREATE INDEX tried_tag ON tried (day, tag);

-- The index of what is in the tree, kept by who follows it and made again from the records when need be.
CREATE TABLE watch_entry (
    seq         BIGINT  NOT NULL PRIMARY KEY, -- its place in the tree
    entry_id    TEXT    NOT NULL,
    customer_id TEXT    NOT NULL,
    at          BIGINT  NOT NULL,
    actor       TEXT    NOT NULL,
    contact     TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    purpose     TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    touch       INTEGER NOT NULL, -- 1: somebody began to work on the customer
    lone        INTEGER NOT NULL DEFAULT 0 -- 1: a look-up that no contact came with
);
CREATE INDEX watch_entry_at ON watch_entry (at, seq);
CREATE INDEX watch_entry_actor ON watch_entry (actor, at, seq);
CREATE INDEX watch_entry_code ON watch_entry (code, at, seq);
CREATE INDEX watch_entry_customer ON watch_entry (customer_id, at, seq);
CREATE INDEX watch_entry_touch ON watch_entry (actor, at, seq) WHERE touch = 1;
CREATE INDEX watch_entry_touched ON watch_entry (customer_id, at, seq) WHERE touch = 1;

-- How often each thing happened on a day of the carrier's: rule:ID, decision, permit, refused:CODE and the like.
CREATE TABLE watch_count (
    day  INTEGER NOT NULL, -- yyyymmdd
    what TEXT    NOT NULL,
    n    BIGINT  NOT NULL,
    PRIMARY KEY (day, what)
);

-- On how many customers each person worked on a day: what is usual for them.
CREATE TABLE watch_habit (
    actor     TEXT    NOT NULL,
    day       INTEGER NOT NULL, -- yyyymmdd
    customers INTEGER NOT NULL,
    PRIMARY KEY (actor, day)
);

-- What can be judged only when some time has passed.
CREATE TABLE watch_due (
    due  BIGINT NOT NULL,
    seq  BIGINT NOT NULL,
    what TEXT   NOT NULL,
    PRIMARY KEY (due, seq, what)
);

-- Customers that nobody has reason to open.
CREATE TABLE watch_decoy (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    since       BIGINT NOT NULL
);

-- Which members of the staff are customers too: the customer only as a keyed blind index.
CREATE TABLE watch_kin (
    staff_id TEXT NOT NULL,
    token    BLOB NOT NULL,
    PRIMARY KEY (staff_id, token)
);
CREATE INDEX watch_kin_token ON watch_kin (token);

CREATE TABLE watch_alert (
    alert_id    TEXT    NOT NULL PRIMARY KEY,
    version     BIGINT  NOT NULL,
    detector    TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    subject     TEXT    NOT NULL, -- what it is about: a member, a customer, both; never a name
    member      TEXT    NOT NULL, -- '' when it is about no member
    customer_id TEXT    NOT NULL, -- '' when it is about several
    state       TEXT    NOT NULL, -- open, looking, closed
    raised      BIGINT  NOT NULL,
    newest      BIGINT  NOT NULL, -- of its evidence
    evidence    INTEGER NOT NULL, -- how many entries
    worker      TEXT    NOT NULL,
    outcome     TEXT    NOT NULL, -- explained, violation, false-alarm
    closed      BIGINT  NOT NULL
);
CREATE UNIQUE INDEX watch_alert_open ON watch_alert (detector, subject) WHERE state <> 'closed';
CREATE INDEX watch_alert_subject ON watch_alert (detector, subject, closed);
CREATE INDEX watch_alert_raised ON watch_alert (raised, alert_id);

CREATE TABLE watch_evidence (
    alert_id TEXT   NOT NULL,
    seq      BIGINT NOT NULL,
    PRIMARY KEY (alert_id, seq)
);

-- What was done in a case, in order. Nothing here is ever changed.
CREATE TABLE watch_history (
    alert_id TEXT    NOT NULL,
    n        INTEGER NOT NULL,
    at       BIGINT  NOT NULL,
    by_staff TEXT    NOT NULL,
    what     TEXT    NOT NULL,
    sealed   BLOB    NOT NULL, -- the note or reason; empty: none
    PRIMARY KEY (alert_id, n)
);
