-- Datasets.

-- name: add
insert into dataset (no, organization, bucket, name, description, state, created,
                     next_label, next_asset_tag, next_content)
values (:no, :organization, :bucket, :name, :description, 'ACTIVE', :created, 1, 1, 1)

-- name: by_no
select s.no, s.bucket, s.created, s.name, s.description
from dataset s where s.no = :no and s.organization = :organization and s.state = 'ACTIVE'

-- name: by_name
select s.no, s.bucket, s.created, s.name, s.description
from dataset s where s.organization = :organization and s.name = :name and s.state = 'ACTIVE'

-- name: page
select s.no, s.bucket, s.created, s.name, s.description
from dataset s where s.organization = :organization and s.state = 'ACTIVE' /*filters*/
limit :limit offset :offset

-- name: update
update dataset set name = coalesce(:name, name), description = coalesce(:description, description)
where no = :no and state = 'ACTIVE'

-- name: doom
update dataset set state = 'DELETING', removal = :removal, purge_after = :purge_after
where no = :no and state = 'ACTIVE'

-- name: locked_version
select v.name from version v where v.dataset = :no and v.state = 'ACTIVE' and v.locked = 1 limit 1

-- name: tags
select t.key, t.name, t.target, t.created
from object_tag l cross join tag t
where l.organization = :organization and l.object = :no
  and t.family = 3 and t.scope = l.organization and t.key = l.tag and t.target = :target
order by t.key
