-- Stored answers to calls with an Idempotency-Key.

-- name: forget
-- Every added answer deletes a few expired ones, so that they never pile up and no call waits long.
delete from answered_call where no in (select a.no from answered_call a where a.expires < :now limit :limit)
