-- +goose Up
-- A message is its own place in the queue: what has become of it and when it is to be tried next stand in one row, so that
-- they cannot disagree.
ALTER TABLE message ADD COLUMN kind TEXT NOT NULL DEFAULT '';          -- names its template; '' of what an earlier version planned
ALTER TABLE message ADD COLUMN due BIGINT NOT NULL DEFAULT 0;          -- not tried before; while a channel has it, until when it may
ALTER TABLE message ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;     -- 1: taken back, no other attempt
ALTER TABLE message ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;      -- when its state was last written
ALTER TABLE message ADD COLUMN code TEXT NOT NULL DEFAULT '';          -- the other side's last word, or ours
ALTER TABLE message ADD COLUMN wording TEXT NOT NULL DEFAULT '';       -- the version of the template that it was written by
ALTER TABLE message ADD COLUMN instead TEXT NOT NULL DEFAULT '';       -- the message that goes in its place
ALTER TABLE message ADD COLUMN late INTEGER NOT NULL DEFAULT 0;        -- 1: an alert was raised because it had not gone
ALTER TABLE message ADD COLUMN mark BLOB;                              -- hash of the token by which answers find it
ALTER TABLE message ADD COLUMN number BLOB;                            -- hash of the number by which a person finds it
ALTER TABLE message ADD COLUMN reference BLOB;                         -- hash of the other side's name for it
CREATE INDEX message_due ON message (via, due) WHERE state IN ('queued', 'sending');
CREATE INDEX message_changed ON message (state, changed);
CREATE INDEX message_at ON message (at);
CREATE UNIQUE INDEX message_mark ON message (mark);
CREATE INDEX message_number ON message (number);
CREATE INDEX message_reference ON message (reference);

-- What has become of a message, step by step; what the other side said lies sealed.
CREATE TABLE message_event (
    customer_id TEXT    NOT NULL,
    message_id  TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    event_id    TEXT    NOT NULL,
    at          BIGINT  NOT NULL,
    what        TEXT    NOT NULL, -- a state, or the kind of what came in
    code        TEXT    NOT NULL,
    sealed      BLOB,
    PRIMARY KEY (customer_id, message_id, n)
);

-- Templates as they were when messages were written by them.
CREATE TABLE wording (
    version TEXT NOT NULL PRIMARY KEY,
    source  TEXT NOT NULL
);
