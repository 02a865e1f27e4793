-- +goose Up
-- Dangerous acts that one person proposes and another agrees to. What exactly will be done lies sealed under the carrier's
-- key; its hash is what the second person agrees to.
CREATE TABLE proposal (
    proposal_id TEXT   NOT NULL PRIMARY KEY,
    kind        TEXT   NOT NULL, -- forget, rotate, policy, switch
    state       TEXT   NOT NULL, -- trying, failed, waiting, working, done, refused, withdrawn, moved
    hash        TEXT   NOT NULL,
    by_staff    TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    expires     BIGINT NOT NULL, -- microseconds: nobody can agree from then on
    second      TEXT   NOT NULL, -- who agreed or refused; '' nobody yet
    ended       BIGINT NOT NULL, -- 0: it waits, or is being tried or done
    claim       TEXT   NOT NULL, -- of the node that tries or does it
    claimed     BIGINT NOT NULL, -- when that node was last heard of
    sealed      BLOB   NOT NULL, -- what will be done
    report      BLOB   NOT NULL  -- what trying it gave, sealed; empty: it was not tried
);
CREATE INDEX proposal_open ON proposal (state, at);
