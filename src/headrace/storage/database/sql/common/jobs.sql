-- Jobs and their ledgers: one shard row for each imported chunk; for a job that runs in ranges, one row with its cursor.

-- name: add
insert into job (no, organization, wire, kind, subject, spec, state, cancel, total, done, error, created, updated)
values (:no, :organization, :wire, :kind, :subject, :spec, :state, 0, :total, :done, null, :now, :now)

-- name: by_no
select j.created, j.wire, j.kind, j.subject, j.state, j.spec, j.done, j.total, j.error,
       exists (select 1 from shard h where h.job = j.no)
from job j where j.no = :no and j.organization = :organization

-- name: running
select j.no, j.created from job j
where j.kind = :kind and j.subject = :subject and j.state = 'RUNNING' and j.spec = :spec
  and j.organization = :organization
order by j.no desc limit 1

-- name: under_way
select j.no, j.created, j.wire, j.kind, j.subject, j.state, j.spec, j.done, j.total, j.error
from job j
where j.kind = :kind and j.subject = :subject and j.state = 'RUNNING' and j.organization = :organization
order by j.no desc limit 1

-- name: finish
update job set state = 'SUCCESS', updated = :now where no = :no and state = 'RUNNING'

-- name: shards
select h.no from shard h where h.job = :job order by h.no

-- name: of_chunk
select j.created, j.wire, j.kind, j.subject, j.state, j.spec, j.done, j.total, j.error,
       exists (select 1 from shard h where h.job = j.no),
       (select h.result from shard h where h.job = j.no and h.no = :shard)
from job j where j.no = :no and j.organization = :organization

-- name: add_shard
insert into shard (job, no, state, attempts, cursor, result)
values (:job, :no, 'DONE', 1, null, :result)

-- name: count_shard
update job set done = done + 1, updated = :now where no = :no

-- name: drop_shards
delete from shard where job = :job

-- name: latest
select j.no, j.created, j.wire, j.kind, j.subject, j.state, j.spec, j.done, j.total, j.error, j.updated
from job j
where j.kind = :kind and j.subject = :subject and j.organization = :organization
order by j.no desc limit 1

-- name: lease
select j.state, j.kind, j.owner, j.lease from job j where j.no = :no

-- name: claim
update job set owner = :owner, lease = :lease, attempts = attempts + 1, updated = :now
where no = :no and state = 'RUNNING' and (owner is null or lease < :now or owner = :gone)
returning kind, organization, subject, spec, attempts, error

-- name: reserve
update job set owner = :owner, lease = :lease where no = :no

-- name: asked_to_stop
select j.cancel, j.owner from job j where j.no = :no and j.state = 'RUNNING'

-- name: hold
update job set lease = :lease, updated = :now where no = :no and state = 'RUNNING' and owner = :owner
returning cancel

-- name: ask_to_stop
update job set cancel = 1, updated = :now where no = :no and state = 'RUNNING'

-- name: ask_fillers_to_stop
update job set cancel = 1, updated = :now where kind = 'FORK' and subject = :version and state = 'RUNNING'

-- name: end
update job set state = :state, error = :error, owner = null, lease = 0, updated = :now
where no = :no and state = 'RUNNING'

-- name: cursor
select h.cursor from shard h where h.job = :job and h.no = 0

-- name: count
update job set done = done + :count, attempts = 1, error = null where no = :no
