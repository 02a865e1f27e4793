-- +goose Up
-- One customer's data key, wrapped; without this row nothing of the customer can be read again.
CREATE TABLE customer_key (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    wrapping    BIGINT NOT NULL, -- which wrapping key, so that a rotation knows what is left to do
    wrapped     BLOB   NOT NULL
);

-- One line's calls of one month in the carrier's zone.
CREATE TABLE call_segment (
    customer_id TEXT    NOT NULL,
    line        INTEGER NOT NULL,
    month       INTEGER NOT NULL, -- yyyymm
    calls       INTEGER NOT NULL,
    sealed      BLOB    NOT NULL,
    PRIMARY KEY (customer_id, line, month)
);

-- Bills, usage, service details, locations: one row a class, line and period.
CREATE TABLE cpni_item (
    customer_id TEXT    NOT NULL,
    class       TEXT    NOT NULL,
    line        INTEGER NOT NULL, -- 0: the account as a whole
    period      INTEGER NOT NULL, -- yyyymm; 0: not of a month
    sealed      BLOB    NOT NULL,
    PRIMARY KEY (customer_id, class, line, period)
);
