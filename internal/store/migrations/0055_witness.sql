-- +goose Up
-- Checkpoints of the log that others have cosigned, as the log signed them. Of each hour the last stays.
CREATE TABLE ledger_cosigned (
    size     BIGINT NOT NULL PRIMARY KEY,
    at       BIGINT NOT NULL, -- when the newest cosignature of it came in, in microseconds since 1970 UTC
    complete BIGINT NOT NULL, -- 1: as many witnesses as were asked for have cosigned it
    note     TEXT   NOT NULL
);

CREATE TABLE ledger_cosignature (
    size    BIGINT NOT NULL,
    witness TEXT   NOT NULL, -- the name in its key
    key     TEXT   NOT NULL, -- the key's hash, eight hexadecimal digits
    at      BIGINT NOT NULL, -- as the witness says, in microseconds
    line    TEXT   NOT NULL, -- the signature line of the note, without its end
    PRIMARY KEY (size, witness, key)
);

-- How the log stands with each witness.
CREATE TABLE ledger_witness (
    witness  TEXT   NOT NULL,
    key      TEXT   NOT NULL,
    since    BIGINT NOT NULL, -- when it was first to be asked
    size     BIGINT NOT NULL, -- of the newest checkpoint that it has cosigned; 0: none
    at       BIGINT NOT NULL, -- when it said so
    asked    BIGINT NOT NULL,
    next     BIGINT NOT NULL, -- when it is asked again, at the earliest
    failures BIGINT NOT NULL, -- in a row
    error    TEXT   NOT NULL, -- of the last time; '': none
    forked   BIGINT NOT NULL, -- when it first said that this log is not the one that it knows; 0: it does not say so
    PRIMARY KEY (witness, key)
);
