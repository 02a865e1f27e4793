-- +goose Up
-- What is kept of a partner beside its document: the first day by which something that it holds must be destroyed (0: nothing
-- waits), and, sealed, whom to speak to there and the secret with which it is told that a file waits.
ALTER TABLE partner ADD COLUMN due BIGINT NOT NULL DEFAULT 0;
ALTER TABLE partner ADD COLUMN sealed BLOB;
-- When the alert was raised that the day of the agreement has passed without a certificate; 0: not.
ALTER TABLE partner ADD COLUMN overdue BIGINT NOT NULL DEFAULT 0;

-- Keys with which partners fetch what is theirs; only hashes are kept.
CREATE TABLE partner_key (
    hash       BLOB   NOT NULL PRIMARY KEY,
    partner_id TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    by_staff   TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    revoked    BIGINT NOT NULL -- 0: not
);
CREATE INDEX partner_key_partner ON partner_key (partner_id, expires);

CREATE TABLE export (
    export_id   TEXT   NOT NULL PRIMARY KEY,
    partner_id  TEXT   NOT NULL,
    campaign_id TEXT   NOT NULL, -- '' none
    state       TEXT   NOT NULL,
    spec        TEXT   NOT NULL, -- JSON: for what, of whom, which columns; names no customer
    at          BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    by_staff    TEXT   NOT NULL, -- in whose name each customer is decided
    second      TEXT   NOT NULL, -- who agreed; '' nobody yet
    destroy_by  BIGINT NOT NULL,
    claim       TEXT   NOT NULL, -- of the node that works on it
    claimed     BIGINT NOT NULL, -- when that node was last heard of
    place       TEXT   NOT NULL, -- the customer who was decided last
    placed      TEXT   NOT NULL, -- the last customer of the last finished part
    decided     BIGINT NOT NULL, -- customers with their entries
    held        BIGINT NOT NULL, -- rows in the finished parts
    parts       BIGINT NOT NULL,
    first_entry TEXT   NOT NULL,
    last_entry  TEXT   NOT NULL,
    sealed_at   BIGINT NOT NULL, -- 0: not finished
    expires     BIGINT NOT NULL, -- until when it can be fetched
    fetched     BIGINT NOT NULL, -- 0: not, or may be fetched again
    fetches     BIGINT NOT NULL,
    tell_at     BIGINT NOT NULL, -- when the partner is told next; 0: there is nothing to tell
    tell_tries  BIGINT NOT NULL,
    tell_what   TEXT   NOT NULL,
    reminded    BIGINT NOT NULL, -- of how many days before the day of destruction the last reminder told; 0: none yet
    overdue     BIGINT NOT NULL, -- when the alert was raised
    certified   BIGINT NOT NULL  -- when the certificate came
);
CREATE INDEX export_state ON export (state, at);
CREATE INDEX export_partner ON export (partner_id, at);

-- The customers of an export, each with its own entry in the ledger.
CREATE TABLE export_row (
    customer_id TEXT   NOT NULL,
    export_id   TEXT   NOT NULL,
    entry_id    TEXT   NOT NULL,
    code        TEXT   NOT NULL, -- why it was left out; '' it is in the file
    version     BIGINT NOT NULL, -- of the customer, on which that stood
    PRIMARY KEY (customer_id, export_id)
);
CREATE INDEX export_row_export ON export_row (export_id, customer_id, code, version);

-- How many customers are in and left out, by reason: kept with the rows, so that nobody has to count them.
CREATE TABLE export_count (
    export_id TEXT   NOT NULL,
    code      TEXT   NOT NULL,
    n         BIGINT NOT NULL,
    PRIMARY KEY (export_id, code)
);

-- The file, in parts, each enciphered to the partner's key and to nobody else's.
CREATE TABLE export_part (
    export_id TEXT   NOT NULL,
    part      BIGINT NOT NULL, -- 1, 2, …
    made      BIGINT NOT NULL, -- how often: a part is made again when somebody in it has objected before it was fetched
    first     TEXT   NOT NULL, -- customers from here
    last      TEXT   NOT NULL, -- to here, both included
    held      BIGINT NOT NULL, -- rows
    size      BIGINT NOT NULL,
    sum       BLOB   NOT NULL, -- SHA-256 of the bytes
    marks     BLOB   NOT NULL, -- SHA-256 of the references of its rows, one a line
    bytes     BLOB   NOT NULL, -- empty once the file is withdrawn, expired or destroyed
    PRIMARY KEY (export_id, part)
);

-- Customers who were named one by one.
CREATE TABLE export_listed (
    customer_id TEXT NOT NULL,
    export_id   TEXT NOT NULL,
    PRIMARY KEY (customer_id, export_id)
);
CREATE INDEX export_listed_export ON export_listed (export_id, customer_id);

-- Certificates of destruction.
CREATE TABLE export_certificate (
    certificate_id TEXT   NOT NULL PRIMARY KEY,
    partner_id     TEXT   NOT NULL,
    export_id      TEXT   NOT NULL, -- '' of everything under the agreement
    at             BIGINT NOT NULL,
    by_who         TEXT   NOT NULL, -- of the staff, or partner:ID
    destroyed      BIGINT NOT NULL, -- when it says that the data were destroyed
    sealed         BLOB   NOT NULL  -- who signed, how, and the file
);
CREATE INDEX export_certificate_partner ON export_certificate (partner_id, at);
