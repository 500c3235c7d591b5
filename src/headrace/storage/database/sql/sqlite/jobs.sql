-- Jobs, and the ledgers of imports: one shard row for each chunk that is in.

-- name: add
insert into job (no, organization, wire, kind, subject, spec, state, cancel, total, done, error, created, updated)
values (:no, :organization, :wire, :kind, :subject, :spec, :state, 0, null, 0, null, :now, :now)

-- name: by_no
select j.created, j.wire, j.kind, j.subject, j.state, j.spec
from job j where j.no = :no and j.organization = :organization

-- name: running
select j.no, j.created from job j
where j.kind = :kind and j.subject = :subject and j.state = 'RUNNING' and j.spec = :spec
  and j.organization = :organization
order by j.no desc limit 1

-- name: finish
update job set state = 'SUCCESS', updated = :now where no = :no and state = 'RUNNING'

-- name: shards
select h.no from shard h where h.job = :job order by h.no

-- name: shard
select h.result from shard h where h.job = :job and h.no = :no

-- name: add_shard
insert into shard (job, no, state, attempts, cursor, result)
values (:job, :no, 'DONE', 1, null, :result)

-- name: count_shard
update job set done = done + 1, updated = :now where no = :no

-- name: drop_shards
delete from shard where job = :job
