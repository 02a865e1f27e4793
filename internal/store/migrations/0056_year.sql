-- +goose Up
-- What stood of a customer's approvals after each event, a line an approval, as screenings read them: no name and nothing of what is
-- sealed. Of events from before this was kept it is NULL until they are next counted.
ALTER TABLE approval_event ADD COLUMN stands TEXT;

-- Figures of a month that are dear to count, and when they were. All of it can be counted again from the records.
CREATE TABLE year_count (
    month INTEGER NOT NULL, -- yyyymm in the carrier's zone
    what  TEXT    NOT NULL,
    n     BIGINT  NOT NULL,
    at    BIGINT  NOT NULL, -- the moment as of which it was counted
    PRIMARY KEY (month, what)
);

-- Of whom training was asked at the last look of each month, and whether they had it.
CREATE TABLE year_member (
    month    INTEGER NOT NULL,
    staff_id TEXT    NOT NULL,
    trained  INTEGER NOT NULL, -- 1: their training was current
    PRIMARY KEY (month, staff_id)
);
