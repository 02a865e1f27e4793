-- +goose Up
-- Customers who are signed in to the portal, each with the online contact in which they have proved who they are.
CREATE TABLE portal_session (
    hash        BLOB   NOT NULL PRIMARY KEY, -- of the word in the browser's cookie
    customer_id TEXT   NOT NULL,
    contact_id  TEXT   NOT NULL,
    began       BIGINT NOT NULL,
    active      BIGINT NOT NULL,
    ended       BIGINT NOT NULL, -- 0: it goes on
    sealed      BLOB   NOT NULL  -- coarse words for browser and network, under the customer's key
);
CREATE INDEX portal_session_by_customer ON portal_session (customer_id);
CREATE INDEX portal_session_by_began ON portal_session (began);

-- The public keys of customers' passkeys, under the customer's key. Which of them count stands in the customer's document.
CREATE TABLE portal_passkey (
    customer_id TEXT   NOT NULL,
    passkey_id  TEXT   NOT NULL,
    used        BIGINT NOT NULL, -- 0: never
    sealed      BLOB   NOT NULL,
    PRIMARY KEY (customer_id, passkey_id)
);

-- What a browser was asked for with a passkey, until it answers.
CREATE TABLE portal_ceremony (
    owner  BLOB   NOT NULL, -- hash of the session, or of the word of a browser that is not signed in
    kind   TEXT   NOT NULL,
    began  BIGINT NOT NULL,
    sealed BLOB   NOT NULL,
    PRIMARY KEY (owner, kind)
);
CREATE INDEX portal_ceremony_by_began ON portal_ceremony (began);
