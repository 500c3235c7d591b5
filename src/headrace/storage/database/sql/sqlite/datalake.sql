-- Lakes, their data and data sources. Listings of data begin with the columns that
-- platform/datalake/data_records.py reads, in its order.

-- name: names_taken
select d.object_name
from json_each(:keys) j cross join data d
where d.lake_bucket = :bucket and d.lake = :lake and d.object_name = j.value

-- name: same_content
select json_extract(j.value, '$[0]'), d.no, d.filename, d.kind, d.content_type, d.source, d.metadata, d.custom_metadata
from json_each(:keys) j cross join data d indexed by data_filename
where d.lake_bucket = :bucket and d.lake = :lake and d.filename = json_extract(j.value, '$[1]')
  and lower(hex(d.sha256)) = json_extract(j.value, '$[2]') and d.status = 'DONE'
order by d.no desc

-- name: page
select d.lake_bucket, :created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from data d
where d.lake_bucket = :bucket and d.lake = +:lake and d.no < :before /*filters*/
order by d.lake_bucket desc, d.no desc
limit :limit offset :offset

-- name: ordered
select d.lake_bucket, :created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from data d
where d.lake_bucket = :bucket and d.lake = :lake /*filters*/
limit :limit offset :offset

-- name: by_numbers
select d.lake_bucket, :created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from json_each(:keys) j cross join data d
where d.lake_bucket = :bucket and d.no = j.value and d.lake = :lake /*filters*/
limit :limit offset :offset

-- name: by_object_names
select d.lake_bucket, :created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from json_each(:keys) j cross join data d
where d.lake_bucket = :bucket and d.lake = :lake and d.object_name = j.value /*filters*/
limit :limit offset :offset

-- name: by_filenames
select d.lake_bucket, :created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from json_each(:keys) j cross join data d indexed by data_filename
where d.lake_bucket = :bucket and d.lake = :lake and d.filename = j.value /*filters*/
limit :limit offset :offset

-- name: doomed
select d.no, d.object_name
from json_each(:keys) j cross join data d
where d.lake_bucket = :bucket and d.no = j.value and d.lake = :lake

-- name: delete_data_tags
delete from data_tag where lake_bucket = :bucket and data in (select value from json_each(:keys))

-- name: delete_data
delete from data where lake_bucket = :bucket and no in (select value from json_each(:keys))

-- name: registered_names
select j.value from json_each(:keys) j
where exists (select 1 from lake k cross join data d
              where k.organization = :organization and d.lake_bucket = k.bucket and d.lake = k.no
                and d.object_name = j.value)
