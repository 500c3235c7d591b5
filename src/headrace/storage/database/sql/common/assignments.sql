-- The tasks of campaigns. Listings return the task's columns, then those that platform/datalake/data_records.py reads.

-- name: page
select t.asset, t.step, t.status, t.account, (select u.created from account u where u.no = t.account),
       k.bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from assignment t cross join asset a cross join data d cross join lake k
where t.bucket = :bucket and t.campaign = :campaign and t.asset < :before
  and a.bucket = :bucket and a.version = :version and a.seq = t.asset
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake /*filters*/
order by t.asset desc
limit :limit offset :offset

-- name: ordered
select t.asset, t.step, t.status, t.account, (select u.created from account u where u.no = t.account),
       k.bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from assignment t cross join asset a cross join data d cross join lake k
where t.bucket = :bucket and t.campaign = :campaign
  and a.bucket = :bucket and a.version = :version and a.seq = t.asset
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake /*filters*/
limit :limit offset :offset

-- name: one
select t.asset, t.step, t.status, t.account, (select u.created from account u where u.no = t.account),
       k.bucket, k.created, d.no, d.object_name, d.filename, d.kind, d.content_type, d.status,
       d.width, d.height, d.size, d.sha256, d.metadata, d.custom_metadata
from assignment t cross join asset a cross join data d cross join lake k
where t.bucket = :bucket and t.campaign = :campaign and t.asset = :asset
  and a.bucket = :bucket and a.version = :version and a.seq = t.asset
  and d.lake_bucket = a.lake_bucket and d.no = a.data and k.no = d.lake

-- name: count
select count(*) from assignment t where t.bucket = :bucket and t.campaign = :campaign /*filters*/

-- name: count_matching
select count(*)
from assignment t cross join asset a cross join data d
where t.bucket = :bucket and t.campaign = :campaign
  and a.bucket = :bucket and a.version = :version and a.seq = t.asset
  and d.lake_bucket = a.lake_bucket and d.no = a.data /*filters*/

-- name: task
select t.step, t.status, t.account, (select u.username from account u where u.no = t.account)
from assignment t
where t.bucket = :bucket and t.campaign = :campaign and t.asset = :asset

-- name: unsynced
select a.seq, exists (select 1 from annotation n
                      where n.bucket = :bucket and n.version = :version and n.asset = a.seq)
from asset a
where a.bucket = :bucket and a.version = :version and a.seq > :after and a.seq <= :until
  and not exists (select 1 from assignment t
                  where t.bucket = :bucket and t.campaign = :campaign and t.asset = a.seq)
order by a.seq

-- name: add
insert into assignment (bucket, campaign, asset, step, status, account) values (?, ?, ?, ?, ?, ?)

-- name: move
update assignment set step = ?, status = ?, account = ? where bucket = ? and campaign = ? and asset = ?

-- name: deal
update assignment set step = ?, account = ? where bucket = ? and campaign = ? and asset = ?

-- name: put
update assignment set step = ? where bucket = ? and campaign = ? and asset = ?

-- name: in_step
select t.asset, t.status
from assignment t
where t.bucket = :bucket and t.campaign = :campaign and t.asset > :after and t.step = :step
order by t.asset limit :limit

-- name: trail
select r.account, r.refused from assignment_trail r
where r.bucket = :bucket and r.campaign = :campaign and r.asset = :asset and r.step = :step

-- name: note_work
insert into assignment_trail (bucket, campaign, asset, step, account, refused)
values (:bucket, :campaign, :asset, :step, :account, 0)
on conflict (bucket, campaign, asset, step) do update set account = :account

-- name: newest_annotation
select n.no, n.status from annotation n
where n.bucket = :bucket and n.version = :version and n.asset = :asset
order by n.no desc limit 1

-- name: set_status
update annotation set status = :status
where bucket = :bucket and version = :version and asset = :asset and no = :no

-- name: progress
select t.step, t.status, t.account, (select u.created from account u where u.no = t.account), t.tasks
from (select step, status, account, count(*) as tasks from assignment
      where bucket = :bucket and campaign = :campaign group by step, status, account) t
