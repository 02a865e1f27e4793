-- +goose Up
-- One row for everything that is recorded about a customer (or, with customer_id '', about the carrier itself).
CREATE TABLE record (
    customer_id TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    at          BIGINT  NOT NULL,
    actor       TEXT    NOT NULL,
    contact     TEXT    NOT NULL,
    purpose     TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    rules       TEXT    NOT NULL,
    permits     TEXT    NOT NULL,
    node        TEXT    NOT NULL,
    n           BIGINT  NOT NULL,
    pos         INTEGER NOT NULL,
    commitment  BLOB    NOT NULL,
    sealed      BLOB    NOT NULL,
    PRIMARY KEY (customer_id, id)
);

-- What a node has committed and the sequencer has not yet put into the tree: one row a commit. at is the youngest entry's.
CREATE TABLE ledger_lane (
    node    TEXT    NOT NULL,
    n       BIGINT  NOT NULL,
    at      BIGINT  NOT NULL,
    count   INTEGER NOT NULL,
    entries BLOB    NOT NULL,
    PRIMARY KEY (node, n)
);

-- Where the entries of a node's commit stand in the tree.
CREATE TABLE ledger_span (
    node      TEXT    NOT NULL,
    n         BIGINT  NOT NULL,
    first_seq BIGINT  NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (node, n)
);

-- Tiles of hashes (level 0 and up) and bundles of entries (level -1), as tlog-tiles lays them out.
CREATE TABLE ledger_tile (
    level INTEGER NOT NULL,
    idx   BIGINT  NOT NULL,
    width INTEGER NOT NULL,
    data  BLOB    NOT NULL,
    PRIMARY KEY (level, idx)
);

-- The signed checkpoints: the newest, and of each minute the last. at is when the checkpoint's last entry was sequenced.
CREATE TABLE ledger_checkpoint (
    size BIGINT NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL,
    note TEXT   NOT NULL
);
