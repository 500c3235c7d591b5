-- Tags of all families (1 data, 2 asset, 3 organization) and their links.

-- name: add
insert into tag (family, scope, key, target, name, created)
values (:family, :scope, :key, :target, :name, :created)

-- name: by_name
select key, name from tag
where family = :family and scope = :scope and target = :target and name = :name

-- name: by_target
select t.key, t.name from tag t
where t.family = :family and t.scope = :scope and t.target = :target /*filters*/
limit :limit offset :offset

-- name: by_key
select target, name from tag where family = :family and scope = :scope and key = :key

-- name: rename
update tag set name = :name where family = :family and scope = :scope and key = :key

-- name: delete
delete from tag where family = :family and scope = :scope and key = :key

-- name: scope_of_lake
select created, bucket from lake where no = :no and organization = :organization

-- name: scope_of_version
select v.created, v.bucket, v.locked, s.name || '/' || v.name
from version v cross join dataset s
where v.no = :no and v.state = 'ACTIVE' and s.no = v.dataset and s.organization = :organization

-- name: scope_of_organization
select created, 0 from organization where no = :no and no = :organization

-- name: take_asset_tag_key
update dataset set next_asset_tag = next_asset_tag + 1
where no = (select dataset from version where no = :version)
returning next_asset_tag - 1

-- name: touch_version
update version set revision = revision + 1 where no = :version

-- name: drop_object_links
delete from object_tag
where organization = :scope and tag = :key and object in (
    select object from object_tag
    where organization = :scope and tag = :key order by object limit :limit)

-- name: of_data
select t.key, t.name from data_tag l cross join tag t
where l.lake_bucket = :bucket and l.data = :data and l.lake = :lake
  and t.family = 1 and t.scope = l.lake and t.key = l.tag
order by t.key

-- name: of_asset
select t.key, t.name from asset_tag l cross join tag t
where l.bucket = :bucket and l.version = :version and l.asset = :asset
  and t.family = 2 and t.scope = l.version and t.key = l.tag
order by t.key
