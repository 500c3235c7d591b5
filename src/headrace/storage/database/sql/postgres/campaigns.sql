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
  and exists (select 1 from assignment t where t.bucket = :bucket and t.campaign = :no)
  and not exists (select 1 from assignment t
                  where t.bucket = :bucket and t.campaign = :no and t.status in ('TO_DO', 'TO_REWORK'))
