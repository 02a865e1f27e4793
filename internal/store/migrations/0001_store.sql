-- +goose Up
-- Small facts about the database itself, for instance the clock's high-water mark.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
