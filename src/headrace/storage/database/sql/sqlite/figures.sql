-- Figures of the whole lake, for those who look after it.

-- name: jobs
select j.state, count(*) from job j indexed by job_state group by j.state

-- name: files
select count(*), coalesce(sum(t.size), 0), max(t.no)
from (select d.no, d.size from data d where d.lake_bucket = :bucket and d.no > :after order by d.no limit :limit) t
