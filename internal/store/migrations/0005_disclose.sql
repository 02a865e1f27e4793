-- +goose Up
-- Every policy that has decided, whole, so that its decisions can be made again years later.
CREATE TABLE rule_set (
    version TEXT   NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    source  BLOB   NOT NULL
);

-- The policy in force: one row. Its version is raised when another takes effect, so that what was decided under the old
-- one and is not yet recorded is decided again.
CREATE TABLE policy (
    policy_id TEXT   NOT NULL PRIMARY KEY,
    version   BIGINT NOT NULL,
    base      TEXT   NOT NULL, -- version of the files that the policy was made of
    rules     TEXT   NOT NULL  -- version of the rule set: those files and what was published beside them
);

-- What a caller's idempotency key stood for. The key itself is not kept, only its hash together with the caller.
CREATE TABLE idempotency (
    key_hash    BLOB   NOT NULL PRIMARY KEY,
    customer_id TEXT   NOT NULL,
    record_id   TEXT   NOT NULL,
    request     BLOB   NOT NULL, -- hash of what was asked
    expires     BIGINT NOT NULL
);
CREATE INDEX idempotency_by_end ON idempotency (expires);
