-- Jobs and their ledgers: one shard row for each imported chunk; for a job that runs in ranges, one row with its cursor.

-- name: count_open
select count(*) from job j
where j.state = 'RUNNING' and j.organization = :organization and j.kind in (select value from json_each(:kinds))

-- name: open
select j.no, j.owner, j.lease from job j
where j.state = 'RUNNING' and j.kind in (select value from json_each(:kinds))
order by j.no limit :limit

-- name: release
update job set owner = null, lease = 0, error = coalesce(:error, error), attempts = max(attempts - :unused, 0)
where no = :no and state = 'RUNNING' and owner = :owner

-- name: mark
insert into shard (job, no, state, attempts, cursor, result) values (:job, 0, 'DONE', 1, :cursor, null)
on conflict (job, no) do update set cursor = :cursor, attempts = attempts + 1

-- name: newest
select j.no, j.created, j.wire, j.kind, j.subject, j.state, j.spec, j.done, j.total, j.error,
       exists (select 1 from shard h where h.job = j.no)
from job j where j.organization = :organization
order by j.no desc limit :limit

-- name: drop_old_ledgers
delete from shard where job in (
    select j.no from job j where j.state = 'SUCCESS' and j.kind = 'IMPORT' and j.updated < :before)

-- name: clock
select cast(unixepoch('subsec') * 1000 as integer)

-- name: end_stalled
-- A lake has none: the lock of a process that ends is gone.
select count(*) from (select 1) where :seconds < 0
