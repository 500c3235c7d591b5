-- Versions of datasets. Only deletion.sql reads versions in state DELETING.

-- name: add
insert into version (no, bucket, dataset, name, description, type, state, locked, created, revision,
                     next_asset, next_annotation)
values (:no, :bucket, :dataset, :name, :description, :type, 'ACTIVE', 0, :created, 0, 1, 1)

-- name: dataset
-- Of a version in any state: it never changes.
select v.dataset from version v where v.no = :no

-- name: by_no
select v.no, v.bucket, v.created, v.name, v.description, v.type, v.locked,
       s.no, s.bucket, s.created, s.name, g.no, g.created
from version v cross join dataset s
left join campaign g on g.version = v.no and g.state <> 'DELETING'
where v.no = :no and v.state = 'ACTIVE' and s.no = v.dataset and s.organization = :organization

-- name: by_name
select v.no, v.bucket, v.created, v.name, v.description, v.type, v.locked,
       s.no, s.bucket, s.created, s.name, g.no, g.created
from dataset s cross join version v
left join campaign g on g.version = v.no and g.state <> 'DELETING'
where s.no = :dataset and s.organization = :organization
  and v.dataset = s.no and v.name = :name and v.state = 'ACTIVE'

-- name: page
select v.no, v.bucket, v.created, v.name, v.description, v.type, v.locked,
       s.no, s.bucket, s.created, s.name, g.no, g.created
from dataset s cross join version v
left join campaign g on g.version = v.no and g.state <> 'DELETING'
where s.no = :dataset and s.organization = :organization
  and v.dataset = s.no and v.state = 'ACTIVE' /*filters*/
limit :limit offset :offset

-- name: update
update version set name = coalesce(:name, name), description = coalesce(:description, description),
                   type = coalesce(:type, type), revision = revision + 1
where no = :no and state = 'ACTIVE'

-- name: lock
update version set locked = :locked where no = :no and state = 'ACTIVE' and locked <> 2

-- name: take_numbers
update version set next_asset = next_asset + :assets, next_annotation = next_annotation + :annotations
where no = :no and state = 'ACTIVE'
returning next_asset - :assets, next_annotation - :annotations, revision + 1

-- name: revise
update version set revision = revision + 1 where no = :no

-- name: touch
update version set revision = revision + 1,
                   next_asset = next_asset + :assets, next_annotation = next_annotation + :annotations
where no = :no and state = 'ACTIVE'
returning next_asset - :assets, next_annotation - :annotations, revision

-- name: doom
update version set state = 'DELETING', removal = :removal, purge_after = :purge_after
where no = :no and state = 'ACTIVE'
