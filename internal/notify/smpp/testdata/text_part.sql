-- In which parts long texts went out by SMPP, and what became of each: the centre tells of each part alone, to whichever
-- node is bound. Names are the message centre's own, and nothing here is a customer's.
CREATE TABLE IF NOT EXISTS long_text (
    name  TEXT    NOT NULL PRIMARY KEY, -- as the outbox knows it
    parts INTEGER NOT NULL,             -- how many it has
    ready INTEGER NOT NULL,             -- how many are delivered
    lost  TEXT    NOT NULL,             -- what the first lost part is, or empty
    at    BIGINT  NOT NULL              -- when the centre took the first
);
CREATE INDEX IF NOT EXISTS long_text_at ON long_text (at);
CREATE TABLE IF NOT EXISTS text_part (
    part  TEXT    NOT NULL PRIMARY KEY, -- the centre's name for it
    name  TEXT    NOT NULL,
    ready INTEGER NOT NULL              -- 1: it is delivered
);
CREATE INDEX IF NOT EXISTS text_part_name ON text_part (name);
