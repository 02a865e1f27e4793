-- +goose Up
-- One sealed document a customer: everything that a decision about them needs in one read.
CREATE TABLE customer (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    version     BIGINT NOT NULL,
    ended       BIGINT NOT NULL, -- microseconds; 0: service goes on
    sealed      BLOB   NOT NULL
);

-- Keyed blind indexes of numbers, e-mail addresses, accounts and names.
CREATE TABLE lookup (
    token       BLOB NOT NULL,
    customer_id TEXT NOT NULL,
    PRIMARY KEY (token, customer_id)
);

CREATE TABLE contact (
    customer_id TEXT   NOT NULL,
    contact_id  TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    opened      BIGINT NOT NULL,
    active      BIGINT NOT NULL,
    ended       BIGINT NOT NULL, -- 0: live
    sealed      BLOB   NOT NULL,
    PRIMARY KEY (customer_id, contact_id)
);
CREATE UNIQUE INDEX contact_by_id ON contact (contact_id);

-- Failed secrets, by customer and by source (with customer_id '').
CREATE TABLE throttle (
    customer_id TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    streak      INTEGER NOT NULL,
    day         INTEGER NOT NULL, -- yyyymmdd UTC of today's count
    today       INTEGER NOT NULL,
    open_at     BIGINT  NOT NULL, -- microseconds: no try before
    PRIMARY KEY (customer_id, subject)
);

-- Messages planned with the change that caused them.
CREATE TABLE message (
    customer_id TEXT   NOT NULL,
    message_id  TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    via         TEXT   NOT NULL,
    place       TEXT   NOT NULL, -- old, tnor or aor: never the address itself
    state       TEXT   NOT NULL,
    sealed      BLOB   NOT NULL,
    PRIMARY KEY (customer_id, message_id)
);

CREATE TABLE staff (
    staff_id TEXT   NOT NULL PRIMARY KEY,
    version  BIGINT NOT NULL,
    login    TEXT   NOT NULL UNIQUE,
    document TEXT   NOT NULL
);

CREATE TABLE api_key (
    hash     BLOB   NOT NULL PRIMARY KEY,
    staff_id TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    scopes   TEXT   NOT NULL,
    expires  BIGINT NOT NULL,
    revoked  BIGINT NOT NULL
);

CREATE TABLE session (
    hash     BLOB   NOT NULL PRIMARY KEY,
    staff_id TEXT   NOT NULL,
    began    BIGINT NOT NULL,
    active   BIGINT NOT NULL,
    ended    BIGINT NOT NULL
);

CREATE TABLE partner (
    partner_id TEXT   NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    document   TEXT   NOT NULL
);
