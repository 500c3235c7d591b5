-- Annotation campaigns, their steps, and the assignees of a step.

-- name: add
insert into campaign (no, bucket, version, state, description, instructions_text, instructions_object_name, end_date,
                      auto_add, auto_close, default_entry, annotated_entry, next_step, created)
values (:no, :bucket, :version, 'ACTIVE', :description, :instructions_text, :instructions_object_name, :end_date,
        :auto_add, :auto_close, null, null, 1, :created)

-- name: version
-- Of a campaign in any state: it never changes.
select g.version from campaign g where g.no = :no

-- name: by_no
select g.no, g.created, g.state, g.description, g.instructions_text, g.instructions_object_name, g.end_date,
       g.auto_add, g.auto_close, g.default_entry, g.annotated_entry,
       v.no, v.bucket, v.created, v.name, v.description, v.type, v.locked,
       s.no, s.bucket, s.created, s.name, g.no, g.created
from campaign g cross join version v cross join dataset s
where g.no = :no and g.state <> 'DELETING'
  and v.no = g.version and v.state = 'ACTIVE' and s.no = v.dataset and s.organization = :organization

-- name: update
update campaign set description = coalesce(:description, description),
                    instructions_text = coalesce(:instructions_text, instructions_text),
                    instructions_object_name = coalesce(:instructions_object_name, instructions_object_name),
                    end_date = coalesce(:end_date, end_date),
                    auto_add = coalesce(:auto_add, auto_add), auto_close = coalesce(:auto_close, auto_close),
                    default_entry = coalesce(:default_entry, default_entry),
                    annotated_entry = coalesce(:annotated_entry, annotated_entry)
where no = :no and state = 'ACTIVE'

-- name: close
update campaign set state = 'CLOSED' where no = :no and state = 'ACTIVE'

-- name: doom
update campaign set state = 'DELETING' where no = :no

-- name: doom_of_version
update campaign set state = 'DELETING' where version = :version and state <> 'DELETING'

-- name: doomed
select g.no, g.bucket from campaign g where g.state = 'DELETING' order by g.no limit 1

-- name: drop
delete from campaign where no = :no and state = 'DELETING'

-- name: drop_steps
delete from campaign_step where campaign = :no

-- name: drop_assignees
delete from step_assignee where campaign = :no

-- name: steps
select p.key, p.position, p.name, p.type, p.description, p.sample_rate
from campaign_step p where p.campaign = :campaign order by p.position

-- name: take_step
update campaign set next_step = next_step + 1 where no = :campaign returning next_step - 1

-- name: make_room
update campaign_step set position = position + 1 where campaign = :campaign and position >= :position

-- name: add_step
insert into campaign_step (campaign, key, position, name, type, description, sample_rate)
values (:campaign, :key, :position, :name, :type, :description, :sample_rate)

-- name: update_step
update campaign_step set name = coalesce(:name, name), sample_rate = coalesce(:sample_rate, sample_rate)
where campaign = :campaign and key = :key

-- name: drop_step
delete from campaign_step where campaign = :campaign and key = :key

-- name: close_up
update campaign_step set position = position - 1 where campaign = :campaign and position > :position

-- name: forget_step
update campaign set default_entry = nullif(default_entry, :key), annotated_entry = nullif(annotated_entry, :key)
where no = :campaign

-- name: assignees
select e.step, e.account, e.weight, e.dealt, (select u.created from account u where u.no = e.account)
from step_assignee e where e.campaign = :campaign
order by e.step, e.account

-- name: add_assignee
insert into step_assignee (campaign, step, account, weight, dealt) values (?, ?, ?, ?, 0)

-- name: drop_assignees_of_step
delete from step_assignee where campaign = :campaign and step = :step

-- name: count_dealt
update step_assignee set dealt = ? where campaign = ? and step = ? and account = ?
