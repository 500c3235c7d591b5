-- Lakes, their data and data sources. Listings of data begin with the columns that
-- platform/datalake/data_records.py reads, in its order.

-- name: add_lake
insert into lake (no, bucket, organization, connector, name, created, is_default)
values (:no, :bucket, :organization, :connector, :name, :created, :is_default)

-- name: next_lake
select coalesce(max(no), 0) + 1 from lake

-- name: lake
select k.no, k.bucket, k.name, k.created, c.no, c.created
from lake k cross join connector c
where k.no = :no and k.organization = :organization and c.no = k.connector

-- name: lakes
select k.no, k.bucket, k.name, k.created, c.no, c.created
from lake k cross join connector c
where k.organization = :organization and c.no = k.connector
order by k.is_default desc, k.no

-- name: register
insert into data (lake_bucket, no, lake, object_name, filename, kind, content_type, source, metadata,
                  custom_metadata, status, width, height, size, sha256, created)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: registered
select d.no, d.width, d.height, d.filename, d.kind, d.content_type, d.source, d.metadata, d.custom_metadata
from data d
where d.lake_bucket = :bucket and d.lake = :lake and d.object_name = :object_name

-- name: data
select d.lake_bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata,
       k.no, s.no, s.name, s.created
from data d cross join lake k left join source s on s.no = d.source
where d.lake_bucket = :bucket and d.no = :no and k.no = d.lake and k.organization = :organization

-- name: count
select count(*) from data d where d.lake_bucket = :bucket and d.lake = :lake /*filters*/

-- name: update_metadata
update data set metadata = :metadata where lake_bucket = :bucket and no = :no

-- name: update_custom_metadata
update data set custom_metadata = :custom_metadata where lake_bucket = :bucket and no = :no

-- name: name_taken
select 1 from lake k cross join data d
where k.organization = :organization and d.lake_bucket = k.bucket and d.lake = k.no
  and d.object_name = :object_name

-- name: add_source
insert into source (organization, name, created) values (:organization, :name, :created) returning no

-- name: source_by_name
select no, name, created from source where organization = :organization and name = :name

-- name: source
select no, name, created from source where organization = :organization and no = :no

-- name: sources
select s.no, s.name, s.created from source s where s.organization = :organization /*filters*/
limit :limit offset :offset
