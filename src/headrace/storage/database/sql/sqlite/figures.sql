-- Figures of the whole lake, for those who look after it.

-- name: jobs
select j.state, count(*) from job j indexed by job_state group by j.state

-- name: oldest_lease
select min(j.lease) from job j where j.state = 'RUNNING' and j.owner is not null

-- name: buckets
select distinct k.bucket from lake k

-- name: files
select count(*), coalesce(sum(t.size), 0), max(t.no)
from (select d.no, d.size from data d where d.lake_bucket = :bucket and d.no > :after order by d.no limit :limit) t
