-- +goose Up
-- The whole of what shows that something was said, such as a scanned letter: apart from the event, so that a history is read without it.
CREATE TABLE approval_evidence (
    customer_id TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    sealed      BLOB NOT NULL,
    PRIMARY KEY (customer_id, event_id)
);

-- Answers whose meaning a person has to find out, or whose customer.
CREATE TABLE answer_read (
    answer_id   TEXT   NOT NULL PRIMARY KEY,
    customer_id TEXT   NOT NULL, -- '' not known, or one of several: it is sealed for the carrier then
    at          BIGINT NOT NULL, -- when it was received
    due         BIGINT NOT NULL, -- when it should have been read
    via         TEXT   NOT NULL,
    why         TEXT   NOT NULL, -- what is not plain, in one word
    state       TEXT   NOT NULL, -- waiting, decided
    held        BIGINT NOT NULL, -- 1: it counts as a refusal already
    reader      TEXT   NOT NULL, -- who has taken it; '' nobody
    decided     BIGINT NOT NULL, -- 0: not yet
    decision    TEXT   NOT NULL, -- objection, not-about-this, other
    late        BIGINT NOT NULL, -- 1: an alert was raised that it waits
    sealed      BLOB   NOT NULL  -- the whole of it, and what was decided
);
CREATE INDEX answer_read_waits ON answer_read (state, at);
CREATE INDEX answer_read_customer ON answer_read (customer_id, at);

-- Where approvals stand is written beside each profile since the version before. Of customers from before that it is written once;
-- where there are none it is so already.
INSERT INTO meta (name, value) SELECT 'approval.stands', 'all' WHERE NOT EXISTS (SELECT 1 FROM customer);
