-- Tags of all families (1 data, 2 asset, 3 organization) and their links.

-- name: attach_to_data
insert or ignore into data_tag (lake_bucket, lake, tag, data)
select d.lake_bucket, d.lake, :key, d.no
from json_each(:keys) j cross join data d
where d.lake_bucket = :bucket and d.no = j.value and d.lake = :scope

-- name: count_data
select count(*) from json_each(:keys) j cross join data d
where d.lake_bucket = :bucket and d.no = j.value and d.lake = :scope

-- name: detach_from_data
delete from data_tag
where lake_bucket = :bucket and lake = :scope and tag = :key
  and data in (select value from json_each(:keys))

-- name: attach_to_assets
insert or ignore into asset_tag (bucket, version, tag, asset)
select a.bucket, a.version, :key, a.seq
from json_each(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :scope and a.seq = j.value

-- name: count_assets
select count(*) from json_each(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :scope and a.seq = j.value

-- name: detach_from_assets
delete from asset_tag
where bucket = :bucket and version = :scope and tag = :key
  and asset in (select value from json_each(:keys))

-- name: datasets
select s.no, s.created, s.bucket from json_each(:keys) j cross join dataset s
where s.no = j.value and s.organization = :organization and s.state = 'ACTIVE'

-- name: versions
select v.no, v.created, v.bucket from json_each(:keys) j cross join version v cross join dataset s
where v.no = j.value and v.state = 'ACTIVE' and s.no = v.dataset and s.organization = :organization

-- name: attach_to_objects
insert or ignore into object_tag (organization, tag, object)
select :scope, :key, value from json_each(:keys)

-- name: detach_from_objects
delete from object_tag
where organization = :scope and tag = :key and object in (select value from json_each(:keys))

-- Tags of a range of assets, for their conversion to classifications.

-- name: tags_of_asset_range
select l.asset, 0, l.tag
from asset_tag l indexed by asset_tag_asset
where l.bucket = :bucket and l.version = :version and l.asset > :after and l.asset <= :until
order by l.asset

-- name: data_tags_of_asset_range
select a.seq, l.lake, l.tag
from asset a cross join data_tag l indexed by data_tag_data
where a.bucket = :bucket and a.version = :version and a.seq > :after and a.seq <= :until
  and l.lake_bucket = a.lake_bucket and l.data = a.data
order by a.seq

-- name: drop_data_links
delete from data_tag
where lake_bucket = :bucket and lake = :scope and tag = :key and data in (
    select data from data_tag
    where lake_bucket = :bucket and lake = :scope and tag = :key order by data limit :limit)

-- name: drop_asset_links
delete from asset_tag
where bucket = :bucket and version = :scope and tag = :key and asset in (
    select asset from asset_tag
    where bucket = :bucket and version = :scope and tag = :key order by asset limit :limit)
