-- +goose Up
-- Months whose figures were counted, once each: groups of customers that are large enough to be told of, sealed for the carrier. No
-- smaller group is kept anywhere.
CREATE TABLE aggregate_month (
    month   INTEGER NOT NULL PRIMARY KEY, -- yyyymm in the carrier's zone
    state   TEXT    NOT NULL,             -- counting, counted
    entry   TEXT    NOT NULL,             -- of the ledger, under which it was counted; '' not yet
    claim   TEXT    NOT NULL,             -- of the node that counts
    claimed BIGINT  NOT NULL,             -- when that node was last heard of
    looked  BIGINT  NOT NULL,             -- how many customers it has looked at
    counted BIGINT  NOT NULL,             -- when it was done; 0: not yet
    sealed  BLOB
);

-- Aggregate reports: what was asked, what the door decided, and what was given. None of it is about anybody.
CREATE TABLE aggregate_report (
    report_id TEXT   NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL,
    by_staff  TEXT   NOT NULL,
    state     TEXT   NOT NULL, -- waiting, given, refused
    purpose   TEXT   NOT NULL,
    recipient TEXT   NOT NULL,
    spec      TEXT   NOT NULL, -- JSON
    entry     TEXT   NOT NULL, -- of the ledger: the decision; '' none yet
    code      TEXT   NOT NULL, -- of a refusal
    smallest  BIGINT NOT NULL, -- customers in the smallest cell that was given
    result    TEXT   NOT NULL  -- JSON; '' nothing was given
);
CREATE INDEX aggregate_report_state ON aggregate_report (state, at);
CREATE INDEX aggregate_report_at ON aggregate_report (at);

-- On what terms listings are given: the same for every publisher.
CREATE TABLE directory_terms (
    version  INTEGER NOT NULL PRIMARY KEY,
    at       BIGINT  NOT NULL,
    by_staff TEXT    NOT NULL,
    document TEXT    NOT NULL -- JSON
);

-- Publishers of directories. Who speaks for them lies sealed for the carrier.
CREATE TABLE directory_publisher (
    publisher_id TEXT    NOT NULL PRIMARY KEY,
    version      BIGINT  NOT NULL,
    terms        INTEGER NOT NULL, -- the version that they have agreed to; 0: none
    ended        BIGINT  NOT NULL, -- 0: not
    sealed       BLOB    NOT NULL
);

-- Extracts of listings for publishers.
CREATE TABLE directory_extract (
    extract_id   TEXT    NOT NULL PRIMARY KEY,
    publisher_id TEXT    NOT NULL,
    kind         TEXT    NOT NULL, -- whole, update, withdrawal
    state        TEXT    NOT NULL, -- running, writing, ready, stopped, removed
    at           BIGINT  NOT NULL,
    by_staff     TEXT    NOT NULL, -- '' of a withdrawal, which nobody has to ask for
    terms        INTEGER NOT NULL,
    place        TEXT    NOT NULL, -- the customer who was looked at last
    parts        BIGINT  NOT NULL,
    claim        TEXT    NOT NULL,
    claimed      BIGINT  NOT NULL,
    looked       BIGINT  NOT NULL,
    listings     BIGINT  NOT NULL,
    deletions    BIGINT  NOT NULL,
    refused      BIGINT  NOT NULL,
    finished     BIGINT  NOT NULL,
    fetched      BIGINT  NOT NULL, -- when it was fetched first; 0: never
    code         TEXT    NOT NULL, -- why it was stopped
    manifest     TEXT    NOT NULL  -- JSON; '' not yet
);
CREATE INDEX directory_extract_of ON directory_extract (publisher_id, at);
CREATE INDEX directory_extract_state ON directory_extract (state, at);

-- What an extract will hold, page by page, sealed for the carrier. It goes when the file was fetched.
CREATE TABLE directory_part (
    extract_id TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    sealed     BLOB   NOT NULL,
    PRIMARY KEY (extract_id, n)
);

-- The file, encrypted to the publisher's key.
CREATE TABLE directory_file (
    extract_id TEXT   NOT NULL,
    n          BIGINT NOT NULL,
    bytes      BLOB   NOT NULL,
    PRIMARY KEY (extract_id, n)
);

-- Which listings a publisher has: by no name and no number.
CREATE TABLE directory_given (
    customer_id  TEXT    NOT NULL,
    line         INTEGER NOT NULL,
    publisher_id TEXT    NOT NULL,
    version      BIGINT  NOT NULL, -- of the customer, when it was last compared
    digest       BLOB    NOT NULL, -- of what was given, keyed
    extract_id   TEXT    NOT NULL, -- that gave it last
    PRIMARY KEY (customer_id, line, publisher_id)
);
CREATE INDEX directory_given_to ON directory_given (publisher_id, customer_id);

-- Customers whose listings have changed, until publishers were told of what was taken out.
CREATE TABLE listing_changed (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    at          BIGINT NOT NULL
);
CREATE INDEX listing_changed_at ON listing_changed (at);

-- When somebody was last reminded that a written request waits for them; 0: never in the state in which it is.
ALTER TABLE written_request ADD COLUMN reminded BIGINT NOT NULL DEFAULT 0;
