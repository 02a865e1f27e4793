-- +goose Up
-- What guards customers' information: the history of each control, sealed for the carrier, which only grows. A step is written when the state
-- changes and when somebody confirms it.
CREATE TABLE control_step (
    control_id TEXT   NOT NULL, -- of the list in policy/controls
    n          BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    what       TEXT   NOT NULL, -- found, confirmed, lapsed
    actor      TEXT   NOT NULL,
    act        TEXT   NOT NULL, -- of who did it, so that it is done once; '' of the system
    entry_id   TEXT   NOT NULL, -- of the ledger
    sealed     BLOB   NOT NULL,
    PRIMARY KEY (control_id, n)
);
CREATE UNIQUE INDEX control_step_act ON control_step (control_id, act) WHERE act <> '';

-- When each was last looked at, and what was seen, which names nobody.
CREATE TABLE control_look (
    control_id TEXT   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    says       TEXT   NOT NULL
);
