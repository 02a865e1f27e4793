-- +goose Up
-- Whose CPNI somebody touched, found without reading the records of everybody else: what was permitted of a customer, and what was shown
-- of one. The database itself keeps this index in the transaction of the entry, so none of it can be missing. The ids are in the order of
-- time, so a commit writes at its end alone. An index by actor would be written everywhere, and SQLite would commit half (docs/performance.md).
-- By whom, for whom and in which contact is told by the index itself, so a trace reads the stretch of its time and of the records those
-- that it is about.
CREATE INDEX record_touched ON record (id, actor, recipient, contact)
    WHERE (kind = 'decision' AND outcome = 'permit' OR kind = 'lookup') AND customer_id <> '';
CREATE INDEX record_destroyed_id ON record_destroyed (id);
