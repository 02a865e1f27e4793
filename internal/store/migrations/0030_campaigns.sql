-- +goose Up
-- Campaigns that use customers' information, the carrier's own and its affiliates'. What is typed about one is sealed for the carrier;
-- what lists and decisions need stands beside it. Decisions stand on the version.
CREATE TABLE campaign (
    campaign_id TEXT   NOT NULL PRIMARY KEY,
    version     BIGINT NOT NULL,
    state       TEXT   NOT NULL, -- draft, submitted, returned, approved, launched, paused, stopped, ended, recorded
    kind        TEXT   NOT NULL, -- marketing, approval-request, affiliate
    purpose     TEXT   NOT NULL,
    recipient   TEXT   NOT NULL, -- carrier, or the id of a partner
    channel     TEXT   NOT NULL,
    starts      TEXT   NOT NULL, -- its first and last day, YYYY-MM-DD in the carrier's zone; '' not said yet
    ends        TEXT   NOT NULL,
    by_staff    TEXT   NOT NULL, -- who drew it up
    at          BIGINT NOT NULL,
    changed     BIGINT NOT NULL, -- when it last came to another state or text
    run_id      TEXT   NOT NULL, -- the notice run by which a request for approval goes; '' none
    sealed      BLOB   NOT NULL
);
CREATE INDEX campaign_state ON campaign (state, at);

-- What has become of each campaign, step by step: rows are added and never changed.
CREATE TABLE campaign_event (
    campaign_id TEXT    NOT NULL,
    n           INTEGER NOT NULL, -- from 1
    at          BIGINT  NOT NULL,
    what        TEXT    NOT NULL, -- drafted, changed, submitted, returned, approved, launched, paused, resumed, stopped, ended, recorded
    by_staff    TEXT    NOT NULL,
    entry_id    TEXT    NOT NULL, -- its entry in the ledger
    sealed      BLOB    NOT NULL, -- the whole of it as it stood then, and the remark
    PRIMARY KEY (campaign_id, n)
);

-- How far the sending of a campaign has come. It stands apart: progress is no new version.
CREATE TABLE campaign_work (
    campaign_id TEXT   NOT NULL PRIMARY KEY,
    place       TEXT   NOT NULL, -- the customer who was looked at last
    looked      BIGINT NOT NULL,
    expected    BIGINT NOT NULL, -- how many were included when it was launched
    done        BIGINT NOT NULL, -- 1: everybody was looked at
    held        TEXT   NOT NULL, -- the code of what keeps it from going on; '' nothing
    claim       TEXT   NOT NULL, -- of the node that works on it
    claimed     BIGINT NOT NULL  -- when that node was last heard of
);

-- What has become of a campaign with one customer.
CREATE TABLE campaign_member (
    customer_id TEXT   NOT NULL,
    campaign_id TEXT   NOT NULL,
    state       TEXT   NOT NULL, -- planned, sent, came-back, listed, left-out, no-way
    via         TEXT   NOT NULL,
    message_id  TEXT   NOT NULL,
    entry_id    TEXT   NOT NULL, -- of the decision that permitted it; '' of who was left out without one
    code        TEXT   NOT NULL, -- why it did not go to them
    at          BIGINT NOT NULL,
    PRIMARY KEY (customer_id, campaign_id)
);
CREATE INDEX campaign_member_state ON campaign_member (campaign_id, state, via, code, customer_id);
