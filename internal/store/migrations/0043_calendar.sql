-- +goose Up
-- The addresses at which calendar programs read the days of incidents: of each only its hash, and at most one of a member in force.
CREATE TABLE incident_feed (
    hash     BLOB   NOT NULL PRIMARY KEY,
    staff_id TEXT   NOT NULL,
    made     BIGINT NOT NULL,
    revoked  BIGINT NOT NULL -- 0: in force
);
CREATE UNIQUE INDEX incident_feed_of ON incident_feed (staff_id) WHERE revoked = 0;

-- Who took part in a rehearsal, once it was closed.
CREATE TABLE training_exercise (
    staff_id    TEXT   NOT NULL,
    incident_id TEXT   NOT NULL,
    number      TEXT   NOT NULL,
    role        TEXT   NOT NULL, -- of the member when it was closed
    steps       BIGINT NOT NULL,
    closed      BIGINT NOT NULL,
    record_id   TEXT   NOT NULL, -- of the ledger
    PRIMARY KEY (staff_id, incident_id)
);
CREATE INDEX training_exercise_closed ON training_exercise (closed);
