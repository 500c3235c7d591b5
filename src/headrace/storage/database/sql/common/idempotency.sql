-- Stored answers to calls with an Idempotency-Key.

-- name: find
select a.operation, a.digest, a.answer
from answered_call a
where a.organization = :organization and a.account = :account and a.key = :key and a.expires >= :now

-- name: drop
delete from answered_call where organization = :organization and account = :account and key = :key

-- name: add
insert into answered_call (organization, account, key, operation, digest, answer, expires)
values (:organization, :account, :key, :operation, :digest, :answer, :expires)
