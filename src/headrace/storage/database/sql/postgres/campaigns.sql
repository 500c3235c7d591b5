-- Annotation campaigns, their steps, and the assignees of a step.

-- name: of_organization
select g.no, g.created, g.state, g.description, g.instructions_text, g.instructions_object_name, g.end_date,
       g.auto_add, g.auto_close, g.default_entry, g.annotated_entry,
       v.no, v.bucket, v.created, v.name, v.description, v.type, v.locked,
       s.no, s.bucket, s.created, s.name, g.no, g.created
from campaign g cross join version v cross join dataset s
where g.state <> 'DELETING' and (cast(:state as text) is null or g.state = :state)
  and v.no = g.version and v.state = 'ACTIVE' and s.no = v.dataset and s.organization = :organization
order by g.no desc

-- name: close_completed
update campaign set state = 'CLOSED'
where no = :no and state = 'ACTIVE' and auto_close = 1
  and (select t.asset from assignment t where t.bucket = :bucket and t.campaign = :no
       order by t.asset limit 1) is not null
  and (select t.asset from assignment t where t.bucket = :bucket and t.campaign = :no and t.status = 'TO_DO'
       order by t.asset limit 1) is null
  and (select t.asset from assignment t where t.bucket = :bucket and t.campaign = :no and t.status = 'TO_REWORK'
       order by t.asset limit 1) is null
