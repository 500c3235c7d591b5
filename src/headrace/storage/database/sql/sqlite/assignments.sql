-- The tasks of campaigns. Listings return the task's columns, then those that platform/datalake/data_records.py reads.

-- name: present
select t.asset
from json_each(:assets) j cross join assignment t
where t.bucket = :bucket and t.campaign = :campaign and t.asset = j.value

-- name: of_annotations
select n.asset from json_each(:keys) j cross join annotation n indexed by annotation_no
where n.bucket = :bucket and n.version = :version and n.no = j.value

-- name: annotated
select j.value, exists (select 1 from annotation n
                        where n.bucket = :bucket and n.version = :version and n.asset = j.value)
from json_each(:assets) j

-- name: open_of
select t.asset, t.step
from json_each(:assets) j cross join assignment t
where t.bucket = :bucket and t.campaign = :campaign and t.asset = j.value and +t.status in ('TO_DO', 'TO_REWORK')

-- name: note_refusal
insert into assignment_trail (bucket, campaign, asset, step, account, refused)
values (:bucket, :campaign, :asset, :step, :account, 1)
on conflict (bucket, campaign, asset, step) do update set account = :account, refused = refused + 1

-- name: put_trail
update or ignore assignment_trail set step = ? where bucket = ? and campaign = ? and asset = ? and step = ?

-- name: issues
select p.account, (select u.created from account u where u.no = p.account), sum(p.opened), sum(p.refused - p.opened)
from (select iif(t.asset is null, r.account, t.account) as account, r.refused, t.asset is not null as opened
      from assignment_trail r indexed by assignment_refused
      left join assignment t
          on t.bucket = r.bucket and t.campaign = r.campaign and t.asset = r.asset
         and t.step = r.step and t.status = 'TO_REWORK'
      where r.bucket = :bucket and r.campaign = :campaign and r.refused > 0
        and (:steps is null or r.step in (select value from json_each(:steps)))) p
group by p.account

-- name: drop_of_assets
delete from assignment
where bucket = :bucket and campaign = (select g.no from campaign g where g.version = :version and g.state <> 'DELETING')
  and asset in (select value from json_each(:assets))

-- name: drop_trails_of_assets
delete from assignment_trail
where bucket = :bucket and campaign = (select g.no from campaign g where g.version = :version and g.state <> 'DELETING')
  and asset in (select value from json_each(:assets))

-- name: any
select 1 from assignment t where t.bucket = :bucket and t.campaign = :campaign limit 1

-- name: drop_range
delete from assignment where bucket = :bucket and campaign = :campaign and asset in (
    select asset from assignment where bucket = :bucket and campaign = :campaign limit :limit)

-- name: drop_trail_range
delete from assignment_trail where (bucket, campaign, asset, step) in (
    select bucket, campaign, asset, step from assignment_trail
    where bucket = :bucket and campaign = :campaign limit :limit)
