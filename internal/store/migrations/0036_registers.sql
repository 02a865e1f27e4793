-- +goose Up
-- What was permitted to somebody who is neither the customer nor the carrier, by the commit in which it was recorded. The database
-- itself keeps this index in the transaction of the entry, so none of it can be missing.
CREATE INDEX record_outside ON record (node, n, pos)
    WHERE kind = 'decision' AND outcome = 'permit' AND recipient <> 'customer' AND recipient <> 'carrier' AND recipient <> 'unknown';

-- The register of disclosures: one row for each such entry that is in the tree, in words that name nobody. It is made of the ledger
-- alone and can be made again from it.
CREATE TABLE register_line (
    seq         BIGINT NOT NULL PRIMARY KEY, -- its place in the tree
    entry_id    TEXT   NOT NULL,
    customer_id TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    recipient   TEXT   NOT NULL, -- the kind of recipient, or the id of a partner
    purpose     TEXT   NOT NULL,
    campaign    TEXT   NOT NULL, -- '' none
    named       TEXT   NOT NULL, -- keyed blind index of the recipient's name; '' none
    matter      TEXT   NOT NULL  -- keyed blind index of the number of the process, case, ticket or order; '' none
);
CREATE INDEX register_line_at ON register_line (at, seq);
CREATE INDEX register_line_customer ON register_line (customer_id, at, seq);
CREATE INDEX register_line_recipient ON register_line (recipient, at, seq);
CREATE INDEX register_line_purpose ON register_line (purpose, at, seq);
CREATE INDEX register_line_campaign ON register_line (campaign, at, seq);
CREATE INDEX register_line_named ON register_line (named, at, seq);
CREATE INDEX register_line_matter ON register_line (matter, at, seq);

-- What the carrier itself has done about a campaign, likewise found without reading what concerns customers.
CREATE INDEX record_carrier ON record (node, n, pos) WHERE kind = 'admin' AND customer_id = '';
CREATE TABLE register_entry (
    subject  TEXT   NOT NULL, -- the campaign
    seq      BIGINT NOT NULL,
    entry_id TEXT   NOT NULL,
    PRIMARY KEY (subject, seq)
);

-- Records that two people have destroyed when their time was over: what the leaf of each holds, and nothing of what it said. By it
-- the ledger still verifies.
CREATE TABLE record_destroyed (
    customer_id TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    at          BIGINT  NOT NULL,
    node        TEXT    NOT NULL,
    n           BIGINT  NOT NULL,
    pos         INTEGER NOT NULL,
    digest      BLOB    NOT NULL, -- of the row as it was stored
    commitment  BLOB    NOT NULL,
    by_entry    TEXT    NOT NULL, -- the entry that says that it was destroyed
    PRIMARY KEY (customer_id, id)
);
CREATE INDEX record_destroyed_by ON record_destroyed (by_entry);
