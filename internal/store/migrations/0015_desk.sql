-- +goose Up
-- What was given out in an emergency, until somebody has written why it had to be. Who asked and for what stands sealed in
-- the ledger.
CREATE TABLE emergency (
    customer_id TEXT   NOT NULL,
    claim_id    TEXT   NOT NULL,
    staff_id    TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    due         BIGINT NOT NULL, -- by when it is to be justified, in microseconds
    justified   BIGINT NOT NULL, -- 0: not yet
    missed      BIGINT NOT NULL DEFAULT 0, -- when an alert was raised because nobody had; 0: none was
    PRIMARY KEY (customer_id, claim_id)
);
CREATE INDEX emergency_by_staff ON emergency (staff_id, justified, due);
CREATE INDEX emergency_by_due ON emergency (justified, missed, due);
