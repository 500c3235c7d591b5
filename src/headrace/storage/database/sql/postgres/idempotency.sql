-- Stored answers to calls with an Idempotency-Key.

-- name: forget
-- Every added answer deletes a few expired ones, so that they never pile up and no call waits long. Those that another
-- call deletes at this moment are left to it: two would wait for each other.
delete from answered_call where no = any (array(
    select a.no from answered_call a where a.expires < :now order by a.expires limit :limit for update skip locked))
