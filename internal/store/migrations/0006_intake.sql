-- +goose Up
-- One row for each file that an import began: what it read and how it read it (run), and the place in the file up to
-- which its calls are committed. The row moves in the transaction that writes the calls. It holds no personal data.
CREATE TABLE import_run (
    run          TEXT   NOT NULL PRIMARY KEY, -- hash of kind, file, format, map and zone
    kind         TEXT   NOT NULL,             -- customers or calls
    state        TEXT   NOT NULL,             -- running or finished
    attempt      TEXT   NOT NULL,             -- the process that is at it; another that takes over changes it
    size         BIGINT NOT NULL,             -- of the file, bytes
    reached      BIGINT NOT NULL,             -- bytes that are committed
    line         BIGINT NOT NULL,             -- number of the line there
    rejects      TEXT   NOT NULL,             -- path of the rejects file
    rejects_size BIGINT NOT NULL,             -- bytes of it that are committed
    counts       TEXT   NOT NULL,             -- JSON: the summary so far
    started      BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    finished     BIGINT NOT NULL DEFAULT 0
);
