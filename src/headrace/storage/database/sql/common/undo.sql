-- What an undo compares and writes.

-- name: tags
select t.key, t.name from tag t where t.family = 2 and t.scope = :version

-- name: deleted_versions
select v.no, v.name, v.dataset, s.name, s.state
from version v cross join dataset s
where v.removal = :removal and v.state = 'DELETING' and v.purge_after > :now and s.no = v.dataset
order by v.no

-- name: dataset
select s.name, s.state from dataset s
where s.no = :no and (s.state = 'ACTIVE' or s.purge_after > :now)

-- name: bucket
select v.bucket from version v where v.no = :no

-- name: version_state
select v.state from version v where v.no = :no

-- name: version_name
select 1 from version v where v.dataset = :dataset and v.name = :name and v.state = 'ACTIVE'

-- name: restore_version
update version set state = 'ACTIVE', name = :name, purge_after = 0, revision = revision + 1
where no = :no and state = 'DELETING'

-- name: restore_dataset
update dataset set state = 'ACTIVE', name = :name, purge_after = 0 where no = :no and state = 'DELETING'
