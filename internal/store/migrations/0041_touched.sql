-- +goose Up
-- Whose CPNI somebody touched, found without reading the records of everybody else: what was permitted of a customer, and what was shown
-- of one. The database itself keeps these indexes in the transaction of the entry, so none of it can be missing. The ids are in the order
-- of time, so of each word the newest stand together. What customers do for themselves is most of it, and is found by the time.
CREATE INDEX record_touched ON record (id)
    WHERE (kind = 'decision' AND outcome = 'permit' OR kind = 'lookup') AND customer_id <> '';
CREATE INDEX record_touched_actor ON record (actor, id)
    WHERE (kind = 'decision' AND outcome = 'permit' OR kind = 'lookup') AND customer_id <> '' AND actor <> 'customer';
CREATE INDEX record_touched_contact ON record (contact, id)
    WHERE (kind = 'decision' AND outcome = 'permit' OR kind = 'lookup') AND customer_id <> '' AND contact <> '';
CREATE INDEX record_touched_recipient ON record (recipient, id)
    WHERE kind = 'decision' AND outcome = 'permit' AND customer_id <> '' AND recipient <> 'customer' AND recipient <> 'carrier' AND recipient <> 'unknown';
CREATE INDEX record_destroyed_id ON record_destroyed (id);
