-- Jobs and their ledgers: one shard row for each imported chunk; for a job that runs in ranges, one row with its cursor.

-- name: count_open
select count(*) from job j
where j.state = 'RUNNING' and j.organization = :organization and j.kind = any (array(select value from json_texts(:kinds)))

-- name: open
select j.no, j.owner, j.lease from job j
where j.state = 'RUNNING' and j.kind = any (array(select value from json_texts(:kinds)))
order by j.no limit :limit

-- name: release
update job set owner = null, lease = 0, error = coalesce(:error, error), attempts = greatest(attempts - :unused, 0)
where no = :no and state = 'RUNNING' and owner = :owner

-- name: mark
insert into shard (job, no, state, attempts, cursor, result) values (:job, 0, 'DONE', 1, :cursor, null)
on conflict (job, no) do update set cursor = :cursor, attempts = shard.attempts + 1

-- name: newest
select j.no, j.created, j.wire, j.kind, j.subject, j.state, j.spec, j.done, j.total, j.error,
       (select h.no from shard h where h.job = j.no order by h.no limit 1) is not null
from (select * from job where organization = :organization order by no desc limit :limit) j
order by j.no desc

-- name: drop_old_ledgers
delete from shard where job = any (array(
    select j.no from job j where j.state = 'SUCCESS' and j.kind = 'IMPORT' and j.updated < :before))

-- name: clock
select (extract(epoch from clock_timestamp()) * 1000)::bigint

-- name: end_stalled
-- Sessions that hold locks of a transaction and wait in the middle of a batch for more of it.
select count(pg_terminate_backend(a.pid)) from pg_stat_activity a
where a.datname = current_database() and a.usename = current_user and a.application_name ~ '^headrace [0-9]+$'
  and a.state = 'active' and a.wait_event = 'ClientRead'
  and a.state_change < clock_timestamp() - make_interval(secs => cast(:seconds as double precision))
  and exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted)
