-- +goose Up
-- What customers ask for in writing: that their records be given to somebody they name. The text as it was signed, the name
-- and the place lie sealed.
CREATE TABLE written_request (
    customer_id TEXT   NOT NULL,
    request_id  TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    at          BIGINT NOT NULL, -- when it was signed, or came in
    state       TEXT   NOT NULL,
    due         BIGINT NOT NULL, -- when it is carried out, while it waits
    changed     BIGINT NOT NULL,
    hash        BLOB   NOT NULL, -- SHA-256 of the text as it was signed
    sealed      BLOB   NOT NULL,
    scan        BLOB,            -- of a letter, sealed
    PRIMARY KEY (customer_id, request_id)
);
CREATE INDEX written_request_by_state ON written_request (state, due);
CREATE INDEX written_request_by_time ON written_request (at);

-- What customers report as wrong, and what becomes of it.
CREATE TABLE complaint (
    customer_id  TEXT   NOT NULL,
    complaint_id TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    category     TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    entry        TEXT   NOT NULL, -- of the ledger, that it is about; '' none
    changed      BIGINT NOT NULL,
    sealed       BLOB   NOT NULL,
    PRIMARY KEY (customer_id, complaint_id)
);
CREATE INDEX complaint_by_state ON complaint (state, at);
CREATE INDEX complaint_by_time ON complaint (at);
