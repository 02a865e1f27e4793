-- +goose Up
-- The carrier's public policy: every version that was ever published, whole, with the carrier's facts filled in. A row is
-- never changed. What stands here is public, so nothing of it is sealed.
--
-- cite: P-55, P-56, P-58
CREATE TABLE public_policy (
    version   TEXT   NOT NULL PRIMARY KEY,
    n         BIGINT NOT NULL UNIQUE, -- in which order they were published: 1, 2, …
    hash      TEXT   NOT NULL,        -- of edition
    by_staff  TEXT   NOT NULL,        -- who proposed it
    second    TEXT   NOT NULL,        -- who agreed; '' for the first, which takes effect with the server
    at        BIGINT NOT NULL,        -- when it was published
    effective BIGINT NOT NULL,        -- since when it is in force
    record_id TEXT   NOT NULL,        -- the ledger's entry
    edition   TEXT   NOT NULL,        -- its words in every language, with what they cover and carry, as JSON
    source    TEXT   NOT NULL         -- the text with its placeholders, from which the next version is begun
);
-- How often something was published: the version that decisions stand on.
CREATE TABLE published (
    published_id TEXT   NOT NULL PRIMARY KEY,
    version      BIGINT NOT NULL
);
-- Sentences that nothing keeps at present, since when, and why: so that one alert tells of each, and tells it once.
CREATE TABLE unkept_sentence (
    sentence TEXT   NOT NULL PRIMARY KEY,
    since    BIGINT NOT NULL,
    reason   TEXT   NOT NULL
);
-- What became of the stories that cite a clause when they were last told under a policy of this carrier.
CREATE TABLE clause_told (
    clause TEXT   NOT NULL PRIMARY KEY,
    at     BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    rules  TEXT   NOT NULL -- the version of the rules under which they were told
);
