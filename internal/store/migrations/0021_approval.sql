-- +goose Up
-- What customers have said about the use of their information, what they were told of it, and what came back: each a row that is
-- never changed. Where an approval stands follows from these alone.
CREATE TABLE approval_event (
    customer_id TEXT    NOT NULL,
    n           INTEGER NOT NULL, -- 1, 2, … in the order in which they were recorded
    event_id    TEXT   NOT NULL,
    at          BIGINT NOT NULL, -- since when it counts: when an answer was received, when a notice was given
    recorded    BIGINT NOT NULL,
    what        TEXT   NOT NULL, -- stated, noticed, void, objected, granted, lifted
    scope       TEXT   NOT NULL, -- '' of more than one
    notice      TEXT   NOT NULL, -- the message that was the notice; '' none
    sealed      BLOB   NOT NULL, -- the whole of it, with its evidence
    PRIMARY KEY (customer_id, n)
);
CREATE INDEX approval_event_recorded ON approval_event (recorded);

-- Where each scope stands, written with the customer's profile and from nothing else, so that all customers can be looked at for
-- one purpose without opening what is sealed.
CREATE TABLE approval (
    customer_id TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    scope       TEXT    NOT NULL,
    state       TEXT    NOT NULL, -- as it was written: a wait that is over still says waiting
    since       BIGINT  NOT NULL,
    noticed     BIGINT  NOT NULL, -- 0: no notice
    matures     BIGINT  NOT NULL, -- 0: it does not wait
    covers      TEXT    NOT NULL, -- the companies named and the classes of data, each with a mark before it; '' as the scope says
    PRIMARY KEY (customer_id, n)
);

-- Notices as they are given to many customers: what each says, to whom it goes, and how far it has come.
CREATE TABLE notice_run (
    run_id  TEXT   NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    state   TEXT   NOT NULL, -- planned, running, paused, stopped, done
    changed BIGINT NOT NULL,
    spec    TEXT   NOT NULL  -- JSON: what it says and to whom; it names no customer
);

-- What has become of a run's notice with each customer. Proof that it was given is the message, and the event of the approval.
CREATE TABLE notice_given (
    customer_id TEXT   NOT NULL,
    run_id      TEXT   NOT NULL,
    state       TEXT   NOT NULL, -- planned, given, came-back, no-way, left-out
    via         TEXT   NOT NULL,
    message_id  TEXT   NOT NULL, -- the newest, when one form took the place of another
    code        TEXT   NOT NULL, -- why it was left out, or came back
    at          BIGINT NOT NULL, -- since when it is in this state
    PRIMARY KEY (customer_id, run_id)
);
CREATE INDEX notice_given_run ON notice_given (run_id, state);
