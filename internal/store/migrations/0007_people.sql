-- +goose Up
-- A telephone number in service is one customer's, however many nodes give it out at once: its token stands once.
ALTER TABLE lookup ADD COLUMN sole INTEGER NOT NULL DEFAULT 0; -- 1: a number; nobody else may have this token
CREATE UNIQUE INDEX lookup_sole ON lookup (token) WHERE sole = 1;
