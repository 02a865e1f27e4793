-- +goose Up
-- How the staff prove who they are. Secrets and public keys are sealed under the carrier's key.
CREATE TABLE factor (
    staff_id  TEXT   NOT NULL,
    factor_id TEXT   NOT NULL,
    kind      TEXT   NOT NULL, -- totp or passkey
    name      TEXT   NOT NULL, -- what its holder calls it
    made      BIGINT NOT NULL,
    used      BIGINT NOT NULL, -- 0: never
    step      BIGINT NOT NULL, -- of a totp: the last time step that was taken
    sealed    BLOB   NOT NULL,
    PRIMARY KEY (staff_id, factor_id)
);

CREATE TABLE recovery_code (
    staff_id TEXT   NOT NULL,
    hash     BLOB   NOT NULL,
    used     BIGINT NOT NULL, -- 0: not yet
    PRIMARY KEY (staff_id, hash)
);

-- Sign-ins whose first step is done. They are no sessions: nothing is open to them but the next step.
CREATE TABLE sign_in (
    hash     BLOB   NOT NULL PRIMARY KEY,
    staff_id TEXT   NOT NULL,
    began    BIGINT NOT NULL
);

-- What is on its way between two requests of one browser: a challenge, a factor that is not confirmed yet.
CREATE TABLE ceremony (
    owner    BLOB   NOT NULL, -- hash of the session, the sign-in or the word of the door
    kind     TEXT   NOT NULL,
    staff_id TEXT   NOT NULL, -- '': nobody's yet
    began    BIGINT NOT NULL,
    sealed   BLOB   NOT NULL,
    PRIMARY KEY (owner, kind)
);

-- One-time invitations; with staff_id '' it invites whoever sets the first administrator up.
CREATE TABLE invitation (
    hash     BLOB   NOT NULL PRIMARY KEY,
    staff_id TEXT   NOT NULL,
    made     BIGINT NOT NULL,
    expires  BIGINT NOT NULL
);
CREATE INDEX invitation_by_staff ON invitation (staff_id);

-- Who a member is with a provider of single sign-on.
CREATE TABLE identity (
    issuer   TEXT   NOT NULL,
    subject  TEXT   NOT NULL,
    staff_id TEXT   NOT NULL,
    linked   BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX identity_by_staff ON identity (staff_id, issuer);

ALTER TABLE session ADD COLUMN browser TEXT NOT NULL DEFAULT ''; -- a coarse word
ALTER TABLE session ADD COLUMN network TEXT NOT NULL DEFAULT ''; -- a coarse network, never an address
ALTER TABLE session ADD COLUMN proved BIGINT NOT NULL DEFAULT 0; -- when its holder last proved who they are
CREATE INDEX session_by_staff ON session (staff_id);
