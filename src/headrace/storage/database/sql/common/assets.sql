-- The assets of versions. Listings return the asset's seq, then the columns that platform/datalake/data_records.py
-- reads. Lists of keys come before "cross join", and their index is named, so that the planner never reads a whole
-- version to find ten names in it. "of_tasks": with filters on tasks, the tasks drive the query.

-- name: page
select a.seq, k.bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from asset a cross join data d cross join lake k
where a.bucket = :bucket and a.version = :version and a.seq < :before
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake /*filters*/
order by a.seq desc
limit :limit offset :offset

-- Without filters, an asset whose data is missing is a row too, so that it is noticed.

-- name: page_of_all
select a.seq, k.bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from asset a
left join data d on d.lake_bucket = a.lake_bucket and d.no = a.data
left join lake k on k.no = d.lake
where a.bucket = :bucket and a.version = :version and a.seq < :before
order by a.seq desc
limit :limit offset :offset

-- name: ordered
select a.seq, k.bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from asset a cross join data d cross join lake k
where a.bucket = :bucket and a.version = :version
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake /*filters*/
limit :limit offset :offset

-- name: count
select count(*)
from asset a cross join data d
where a.bucket = :bucket and a.version = :version
  and d.lake_bucket = a.lake_bucket and d.no = a.data /*filters*/

-- name: page_of_tasks
select a.seq, k.bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from assignment t cross join asset a cross join data d cross join lake k
where t.bucket = :bucket
  and t.campaign = (select g.no from campaign g where g.version = :version and g.state <> 'DELETING')
  and t.asset < :before and a.bucket = :bucket and a.version = :version and a.seq = t.asset
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake /*filters*/
order by t.asset desc
limit :limit offset :offset

-- name: ordered_of_tasks
select a.seq, k.bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from assignment t cross join asset a cross join data d cross join lake k
where t.bucket = :bucket
  and t.campaign = (select g.no from campaign g where g.version = :version and g.state <> 'DELETING')
  and a.bucket = :bucket and a.version = :version and a.seq = t.asset
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake /*filters*/
limit :limit offset :offset

-- name: count_of_tasks
select count(*)
from assignment t cross join asset a cross join data d
where t.bucket = :bucket
  and t.campaign = (select g.no from campaign g where g.version = :version and g.state <> 'DELETING')
  and a.bucket = :bucket and a.version = :version and a.seq = t.asset
  and d.lake_bucket = a.lake_bucket and d.no = a.data /*filters*/

-- name: count_tasks
select count(*) from assignment t
where t.bucket = :bucket
  and t.campaign = (select g.no from campaign g where g.version = :version and g.state <> 'DELETING') /*filters*/

-- name: add
insert into asset (bucket, version, seq, lake_bucket, data, filename) values (?, ?, ?, ?, ?, ?)
