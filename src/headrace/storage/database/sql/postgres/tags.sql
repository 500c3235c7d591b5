-- Tags of all families (1 data, 2 asset, 3 organization) and their links.

-- name: attach_to_data
insert into data_tag (lake_bucket, lake, tag, data)
select d.lake_bucket, d.lake, :key, d.no
from json_numbers(:keys) j cross join data d
where d.lake_bucket = :bucket and d.no = j.value and d.lake = :scope
on conflict do nothing

-- name: count_data
select count(*) from json_numbers(:keys) j cross join data d
where d.lake_bucket = :bucket and d.no = j.value and d.lake = :scope

-- name: detach_from_data
delete from data_tag
where lake_bucket = :bucket and lake = :scope and tag = :key
  and data = any (array(select value from json_numbers(:keys)))

-- name: attach_to_assets
insert into asset_tag (bucket, version, tag, asset)
select a.bucket, a.version, :key, a.seq
from json_numbers(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :scope and a.seq = j.value
on conflict do nothing

-- name: count_assets
select count(*) from json_numbers(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :scope and a.seq = j.value

-- name: detach_from_assets
delete from asset_tag
where bucket = :bucket and version = :scope and tag = :key
  and asset = any (array(select value from json_numbers(:keys)))

-- name: datasets
select s.no, s.created, s.bucket from json_numbers(:keys) j cross join dataset s
where s.no = j.value and s.organization = :organization and s.state = 'ACTIVE'

-- name: versions
select v.no, v.created, v.bucket from json_numbers(:keys) j cross join version v cross join dataset s
where v.no = j.value and v.state = 'ACTIVE' and s.no = v.dataset and s.organization = :organization

-- name: attach_to_objects
insert into object_tag (organization, tag, object)
select :scope, :key, value from json_numbers(:keys)
on conflict do nothing

-- name: detach_from_objects
delete from object_tag
where organization = :scope and tag = :key and object = any (array(select value from json_numbers(:keys)))

-- Tags of a range of assets, for their conversion to classifications.

-- name: tags_of_asset_range
select l.asset, 0, l.tag
from asset_tag l
where l.bucket = :bucket and l.version = :version and l.asset > :after and l.asset <= :until
order by l.asset

-- name: data_tags_of_asset_range
select a.seq, l.lake, l.tag
from asset a cross join lateral (
    select t.lake, t.tag from data_tag t where t.lake_bucket = a.lake_bucket and t.data = a.data offset 0) l
where a.bucket = :bucket and a.version = :version and a.seq > :after and a.seq <= :until
order by a.seq

-- name: drop_data_links
delete from data_tag
where lake_bucket = :bucket and lake = :scope and tag = :key and data = any (array(
    select l.data from data_tag l
    where l.lake_bucket = :bucket and l.lake = :scope and l.tag = :key order by l.data limit :limit))

-- name: drop_asset_links
delete from asset_tag
where bucket = :bucket and version = :scope and tag = :key and asset = any (array(
    select l.asset from asset_tag l
    where l.bucket = :bucket and l.version = :scope and l.tag = :key order by l.asset limit :limit))
