-- +goose Up
-- Legal holds. What the matter is, and why, lies sealed for the carrier; what is held has to be found without opening anything.
CREATE TABLE retention_hold (
    hold_id     TEXT   NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL,
    by_staff    TEXT   NOT NULL,
    lifted      BIGINT NOT NULL, -- 0: it is in force
    lifted_by   TEXT   NOT NULL,
    customer_id TEXT   NOT NULL, -- '' here and below: it does not narrow
    kind        TEXT   NOT NULL,
    incident_id TEXT   NOT NULL,
    campaign_id TEXT   NOT NULL,
    from_at     BIGINT NOT NULL, -- 0: from the beginning
    until_at    BIGINT NOT NULL, -- 0: without an end
    sealed      BLOB   NOT NULL
);
CREATE INDEX retention_hold_lifted ON retention_hold (lifted, at);

-- Plans of erasure as they were proposed. next is the first item that is not looked at yet.
CREATE TABLE retention_plan (
    plan_id  TEXT   NOT NULL PRIMARY KEY,
    at       BIGINT NOT NULL,
    by_staff TEXT   NOT NULL,
    state    TEXT   NOT NULL, -- proposed, running, done
    hash     TEXT   NOT NULL, -- of the list of its items
    items    BIGINT NOT NULL,
    next     BIGINT NOT NULL,
    ended    BIGINT NOT NULL  -- 0: not yet
);
CREATE INDEX retention_plan_at ON retention_plan (at, plan_id);

-- What goes by a plan, one row a thing, until it is done.
CREATE TABLE retention_item (
    plan_id     TEXT   NOT NULL,
    n           BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    customer_id TEXT   NOT NULL,
    thing       TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (plan_id, n)
);

-- What became of a plan, kind by kind; it stays.
CREATE TABLE retention_line (
    plan_id TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    months  BIGINT NOT NULL, -- that such a record was kept
    planned BIGINT NOT NULL,
    erased  BIGINT NOT NULL,
    kept    BIGINT NOT NULL, -- by a hold or a term that came after the plan was made
    oldest  BIGINT NOT NULL,
    PRIMARY KEY (plan_id, kind)
);

-- Of which month somebody was told that something is older than it should be.
CREATE TABLE retention_reminder (
    month TEXT NOT NULL PRIMARY KEY -- YYYY-MM
);
