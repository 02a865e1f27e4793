-- +goose Up
-- Since when somebody is a customer, so that who is new is found without opening what is sealed; 0: from before this was kept.
ALTER TABLE customer ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
-- All customers in the order in which runs look at them, without what is sealed.
CREATE INDEX customer_service ON customer (customer_id, ended, since);

-- How a run goes on: who it is for, who agreed to it, and how far it has come.
ALTER TABLE notice_run ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE notice_run ADD COLUMN audience TEXT NOT NULL DEFAULT '';  -- JSON; '' customers were named one by one
ALTER TABLE notice_run ADD COLUMN starts BIGINT NOT NULL DEFAULT 0;   -- nothing goes before
ALTER TABLE notice_run ADD COLUMN by_staff TEXT NOT NULL DEFAULT '';
ALTER TABLE notice_run ADD COLUMN second TEXT NOT NULL DEFAULT '';    -- who agreed
ALTER TABLE notice_run ADD COLUMN expected BIGINT NOT NULL DEFAULT 0; -- how many it was for when it was agreed to
ALTER TABLE notice_run ADD COLUMN looked BIGINT NOT NULL DEFAULT 0;   -- how many it has looked at
ALTER TABLE notice_run ADD COLUMN place TEXT NOT NULL DEFAULT '';     -- the customer who was looked at last
ALTER TABLE notice_run ADD COLUMN claim TEXT NOT NULL DEFAULT '';     -- of the node that works on it
ALTER TABLE notice_run ADD COLUMN claimed BIGINT NOT NULL DEFAULT 0;  -- when that node was last heard of
CREATE INDEX notice_run_state ON notice_run (state, starts);

-- What became of a run is counted, and its customers listed by reason, from one index.
DROP INDEX notice_given_run;
CREATE INDEX notice_given_run ON notice_given (run_id, state, via, code, customer_id);

-- What the billing system has said of bills: which were mailed when, and with or without the notice.
CREATE TABLE notice_mailing (
    run_id     TEXT   NOT NULL,
    mailing_id TEXT   NOT NULL,
    at         BIGINT NOT NULL, -- when it was said
    mailed     TEXT   NOT NULL, -- the day, YYYY-MM-DD in the carrier's zone
    by_staff   TEXT   NOT NULL,
    inserts    BIGINT NOT NULL, -- bills with the notice
    missed     BIGINT NOT NULL, -- bills without it
    unknown    BIGINT NOT NULL, -- lines that named nobody who waits for it
    PRIMARY KEY (run_id, mailing_id)
);

-- What the look at all customers has found, day by day: how many stand where.
CREATE TABLE notice_day (
    day  TEXT   NOT NULL, -- YYYY-MM-DD in the carrier's zone
    what TEXT   NOT NULL, -- a standing, or lapses:YYYY-MM
    n    BIGINT NOT NULL,
    PRIMARY KEY (day, what)
);
