-- The assets of versions. Listings return the asset's seq, then the columns that platform/datalake/data_records.py
-- reads. Lists of keys come before "cross join", and their index is named, so that the planner never reads a whole
-- version to find ten names in it. "of_tasks": with filters on tasks, the tasks drive the query.

-- name: rows
select a.seq, k.bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from json_numbers(:keys) j cross join asset a cross join data d cross join lake k
where a.bucket = :bucket and a.version = :version and a.seq = j.value
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake /*filters*/
order by j.key

-- name: count_of_keys
select count(*)
from json_numbers(:keys) j cross join asset a cross join data d
where a.bucket = :bucket and a.version = :version and a.seq = j.value
  and d.lake_bucket = a.lake_bucket and d.no = a.data /*filters*/

-- name: by_ids
select a.seq
from json_numbers(:keys) j cross join asset a cross join data d
where a.bucket = :bucket and a.version = :version and a.seq = j.value
  and d.lake_bucket = a.lake_bucket and d.no = a.data /*filters*/

-- name: by_filenames
select a.seq
from json_texts(:keys) j cross join asset a cross join data d
where a.bucket = :bucket and a.version = :version and a.filename = j.value
  and d.lake_bucket = a.lake_bucket and d.no = a.data /*filters*/

-- name: match
select j.key, a.seq
from json_texts(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :version and a.filename = j.value
order by j.key, a.seq

-- name: by_filename_startswith
select a.seq
from json_rows(:keys) j
cross join lateral (
    select x.* from asset x
    where x.bucket = :bucket and x.version = :version
      and x.filename >= json_text(j.value -> 0) and x.filename < json_text(j.value -> 1)
    order by x.filename offset 0) a
cross join lateral (
    select x.* from data x where x.lake_bucket = a.lake_bucket and x.no = a.data offset 0) d
where true /*filters*/

-- name: by_object_names
select a.seq
from json_texts(:keys) j cross join lake k cross join data d
cross join asset a
where k.organization = :organization
  and d.lake_bucket = k.bucket and d.lake = k.no and d.object_name = j.value
  and a.bucket = :bucket and a.version = :version
  and a.lake_bucket = d.lake_bucket and a.data = d.no /*filters*/

-- name: by_data_ids
select a.seq
from json_rows(:keys) j cross join asset a cross join data d cross join lake k
where a.bucket = :bucket and a.version = :version
  and a.lake_bucket = cast(j.value ->> 0 as bigint) and a.data = cast(j.value ->> 1 as bigint)
  and d.lake_bucket = a.lake_bucket and d.no = a.data
  and k.no = d.lake and k.created = cast(j.value ->> 2 as bigint) /*filters*/

-- name: known_tags
select t.key
from json_numbers(:keys) j cross join tag t
where t.family = 2 and t.scope = :version and t.key = j.value

-- name: candidates
select d.lake_bucket, d.no, k.created, d.filename, d.status, d.width, d.kind
from json_rows(:keys) j cross join data d cross join lake k
where d.lake_bucket = cast(j.value ->> 0 as bigint) and d.no = cast(j.value ->> 1 as bigint)
  and k.no = d.lake and k.organization = :organization

-- name: present
select a.lake_bucket, a.data, a.seq
from json_rows(:keys) j cross join asset a
where a.bucket = :bucket and a.version = :version
  and a.lake_bucket = cast(j.value ->> 0 as bigint) and a.data = cast(j.value ->> 1 as bigint)

-- name: add_tag
insert into asset_tag (bucket, version, tag, asset) values (?, ?, ?, ?) on conflict do nothing
