-- Looking after a lake: what a backup holds beside the objects, and what takes space.

-- name: removals
select r.no, r.bytes from removal r
where r.no > :after and r.bytes > 0
order by r.no
limit :limit

-- name: removal
select 1 from removal r where r.no = :no

-- name: instructions
select g.no, g.instructions_object_name from campaign g
where g.no > :after and g.instructions_object_name <> ''
order by g.no
limit :limit

-- name: origin
select o.created, k.created from organization o cross join lake k where o.no = 1 and k.no = 1

-- name: versions
select v.no, s.no, s.name, v.name, v.state
from version v cross join dataset s
where s.no = v.dataset
order by s.name, v.no

-- name: objects
select d.lake_bucket, d.no, d.object_name, d.size, d.sha256
from data d
where (d.lake_bucket, d.no) > (:bucket, :after)
order by d.lake_bucket, d.no
limit :limit

-- name: count
select count(*) from data

-- name: job
select j.state, j.done from job j where j.no = :no
