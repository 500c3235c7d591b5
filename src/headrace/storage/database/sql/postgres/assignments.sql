-- The tasks of campaigns. Listings return the task's columns, then those that platform/datalake/data_records.py reads.

-- name: present
select t.asset
from json_numbers(:assets) j cross join assignment t
where t.bucket = :bucket and t.campaign = :campaign and t.asset = j.value

-- name: of_annotations
select n.asset from json_numbers(:keys) j cross join annotation n
where n.bucket = :bucket and n.version = :version and n.no = j.value

-- name: annotated
select j.value, exists (select 1 from annotation n
                        where n.bucket = :bucket and n.version = :version and n.asset = j.value)
from json_numbers(:assets) j
order by j.key

-- name: open_of
select t.asset, t.step
from json_numbers(:assets) j cross join assignment t
where t.bucket = :bucket and t.campaign = :campaign and t.asset = j.value and t.status in ('TO_DO', 'TO_REWORK')
order by j.key

-- name: note_refusal
insert into assignment_trail (bucket, campaign, asset, step, account, refused)
values (:bucket, :campaign, :asset, :step, :account, 1)
on conflict (bucket, campaign, asset, step) do update set account = :account, refused = assignment_trail.refused + 1

-- name: put_trail
update assignment_trail r set step = w.step
from (select cast(? as integer) as step, cast(? as smallint) as bucket, cast(? as bigint) as campaign,
             cast(? as integer) as asset, cast(? as integer) as old) w
where r.bucket = w.bucket and r.campaign = w.campaign and r.asset = w.asset and r.step = w.old
  and not exists (select 1 from assignment_trail t
                  where t.bucket = w.bucket and t.campaign = w.campaign and t.asset = w.asset and t.step = w.step)

-- name: issues
select p.account, (select u.created from account u where u.no = p.account), sum(p.opened), sum(p.refused - p.opened)
from (select case when t.asset is null then r.account else t.account end as account, r.refused,
             cast(t.asset is not null as integer) as opened
      from assignment_trail r
      left join assignment t
          on t.bucket = r.bucket and t.campaign = r.campaign and t.asset = r.asset
         and t.step = r.step and t.status = 'TO_REWORK'
      where r.bucket = :bucket and r.campaign = :campaign and r.refused > 0
        and (cast(:steps as text) is null or r.step = any (array(select value from json_numbers(:steps))))) p
group by p.account
order by p.account nulls first

-- name: drop_of_assets
delete from assignment
where bucket = :bucket and campaign = (select g.no from campaign g where g.version = :version and g.state <> 'DELETING')
  and asset = any (array(select value from json_numbers(:assets)))

-- name: drop_trails_of_assets
delete from assignment_trail
where bucket = :bucket and campaign = (select g.no from campaign g where g.version = :version and g.state <> 'DELETING')
  and asset = any (array(select value from json_numbers(:assets)))

-- name: any
select 1 from assignment t where t.bucket = :bucket and t.campaign = :campaign order by t.asset limit 1

-- name: drop_range
delete from assignment where bucket = :bucket and campaign = :campaign and asset = any (array(
    select t.asset from assignment t where t.bucket = :bucket and t.campaign = :campaign order by t.asset limit :limit))

-- name: drop_trail_range
delete from assignment_trail r using (
    select t.asset, t.step from assignment_trail t
    where t.bucket = :bucket and t.campaign = :campaign order by t.asset, t.step limit :limit) d
where r.bucket = :bucket and r.campaign = :campaign and r.asset = d.asset and r.step = d.step
