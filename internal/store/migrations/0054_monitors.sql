-- +goose Up
-- Ways to refuse as the carrier's own monitors try them. A row for each way says where it stands; by it one node tries at a time.
CREATE TABLE monitor_way (
    way       TEXT   NOT NULL PRIMARY KEY, -- web, mail, text, phone
    since     BIGINT NOT NULL, -- when it was first to be tried
    due       BIGINT NOT NULL, -- when it is tried next
    try_id    TEXT   NOT NULL, -- that goes on, or went on last; '' none was begun
    begun     BIGINT NOT NULL, -- of that try
    took      BIGINT NOT NULL, -- microseconds until the customer's part was done
    deadline  BIGINT NOT NULL, -- until when its refusal is waited for; 0: it is not waiting
    failed    BIGINT NOT NULL, -- tries in a row that failed
    first_try TEXT   NOT NULL, -- of that row; '' none
    first_at  BIGINT NOT NULL,
    concluded BIGINT NOT NULL, -- when a try last said whether the way works; 0: none has
    failure   TEXT   NOT NULL, -- the file of the failure that goes on; '' none
    silent    BIGINT NOT NULL  -- since when nobody can tell, as an alert has said; 0: somebody can
);

-- The accounts that refuse: of nobody, without service, and no part of any figure.
CREATE TABLE monitor_canary (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    way         TEXT   NOT NULL,
    made        BIGINT NOT NULL,
    place       TEXT   NOT NULL, -- keyed hash of the address or number that it writes or calls from
    retired     BIGINT NOT NULL  -- 0: it is in use
);
CREATE UNIQUE INDEX monitor_canary_of ON monitor_canary (way) WHERE retired = 0;

-- Each try, once it has ended.
CREATE TABLE monitor_try (
    way      TEXT   NOT NULL,
    at       BIGINT NOT NULL, -- when it was begun
    try_id   TEXT   NOT NULL,
    took     BIGINT NOT NULL, -- microseconds
    outcome  TEXT   NOT NULL, -- worked, failed, untried
    step     TEXT   NOT NULL, -- at which it failed; '' it worked
    node     TEXT   NOT NULL, -- that tried
    failure  TEXT   NOT NULL, -- the file that it belongs to; '' none
    entry_id TEXT   NOT NULL, -- of the ledger
    sealed   BLOB   NOT NULL, -- what was seen
    PRIMARY KEY (way, at, try_id)
);
