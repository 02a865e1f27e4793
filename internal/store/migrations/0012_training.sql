-- +goose Up
-- Training and discipline. Rows of these tables are only ever added: what somebody passed, answered, was found to have done
-- or was told stays as it was written. What people wrote stands sealed in the ledger's record that each row names.

-- Every course that was taught, whole, so that an inspector can read what a pass stands for.
CREATE TABLE course (
    digest    TEXT   NOT NULL PRIMARY KEY,
    course_id TEXT   NOT NULL,
    version   TEXT   NOT NULL,
    at        BIGINT NOT NULL, -- when it was first taken
    source    TEXT   NOT NULL
);

-- Which parts of the material somebody has read.
CREATE TABLE course_reading (
    staff_id TEXT   NOT NULL,
    digest   TEXT   NOT NULL,
    section  TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (staff_id, digest, section)
);

-- An attempt, with the questions that were drawn and the order in which they are shown.
CREATE TABLE course_attempt (
    staff_id   TEXT   NOT NULL,
    attempt_id TEXT   NOT NULL,
    course_id  TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    began      BIGINT NOT NULL,
    asked      TEXT   NOT NULL,
    PRIMARY KEY (staff_id, attempt_id)
);

-- What came of an attempt: one row, once.
CREATE TABLE course_result (
    staff_id   TEXT    NOT NULL,
    attempt_id TEXT    NOT NULL,
    graded     BIGINT  NOT NULL,
    answers    TEXT    NOT NULL,
    asked      INTEGER NOT NULL,
    hits       INTEGER NOT NULL, -- questions answered rightly
    needed     INTEGER NOT NULL,
    passed     INTEGER NOT NULL,
    record_id  TEXT    NOT NULL,
    PRIMARY KEY (staff_id, attempt_id)
);

-- A pass: of a course taken here (attempt_id), or of one taken elsewhere and recorded by hand.
CREATE TABLE training_pass (
    staff_id    TEXT   NOT NULL,
    pass_id     TEXT   NOT NULL,
    passed      BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    recorded    BIGINT NOT NULL,
    by_id       TEXT   NOT NULL,
    course_id   TEXT   NOT NULL, -- '' for one taken elsewhere
    version     TEXT   NOT NULL,
    digest      TEXT   NOT NULL,
    attempt_id  TEXT   NOT NULL,
    record_id   TEXT   NOT NULL,
    PRIMARY KEY (staff_id, pass_id)
);

-- Reminders that a pass runs out, once for each pass and step.
CREATE TABLE training_reminder (
    staff_id    TEXT    NOT NULL,
    valid_until BIGINT  NOT NULL,
    days        INTEGER NOT NULL,
    at          BIGINT  NOT NULL,
    record_id   TEXT    NOT NULL,
    PRIMARY KEY (staff_id, valid_until, days)
);

-- A violation that was found.
CREATE TABLE finding (
    finding_id      TEXT   NOT NULL PRIMARY KEY,
    staff_id        TEXT   NOT NULL,
    happened        BIGINT NOT NULL,
    found           BIGINT NOT NULL,
    by_id           TEXT   NOT NULL,
    severity        TEXT   NOT NULL,
    source_customer TEXT   NOT NULL, -- the alert or entry from which it was found, '' for none
    source_record   TEXT   NOT NULL,
    record_id       TEXT   NOT NULL
);
CREATE INDEX finding_by_staff ON finding (staff_id);

-- Each finding has one case, which begins with its row here.
CREATE TABLE discipline_case (
    case_id    TEXT   NOT NULL PRIMARY KEY,
    finding_id TEXT   NOT NULL UNIQUE,
    staff_id   TEXT   NOT NULL,
    opened     BIGINT NOT NULL,
    by_id      TEXT   NOT NULL,
    record_id  TEXT   NOT NULL
);

-- What was said and decided in a case, in order.
CREATE TABLE case_step (
    case_id     TEXT   NOT NULL,
    step_id     TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    by_id       TEXT   NOT NULL,
    kind        TEXT   NOT NULL, -- statement or the decision
    valid_until BIGINT NOT NULL, -- of a suspension until a day; 0 otherwise
    PRIMARY KEY (case_id, step_id)
);

-- Alerts that a finding waits for its case, or a case for its decision: once each.
CREATE TABLE discipline_alert (
    subject_id TEXT   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    record_id  TEXT   NOT NULL
);
