-- +goose Up
-- Which customers were changed, each written in the transaction that changed them, so that whoever keeps something about all customers
-- in mind reads again only those. n orders what is to be read again: on PostgreSQL it is the number of the transaction, which every
-- transaction has anyway; on SQLite, where one writes at a time, it counts.
CREATE TABLE customer_changed (
    n           BIGINT NOT NULL,
    customer_id TEXT   NOT NULL,
    PRIMARY KEY (n, customer_id)
);

-- What is kept in mind of all customers to find audiences, as it was read at one time, in parts: each those of a stretch of ids, sealed under a key
-- of its own, which is destroyed when one of its customers is forgotten.
CREATE TABLE audience_part (
    build_id TEXT   NOT NULL,
    n        BIGINT NOT NULL, -- 0, 1, …
    part_id  TEXT   NOT NULL, -- whose key it is sealed under
    after_id TEXT   NOT NULL, -- the stretch begins behind this customer
    last_id  TEXT   NOT NULL, -- and ends with this one
    mark     BIGINT NOT NULL, -- changes from here on are not in it
    sealed   BLOB   NOT NULL,
    PRIMARY KEY (build_id, n)
);
CREATE INDEX audience_part_stretch ON audience_part (last_id, after_id);
